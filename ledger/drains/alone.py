from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.core.cache import cache

from ledger import locks

REMEMBERED: Final = 60  # seconds


def alone(name: str, work: Callable[[], bool]) -> bool:
    """Do `work` while nobody else does it; who comes meanwhile makes the one at work do it once more.

    What work() answered, or False when another process is at it. No wish to look is lost in between: it is
    noted before the lock is tried, and read after the lock is given back.
    """
    wish = f"again:{name}"
    while True:
        cache.set(wish, 1, REMEMBERED)
        with locks.exclusive(name) as mine:
            if not mine:
                return False
            cache.delete(wish)
            done = work()
        if cache.get(wish) is None:
            return done
