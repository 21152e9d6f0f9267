"""The same thing done by many at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.support.databases import close_all

T = TypeVar("T")


def at_once(count: int, do: Callable[[int], T]) -> list[T | Exception]:
    """do(0) … do(count - 1) from as many threads that start together; each answer, or what it raised."""
    barrier = threading.Barrier(count)

    def run(number: int) -> T | Exception:
        barrier.wait()
        try:
            return do(number)
        except Exception as error:
            return error
        finally:
            close_all(pools=False)

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(run, range(count)))
