"""Where an account's next block goes, payments built there, and the answer to sending one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from adapters.banano.blocks import ZERO, Blob, Block, Head, read_blob, sending
from adapters.banano.keys import HOT, Keyring
from adapters.banano.node import Node, Refusal
from adapters.banano.options import BananoOptions
from adapters.banano.work import Worker
from adapters.base import (
    NodeDown,
    NodeRefused,
    NotEnoughFunds,
    Payment,
    Prepared,
    Refused,
    SendResult,
    Sent,
    Tried,
    Unclear,
    Understood,
)
from adapters.codecs import banano_crypto as crypto
from adapters.understanding import OTHER

LONGEST_CHAIN: Final = 50  # our own blocks that may stand unconfirmed on one another

# nano-node V24. Whatever else it says proves nothing: a gap is applied later by itself, a fork may still win.
DEFINITE: Final = frozenset(
    {
        "Bad signature",
        "Balance and amount delta do not match",
        "Block attempts to open the burn account",
        "Block is invalid",
        "Invalid block balance for given subtype",
        "Invalid block subtype",
        "Invalid previous block for given subtype",
        "Unreceivable",
    }
)


class Waiting(NodeDown):
    """Nothing may be built in this account now."""


def head_of(node: Node, account: str, live: Sequence[Tried], voter: str) -> Head:
    """Raises Waiting while the account's newest block is neither confirmed nor one of ours: nothing may follow it.

    account: public key. voter: public key of the representative of an account that has none yet.
    """
    seen = node.account(account)
    tip = _tip(account, live)
    if tip is not None:
        return _after(tip, seen.frontier if seen else ZERO)
    if seen is None:
        return Head(account, ZERO, 0, voter, (ZERO,))
    if seen.frontier != seen.confirmed:
        raise Waiting("the account's newest block is not confirmed and not ours: waiting for it")
    # An epoch block of the network opens an account with the burn account as its representative.
    voted = voter if seen.representative == ZERO else seen.representative
    return Head(account, seen.frontier, seen.balance, voted, (seen.frontier,))


def _tip(account: str, live: Sequence[Tried]) -> Blob | None:
    """The newest of our recorded blocks of this account that are not settled."""
    blobs = [read_blob(tried.prepared) for tried in live]
    mine = [blob for blob in blobs if blob.block.account == account]
    followed = {blob.block.previous for blob in mine}
    tips = [blob for blob in mine if blob.block.hash not in followed]
    if len(tips) > 1:
        raise Waiting("two recorded payments stand side by side in one account: waiting until one is settled")
    return tips[0] if tips else None


def _after(tip: Blob, frontier: str) -> Head:
    path = (*tip.path, tip.block.hash)
    if frontier not in path:
        raise Waiting("another block stands where a recorded payment belongs: waiting until that is settled")
    if len(path) > LONGEST_CHAIN:
        raise Waiting("too many payments wait for their confirmation")
    block = tip.block
    return Head(block.account, block.hash, block.balance, block.representative, path)


def prepare(
    node: Node, keys: Keyring, worker: Worker, options: BananoOptions, payment: Payment, live: Sequence[Tried]
) -> Prepared:
    if not 0 < payment.amount <= crypto.MAX_AMOUNT:
        raise NodeRefused("The amount must be above zero and below all coins there are.", address=payment.address)
    destination = _destination(options.facts.prefix, payment.address)
    if destination in (ZERO, keys.hot):
        raise NodeRefused("Nothing may be paid to this address.", address=payment.address)
    head = head_of(node, keys.hot, live, node.key(options.voter))
    if head.balance < payment.amount:
        raise NotEnoughFunds("The hot account does not hold this much now.")
    blob = Blob(sending(head, destination, payment.amount), payment.amount, True, head.path)
    return finish(blob, keys, worker, HOT, payments=(payment.id,))


def _destination(prefix: str, address: str) -> str:
    try:
        return crypto.decode_address(prefix, address).hex().upper()
    except crypto.BadAddress as error:
        raise NodeRefused(f"This is not an address of this coin: {error}.", address=address) from None


def finish(
    blob: Blob, keys: Keyring, worker: Worker, number: int, *, payments: tuple[str, ...] = (), chore: str = ""
) -> Prepared:
    """Signed, verified and worked; its slot is its place in the account's chain."""
    block = worker.worked(blob.block.signed(keys.private(number)), sends=blob.sends)
    text = replace(blob, block=block).text()
    return Prepared(block.hash, text, 0, slot=f"{block.account}:{block.previous}", payments=payments, chore=chore)


def broadcast(node: Node, worker: Worker, prepared: Prepared) -> SendResult:
    """Never raises. The same bytes may be sent for ever: the name is the block's, the network keeps one."""
    try:
        blob = read_blob(prepared)
        node.check_network()
        block = worker.worked(blob.block, sends=blob.sends)
        return _process(node, block, prepared.id)
    except NodeDown as error:
        return Unclear(str(error))


def _process(node: Node, block: Block, name: str) -> SendResult:
    try:
        answered = node.process(block)
    except Refusal as refusal:
        if refusal.text == "Old block":
            return Sent(name, 0)
        return Refused(refusal.text) if refusal.text in DEFINITE else Unclear(str(refusal))
    if answered != name:
        return Unclear("the node answered with another block than the one sent")
    return Sent(name, 0)


def demand_pays(node: Node, keys: Keyring, prefix: str, prepared: Prepared, wanted: Sequence[Payment]) -> Understood:
    """The amount follows from the balance before, which the network tells, not from what was noted beside the block."""
    blob = read_blob(prepared)
    block = blob.block
    if not keys.knows(block.account):
        raise NodeRefused("The prepared block is of an account that is not ours.")
    sent = _sent_by(node, block)
    if blob.sends != (sent > 0) or blob.amount != abs(sent):
        raise NodeRefused("The note beside the prepared block is of another one.")
    pays = [(block.link, sent)] if sent > 0 and block.link != keys.hot else []
    if len(wanted) > 1 or pays != [(_destination(prefix, one.address), one.amount) for one in wanted]:
        raise NodeRefused(OTHER)
    return Understood(0)


def _sent_by(node: Node, block: Block) -> int:
    """How much this block takes from its account; below zero: it brings. Raises NodeDown while the block before it is
    not in the network."""
    if block.previous == ZERO:
        return -block.balance
    balance = node.balance_after(block.previous, block.account)
    return balance - block.balance
