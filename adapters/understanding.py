"""What the families share when they read a prepared payment anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from adapters.base import NodeRefused, Payment

OTHER = "The prepared payment is another one than that in the books."


def added_up(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for address, amount in pairs:
        found[address] += amount
    return found


def demand_same(pays: Iterable[tuple[str, int]], payments: Iterable[Payment]) -> None:
    """Each address gets exactly what it should, and nobody else anything. Raises NodeRefused."""
    if added_up(pays) != added_up((one.address, one.amount) for one in payments):
        raise NodeRefused(OTHER)
