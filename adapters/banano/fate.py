"""What became of a recorded block. Sending the same block again is always safe; only a confirmed rival proves death."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.banano.blocks import ZERO, Blob, read_blob
from adapters.banano.node import BlockSeen, Node
from adapters.base import (
    FINAL_CONFIRMATIONS,
    Absent,
    Confirmed,
    Dead,
    LookupResult,
    NodeDown,
    Pending,
    Tried,
    Unknown,
)

# Confirmation is yes or no here and final: a confirmed block has as many as any coin's settings may ask for.
CONFIRMATIONS: Final = FINAL_CONFIRMATIONS
PATIENCE: Final = timedelta(seconds=10)


def lookup(node: Node, tried: Tried) -> LookupResult:
    """Never raises."""
    try:
        blob = read_blob(tried.prepared)
        node.check_network()
        seen = node.block(tried.prepared.id)
        if seen is not None:
            return _seen(node, tried, seen)
        return _missing(node, tried, blob)
    except NodeDown as error:
        return Unknown(str(error))


def _seen(node: Node, tried: Tried, seen: BlockSeen) -> LookupResult:
    if seen.confirmed:
        return Confirmed(CONFIRMATIONS, seen.hash, 0)
    if tried.attempted_at is not None and datetime.now(UTC) - tried.attempted_at > PATIENCE:
        # A node that was restarted forgets its votes: without this call the block could wait for ever.
        with contextlib.suppress(NodeDown):
            node.hurry(seen.hash)
    return Pending(seen.hash, 0)


def _missing(node: Node, tried: Tried, blob: Blob) -> LookupResult:
    judged = _judge_place(node, blob, tried.prepared.id)
    if judged is None and not blob.sends:
        judged = _judge_source(node, blob)
    if judged is not None:
        return judged
    if tried.outcome == "refused":
        return Unknown("the node refused this block for good: a person must look at it")
    return Absent()


def _judge_place(node: Node, blob: Blob, name: str) -> LookupResult | None:
    """Walks from the last block known as confirmed to ours; None while nobody stands in the way."""
    path = (*blob.path, name)
    for number, here in enumerate(path[:-1]):
        following, wanted = _following(node, blob, here), path[number + 1]
        if following is None:
            if number == 0:
                return Unknown("the node does not know the block before this one: it is behind, or was cut short")
            return Unknown("an earlier payment of the same account must be known first")
        if following not in ("", wanted):
            return _judge_rival(node, blob, here, following)
        if not following and wanted != name:
            return Unknown("an earlier payment of the same account must be known first")
    return None


def _following(node: Node, blob: Blob, here: str) -> str | None:
    """The block after this one, "" for none; None when the node does not know this one."""
    if here == ZERO:
        account = node.account(blob.block.account)
        return account.opened if account else ""
    seen = node.block(here)
    return None if seen is None else node.next_of(seen)


def _judge_rival(node: Node, blob: Blob, previous: str, rival: str) -> LookupResult:
    seen = node.block(rival)
    proven = seen is not None and seen.confirmed and (seen.account, seen.previous) == (blob.block.account, previous)
    if proven:
        return Dead(f"Its place in the account was taken for good by block {rival}.")
    return Unknown(f"Block {rival} stands in its place and is not confirmed: it may still lose.")


def _judge_source(node: Node, blob: Blob) -> LookupResult | None:
    """A receive can die in another way: the money it collects was collected already."""
    source = node.blocks([blob.block.link]).get(blob.block.link)
    if source is None:
        return Unknown("the payment it collects is not known to the node")
    if source.receivable or source.collected_by in ("", ZERO):
        return None
    by = node.block(source.collected_by)
    if by is not None and by.confirmed:
        return Dead(f"What it collects was collected by block {source.collected_by}.")
    return Unknown(f"What it collects was collected by block {source.collected_by}, which is not confirmed.")
