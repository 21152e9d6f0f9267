from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine


@pytest.fixture
def time_machine_now() -> Iterator[time_machine.Traveller]:
    """The clock, running from now on, to be moved by .shift(seconds)."""
    with time_machine.travel(datetime.now(UTC)) as traveller:
        yield traveller
