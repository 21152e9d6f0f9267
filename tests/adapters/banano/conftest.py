from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.banano.world import BananoWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BananoWorld]:
    made = BananoWorld(tmp_path)
    yield made
    made.close()
