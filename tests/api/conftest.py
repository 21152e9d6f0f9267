from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from wallets_site.base.clock import now


@pytest.fixture
def clock(site) -> Iterator[time_machine.Traveller]:
    """Time stands still until the test shifts it."""
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller
