"""What moved: listsinceblock and gettransaction as Found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.base import Found, NodeDown, Page
from adapters.bitcoinlike.coins import DECIMALS
from adapters.bitcoinlike.node import Node
from adapters.rpc import Reply

_INCOMING = {"receive", "generate", "immature", "orphan"}
LEAST_STEP_BACK = 100  # blocks to go back when the node does not know our cursor any more


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last block that is deep enough, and about how high it is: the way back when its hash is unknown."""

    block: str
    height: int

    @classmethod
    def read(cls, text: str) -> Cursor:
        try:
            data = json.loads(text)
            return cls(str(data["block"]), int(data["height"]))
        except (ValueError, TypeError, KeyError):
            return cls("", 0)

    def text(self) -> str:
        return json.dumps({"block": self.block, "height": self.height})


def page(node: Node, cursor: str, depth: int) -> Page:
    """All entries after the cursor and all unconfirmed ones. The next cursor lies depth - 1 blocks back, so
    each entry comes again until it has `depth` confirmations."""
    height = node.ready().whole("blocks")
    target = max(1, depth)
    listing = _since(node, Cursor.read(cursor), target, height)
    found = [entry for part in listing.parts("transactions") for entry in _found(part, part.text("txid"), part)]
    seen = {entry.txid for entry in found}
    for txid in dict.fromkeys(part.text("txid") for part in listing.parts("removed")):
        # An entry of an orphaned block means "look again", also when it was mined again meanwhile.
        if txid not in seen:
            found += transaction(node, txid)
    following = Cursor(listing.text("lastblock"), max(0, height - target + 1))
    return Page(tuple(found), following.text())


def _since(node: Node, cursor: Cursor, target: int, height: int) -> Reply:
    listing = node.since(cursor.block, target)
    if listing is None:
        # Another chain state than the one we knew: look again from well before that height.
        start = min(cursor.height, height) - max(LEAST_STEP_BACK, 2 * target)
        listing = node.since(node.block_at(start) if start > 0 else "", target)
    if listing is None:
        raise NodeDown("The node does not know its own blocks: it is reorganising.")
    return listing


def transaction(node: Node, txid: str) -> tuple[Found, ...]:
    tx = node.transaction(txid)
    if tx is None:
        return ()
    found = [entry for part in tx.parts("details") for entry in _found(part, txid, tx)]
    if tx.whole("confirmations") < 0:
        found += _lost_receipts(node, tx, txid)
    return tuple(found)


def _lost_receipts(node: Node, tx: Reply, txid: str) -> Iterator[Found]:
    """A conflicted receipt loses its `details`, so its outputs are taken from its bytes."""
    for number, (address, amount) in enumerate(node.decode(tx.text("hex")).outputs):
        info = node.address_info(address) if address else None
        if info is not None and info.flag("ismine") and not info.flag("ischange", False):
            yield Found(True, txid, str(number), address, amount, confirmations=0, gone=True, at=_moment(tx))


def _found(part: Reply, txid: str, tx: Reply) -> Iterator[Found]:
    """part: the entry of one output. tx: where the facts of its transaction stand; in a list, the entry itself."""
    category = part.text("category", "")
    if "vout" not in part or (category != "send" and category not in _INCOMING):
        return
    incoming = category != "send"
    confirmations = tx.whole("confirmations")
    yield Found(
        incoming=incoming,
        txid=txid,
        output=str(part.whole("vout")),
        address=part.text("address", ""),
        amount=abs(part.amount("amount", DECIMALS)),
        confirmations=max(0, confirmations),
        locked=category == "immature",
        gone=confirmations < 0 or category == "orphan",
        fee=None if incoming else abs(part.amount("fee", DECIMALS)),
        height=tx.whole("blockheight") if "blockheight" in tx else None,
        at=_moment(tx),
    )


def _moment(tx: Reply) -> datetime:
    try:
        return datetime.fromtimestamp(tx.whole("time"), UTC)
    except (ValueError, OverflowError, OSError):
        raise NodeDown("The node gives an impossible time.") from None
