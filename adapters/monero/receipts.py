"""What moved: get_transfers and get_transfer_by_txid as Found.

One transaction that pays a subaddress twice is one entry with the sum, so (txid, major/minor) names a deposit.
A payment to ourselves never shows as incoming (monero-wallet-rpc 0.18): destinations of ours become moves before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.base import Found, InvalidAddress, NodeDown, Page
from adapters.monero import addresses
from adapters.monero.addresses import NO_ID, Coin
from adapters.monero.node import Node
from adapters.monero.options import MoneroOptions
from adapters.rpc import Reply

LEAST_STEP_BACK = 20  # blocks read again at each poll
_INCOMING = {"in": False, "block": False, "pool": True}  # type -> whether it waits for a block
_OUTGOING = {"out": False, "pending": True}


def page(node: Node, options: MoneroOptions, coin: Coin, cursor: str, depth: int) -> Page:
    """All entries of some blocks before the cursor and of all after it, and those without a block.

    Each entry comes again until it has `depth` confirmations. A long stretch is read in several pages.
    """
    top = _top(node)
    start, step_back = min(_read(cursor), top), max(2 * depth, LEAST_STEP_BACK)
    lowest = max(0, start - step_back)
    highest, network = start + options.scan_blocks, options.network
    if highest < top:
        listing = node.transfers(["in", "out"], lowest, highest)
        return Page(tuple(_sorted_out(listing, coin, network)), _write(highest), more=True)
    listing = node.transfers(["in", "pool", "out", "pending"], lowest)
    return Page(tuple(_sorted_out(listing, coin, network)), _write(top))


def transaction(node: Node, coin: Coin, network: str, txid: str) -> tuple[Found, ...]:
    _top(node)
    return tuple(_unique(_found(part, coin, network) for part in node.transfer(txid)))


def _top(node: Node) -> int:
    """Height of the top block that wallet and daemon agree on. Raises NodeDown while they do not."""
    known, blocks = node.refresh(), node.ready()
    if known > blocks:
        # After a reorganisation to a shorter chain the wallet shows the old one until the next block.
        raise NodeDown("The wallet knows more blocks than its daemon: the chain is being reorganised.")
    if blocks - known > LEAST_STEP_BACK:
        raise NodeDown(f"The wallet is still reading the chain: block {known} of {blocks}.")
    return known - 1


def _read(cursor: str) -> int:
    try:
        return max(0, int(json.loads(cursor)["height"]))
    except (ValueError, TypeError, KeyError):
        return 0


def _write(height: int) -> str:
    return json.dumps({"height": height})


def _sorted_out(listing: Reply, coin: Coin, network: str) -> Iterator[Found]:
    parts = [part for name in ("in", "out", "pool", "pending") for part in listing.parts(name)]
    return _unique(_found(part, coin, network) for part in parts)


def _unique(groups: Iterable[Iterable[Found]]) -> Iterator[Found]:
    """Blocks come before the pool: a transaction may stand in both for a moment."""
    seen: dict[tuple[bool, str], int | None] = {}
    for group in groups:
        for one in group:
            key = one.incoming, one.txid
            if seen.setdefault(key, one.height) == one.height:
                yield one


@dataclass(frozen=True, slots=True)
class _Common:
    txid: str
    confirmations: int
    height: int | None
    at: datetime


def _found(part: Reply, coin: Coin, network: str) -> Iterator[Found]:
    kind = part.text("type")
    waiting = _INCOMING.get(kind, _OUTGOING.get(kind))
    if waiting is None:
        return  # `failed`, and what newer releases may add
    common = _Common(
        part.text("txid"),
        0 if waiting else part.whole("confirmations"),
        None if waiting else part.whole("height"),
        _moment(part),
    )
    if kind in _INCOMING:
        yield from _receipt(part, common, coin, network)
    else:
        yield from _send(part, common)


def _receipt(part: Reply, common: _Common, coin: Coin, network: str) -> Iterator[Found]:
    amount = part.whole("amount")
    if not amount:
        return  # for one moment of a reorganisation, an entry of the pool has no amount
    index = part.part("subaddr_index")
    major, minor = index.whole("major"), index.whole("minor")
    address, extra = part.text("address"), part.text("payment_id", NO_ID)
    if major or minor or extra == NO_ID or len(extra) != len(NO_ID):
        extra = ""  # only the wallet's first address can be part of an integrated one
    yield Found(
        incoming=True,
        txid=common.txid,
        output=f"{major}/{minor}",
        address=_integrated(address, extra, coin, network) if extra else address,
        amount=amount,
        confirmations=common.confirmations,
        extra=extra,
        # The wallet calls each coin locked for its first 10 blocks; a lock the payer chose has an unlock_time.
        locked=part.flag("locked") and part.whole("unlock_time") > 0,
        height=common.height,
        at=common.at,
    )


def _integrated(address: str, payment_id: str, coin: Coin, network: str) -> str:
    try:
        return addresses.with_id(address, payment_id, coin, network)
    except InvalidAddress:
        raise NodeDown("The wallet shows an address of another coin or network.") from None


def _send(part: Reply, common: _Common) -> Iterator[Found]:
    """One entry a recipient; a payment made elsewhere with our keys has no list of them."""
    recipients = [(one.text("address"), one.whole("amount")) for one in part.parts("destinations")]
    for number, (address, amount) in enumerate(recipients or [("", part.whole("amount"))]):
        yield Found(
            incoming=False,
            txid=common.txid,
            output=str(number),
            address=address,
            amount=amount,
            confirmations=common.confirmations,
            fee=part.whole("fee"),
            height=common.height,
            at=common.at,
        )


def _moment(part: Reply) -> datetime:
    try:
        return datetime.fromtimestamp(part.whole("timestamp"), UTC)
    except (ValueError, OverflowError, OSError):
        raise NodeDown("The node gives an impossible time.") from None
