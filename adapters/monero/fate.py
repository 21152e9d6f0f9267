"""What became of a payment: the proof that decides whether money may be released.

The daemon is asked, not the wallet: after a crash the wallet does not know its own payment, and a payment
relayed again after it was mined leaves a ghost in the wallet. Dead is said only when another transaction that
spends one of our key images lies deep enough in the main chain: a key image is spent once, so ours never can be.
"""

from __future__ import annotations

from adapters.base import Absent, Confirmed, Dead, LookupResult, NodeDown, Pending, Tried, Unknown
from adapters.monero.node import SPENT, UNSPENT, Node, Seen
from adapters.monero.payments import Blob

MOST_RIVALS = 500


def look_up(node: Node, tried: Tried, dead_after: int) -> LookupResult:
    """Never raises."""
    try:
        blob = Blob.read(tried.prepared)
        height = node.ready()
        ours = node.seen([blob.hash]).get(blob.hash)
        if ours is not None:
            return _standing(ours, height, tried)
        states = node.spent(blob.key_images)
        if all(state == UNSPENT for state in states):
            return Absent()
        if SPENT not in states:
            return Unknown("Its coins are being spent by another payment that waits for a block.")
        return _judge(node, blob, height, dead_after)
    except NodeDown as error:
        return Unknown(str(error))


def _standing(ours: Seen, height: int, tried: Tried) -> LookupResult:
    txid, fee = tried.prepared.id, tried.prepared.fee
    if ours.height is None:
        return Pending(txid, fee)
    return Confirmed(max(1, height - ours.height), txid, fee)


def _judge(node: Node, blob: Blob, height: int, dead_after: int) -> LookupResult:
    """One of our coins is spent in a block, and not by us: by what, and how deep?"""
    rival, depth = _rival(node, blob, height)
    if not rival:
        return Unknown("Its coins are spent by a payment that the wallet does not know: a person must decide.")
    if depth < dead_after:
        return Unknown(f"Its coins are spent by {rival}; certain at {dead_after} confirmations, now {depth}.")
    return Dead(f"Its coins were spent by {rival}, {depth} blocks deep.")


def _rival(node: Node, blob: Blob, height: int) -> tuple[str, int]:
    """The transaction of our wallet that spends one of these coins, and its confirmations."""
    node.refresh()
    listing = node.transfers(["out"], blob.height - 2)
    suspects = list(dict.fromkeys(part.text("txid") for part in listing.parts("out")))[:MOST_RIVALS]
    for txid, seen in node.seen([one for one in suspects if one != blob.hash], inputs=True).items():
        if seen.height is not None and set(seen.key_images) & set(blob.key_images):
            return txid, max(0, height - seen.height)
    return "", 0
