"""What came in and went out: what can still be collected, and every block of our accounts' chains.

The cursor keeps for each account the height up to which its chain was read as confirmed, and the beginning of its
newest block's name then: an account whose newest block is still the same needs no reading.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.banano.fate import CONFIRMATIONS
from adapters.banano.keys import Keyring
from adapters.banano.node import BlockSeen, Node, hex_name, number, truth
from adapters.base import Found, NodeDown, Page, Watched

CHUNK: Final = 2500  # addresses in one page
FIRST_ENTRIES: Final = 20
MORE_ENTRIES: Final = 1000
MARK: Final = 16  # hex digits of a block's name kept in the cursor
HOT_REF: Final = "0"


@dataclass(slots=True)
class Cursor:
    """next: how many addresses of the round are done. read: ref -> [height, beginning of the newest block]."""

    next: int = 0
    read: dict[str, tuple[int, str]] = field(default_factory=dict)

    def text(self) -> str:
        read = {ref: f"{height}.{mark}" for ref, (height, mark) in self.read.items()}
        return json.dumps({"v": 1, "next": self.next, "read": read}, separators=(",", ":"))


def read_cursor(text: str) -> Cursor:
    """An unknown cursor means: from the beginning."""
    try:
        data = json.loads(text)
        if data["v"] != 1:
            raise ValueError("version")
        read = {str(ref): str(held).partition(".") for ref, held in data["read"].items()}
        return Cursor(int(data["next"]), {ref: (int(height), mark) for ref, (height, _, mark) in read.items()})
    except (ValueError, TypeError, KeyError, AttributeError):
        return Cursor()


@dataclass(frozen=True, slots=True)
class Sight:
    """Which accounts are ours, for one look. hot: the address payments go from. knows: asked with a public key."""

    hot: str
    ours: frozenset[str]  # addresses
    knows: Callable[[str], bool]

    def has(self, node: Node, key: str) -> bool:
        return node.address(key) in self.ours or self.knows(key)


def check_seed(keys: Keyring, watch: Sequence[Watched]) -> None:
    """Raises NodeDown when the stored addresses were not made from this seed."""
    for one in {watch[0], watch[-1]} if len(watch) else ():
        if not one.ref.isdecimal() or keys.address(int(one.ref)) != one.address:
            raise NodeDown("The seed is not the one the stored addresses were made from.")


def page(node: Node, sight: Sight, dust: int, text: str, watch: Sequence[Watched]) -> Page:
    cursor = read_cursor(text)
    start = cursor.next if 0 < cursor.next < len(watch) else 0
    some = {one.address: one.ref for one in watch[start : start + CHUNK]}
    if start == 0:
        some[sight.hot] = HOT_REF
    sends, outgoing = _read_chains(node, sight, cursor, some)
    listed = {name for _, name, _, _ in node.receivables(list(some), dust, confirmed=False)}
    incoming = _incoming(node, sight, sends | listed)
    cursor.next = start + CHUNK if start + CHUNK < len(watch) else 0
    return Page((*incoming, *outgoing), cursor.text(), more=bool(cursor.next))


def transfer(node: Node, sight: Sight, name: str) -> tuple[Found, ...]:
    seen = node.block(name)
    if seen is None or seen.subtype != "send":
        return ()
    found = _incoming(node, sight, {name})
    if sight.has(node, seen.account):
        found.append(_found(node, seen, incoming=False))
    return tuple(found)


def _read_chains(node: Node, sight: Sight, cursor: Cursor, some: dict[str, str]) -> tuple[set[str], list[Found]]:
    """Names of the sends our accounts collected, and what they sent."""
    sends: set[str] = set()
    outgoing: list[Found] = []
    for address, frontier in node.frontiers(list(some)).items():
        ref = some.get(address)
        if ref is None:
            raise NodeDown("the node answered for an address it was not asked about")
        height, mark = cursor.read.get(ref, (0, ""))
        if frontier[:MARK] == mark:
            continue
        entries = _with_confirmation(node, _entries_above(node, address, frontier, height))
        sends.update(hex_name(one.get("link")) for one in entries if kind_of(one) == "receive")
        outgoing += [_sent(node, one) for one in entries if kind_of(one) == "send"]
        cursor.read[ref] = _read_up_to(entries, height, mark)
    return sends, outgoing


def _entries_above(node: Node, address: str, frontier: str, height: int) -> list[dict[str, Any]]:
    """Raw entries above this height, newest first."""
    found: list[dict[str, Any]] = []
    head, count = frontier, FIRST_ENTRIES
    while head:
        entries, head = node.history(address, count, head)
        found += [one for one in entries if number(one.get("height")) > height]
        if not entries or number(entries[-1].get("height")) <= height + 1:
            break
        count = MORE_ENTRIES
    return found


def _with_confirmation(node: Node, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Before V23 the history does not say what is confirmed: the blocks themselves do."""
    silent = [hex_name(one.get("hash")) for one in entries if "confirmed" not in one]
    if not silent:
        return entries
    seen = node.blocks(silent)
    known = [one for one in entries if "confirmed" in one or one["hash"] in seen]
    return [one if "confirmed" in one else {**one, "confirmed": _word(seen[one["hash"]].confirmed)} for one in known]


def _word(yes: bool) -> str:
    return "true" if yes else "false"


def _read_up_to(entries: list[dict[str, Any]], height: int, mark: str) -> tuple[int, str]:
    """The newest confirmed block: what stands above it is read again until it is confirmed or gone."""
    for one in entries:
        if truth(one.get("confirmed")):
            return number(one.get("height")), hex_name(one.get("hash"))[:MARK]
    return height, mark


def kind_of(entry: dict[str, Any]) -> str:
    """send, receive, or what moves nothing (change, epoch)."""
    kind = str(entry.get("subtype") or entry.get("type"))
    return "receive" if kind == "open" else kind


def _sent(node: Node, entry: dict[str, Any]) -> Found:
    name = hex_name(entry.get("hash"))
    return Found(
        incoming=False,
        txid=name,
        output=name,
        address=node.address(hex_name(entry.get("link"))),
        amount=number(entry.get("amount")),
        confirmations=CONFIRMATIONS if truth(entry.get("confirmed")) else 0,
        fee=0,
    )


def _incoming(node: Node, sight: Sight, names: Iterable[str]) -> list[Found]:
    """Each send from outside to one of our accounts, read from its own block and not from any list."""
    found = []
    for seen in node.blocks(sorted(names)).values():
        if seen.subtype != "send" or not sight.has(node, seen.destination) or sight.has(node, seen.account):
            continue  # between our own accounts nothing comes in
        found.append(_found(node, seen, incoming=True))
    return found


def _found(node: Node, seen: BlockSeen, *, incoming: bool) -> Found:
    return Found(
        incoming=incoming,
        txid=seen.hash,
        output=seen.hash,
        address=node.address(seen.destination),
        amount=seen.amount,
        confirmations=CONFIRMATIONS if seen.confirmed else 0,
        fee=None if incoming else 0,
    )
