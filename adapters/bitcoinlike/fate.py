"""What became of a payment: the proof that decides whether money may be released.

Dead is said only when another transaction that spends one of our inputs and pays none of our recipients
lies deep enough in the main chain. Neither a refusal, nor silence, nor the wallet's own negative
`confirmations` (litecoind 0.21 keeps counting them after the conflicting block was orphaned) is a proof.
A transaction that spends our inputs and pays all our recipients is our payment under another id: old-style
inputs can be re-signed on their way.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from adapters.base import Absent, Confirmed, Dead, LookupResult, NodeDown, Pending, Tried, Unknown
from adapters.bitcoinlike.coins import DECIMALS
from adapters.bitcoinlike.node import Node
from adapters.bitcoinlike.payments import Blob
from adapters.rpc import Reply

MOST_RIVALS = 200


@dataclass(frozen=True, slots=True)
class Rival:
    """Another transaction that spends one of our inputs. pays: how many of our recipients it pays."""

    txid: str
    depth: int
    pays: Literal["all", "some", "none"]
    fee: int | None


def look_up(node: Node, tried: Tried, dead_after: int) -> LookupResult:
    """Never raises."""
    try:
        node.ready()
        blob = Blob.read(tried.prepared.blob)
        tx = node.transaction(tried.prepared.id)
        if tx is None:
            return _unknown_to_wallet(node, tried, blob, dead_after)
        return _known_to_wallet(node, tried, blob, tx, dead_after)
    except NodeDown as error:
        return Unknown(str(error))


def _known_to_wallet(node: Node, tried: Tried, blob: Blob, tx: Reply, dead_after: int) -> LookupResult:
    txid, fee = tried.prepared.id, tried.prepared.fee
    confirmations = tx.whole("confirmations")
    if confirmations > 0:
        return Confirmed(confirmations, txid, fee)
    if node.in_mempool(txid):
        return Pending(txid, fee)
    if confirmations == 0:
        return Absent()
    return _judge(_rivals(node, blob, txid, tx.texts("walletconflicts")), dead_after)


def _unknown_to_wallet(node: Node, tried: Tried, blob: Blob, dead_after: int) -> LookupResult:
    """The wallet never saw it, or forgot: a crash, or a wallet from a backup. The chain must answer."""
    txid, fee = tried.prepared.id, tried.prepared.fee
    if node.in_mempool(txid):
        return Pending(txid, fee)
    depth = _depth_in_chain(node, txid, blob.outputs)
    if depth > 0:
        return Confirmed(depth, txid, fee)
    if all(node.unspent(*one) is not None for one in blob.inputs):
        return Absent()
    return _judge(_rivals(node, blob, txid, _sends_since(node, blob.block)), dead_after)


def _depth_in_chain(node: Node, txid: str, outputs: int) -> int:
    """Confirmations as far as unspent outputs or a txindex show; 0 proves nothing."""
    for output in range(outputs):
        found = node.unspent(txid, output, mempool=False)
        if found is not None:
            return found.whole("confirmations")
    return node.raw_depth(txid)


def _sends_since(node: Node, block: str) -> list[str]:
    listing = node.since(block, 1)
    parts = listing.parts("transactions") if listing is not None else []
    return list(dict.fromkeys(part.text("txid") for part in parts if part.text("category", "") == "send"))


def _rivals(node: Node, blob: Blob, txid: str, suspects: list[str]) -> list[Rival]:
    found = []
    for suspect in suspects[:MOST_RIVALS]:
        tx = node.transaction(suspect) if suspect != txid else None
        rival = _rival(node, blob, suspect, tx) if tx is not None else None
        if rival is not None:
            found.append(rival)
    return found


def _rival(node: Node, blob: Blob, txid: str, tx: Reply) -> Rival | None:
    made = node.decode(tx.text("hex"))
    if not set(made.inputs) & set(blob.inputs):
        return None
    # The header, not the wallet's count: it alone says whether that block is in the main chain.
    depth = node.block_depth(tx.text("blockhash")) if "blockhash" in tx else 0
    missing = Counter(blob.wanted) - Counter(made.outputs)
    unpaid = sum(missing.values())
    pays: Literal["all", "some", "none"] = "none"
    if blob.wanted and unpaid < len(blob.wanted):
        pays = "some" if unpaid else "all"
    return Rival(txid, depth, pays, abs(tx.amount("fee", DECIMALS)) if "fee" in tx else None)


def _judge(rivals: list[Rival], dead_after: int) -> LookupResult:
    for rival in rivals:
        if rival.pays == "all" and rival.depth > 0:
            return Confirmed(rival.depth, rival.txid, rival.fee)
    if any(rival.pays != "none" for rival in rivals):
        return Unknown("Another transaction spends its coins and pays some of its recipients: a person must decide.")
    deepest = max(rivals, key=lambda rival: rival.depth, default=None)
    if deepest is None:
        return Unknown("Its coins are gone, or come from a payment that is, and the node's wallet cannot tell by what.")
    if deepest.depth >= dead_after:
        return Dead(f"Its coins were spent by {deepest.txid}, {deepest.depth} blocks deep, which pays others.")
    return Unknown(
        f"Its coins are spent by {deepest.txid}; certain at {dead_after} confirmations, now {deepest.depth}."
    )
