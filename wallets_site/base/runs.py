"""Sets of numbers as short text: [1, 2, 3, 7] is "1-3,7"."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from itertools import islice


def pack(ids: Iterable[int]) -> str:
    parts: list[list[int]] = []
    for number in sorted(ids):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def unpack(text: str) -> Iterator[int]:
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def size(text: str) -> int:
    """How many numbers it says, without naming them."""
    ends = [part.partition("-") for part in filter(None, text.split(","))]
    return sum(int(last or first) - int(first) + 1 for first, _, last in ends)


def unknown(numbers: Iterable[int], known: Container[int], most: int) -> list[int]:
    """The first `most` numbers that are not among the known ones."""
    return list(islice((number for number in numbers if number not in known), most))
