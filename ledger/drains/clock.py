from __future__ import annotations

import time
from typing import Final

TAKES_NEW_FOR: Final = 30  # seconds; then a drain lets the next poke go on


class Budget:
    """How long a drain may take new items. A task ends soon after, well within the queue's time limit."""

    def __init__(self, seconds: int = TAKES_NEW_FOR) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> bool:
        return time.monotonic() < self._ends
