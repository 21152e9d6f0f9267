from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

TAKES_NEW_FOR: Final = 30  # seconds; then a drain lets the next poke go on
_capped_at: ContextVar[float] = ContextVar("capped_at", default=math.inf)


class Budget:
    """How long a drain may take new items. A task ends soon after, well within the queue's time limit."""

    def __init__(self, seconds: int = TAKES_NEW_FOR) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> bool:
        return time.monotonic() < min(self._ends, _capped_at.get())


@contextmanager
def new_work_for(seconds: int) -> Iterator[Budget]:
    """Every budget in this block, and all of them together, end after so many seconds."""
    token = _capped_at.set(time.monotonic() + seconds)
    try:
        yield Budget(seconds)
    finally:
        _capped_at.reset(token)
