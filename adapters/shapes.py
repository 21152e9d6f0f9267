"""What adapters and the ledger hand each other: plain dataclasses, no ORM, amounts are ints of atomic units."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


class NodeError(Exception):
    """Something between us and the node. The text is safe to show to a manager (no secret in it)."""


class NodeDown(NodeError):
    """No answer, warming up, unauthorised, wrong network or rubbish: nothing is known, try later."""


class NodeRefused(NodeError):
    """A definite no to a call that sends nothing (prepare, new address): this request can never work."""

    def __init__(self, reason: str, *, address: str = "") -> None:
        super().__init__(reason)
        self.address = address


class NotEnoughFunds(NodeError):
    """The hot wallet cannot pay this now; it may later."""


class Feature(StrEnum):
    MEMO = "memo"  # addresses carry a second part (payment id, tag)
    INVOICE = "invoice"  # an address has an amount, is single-use and expires
    LABEL = "label"  # the node keeps a label
    FEE_LEVELS = "fee_levels"
    PROOF = "proof"  # a payment can be proven to its recipient
    FINAL = "final"  # a payment is confirmed or it is not: nothing to count
    FAUCET = "faucet"  # the node can pay test coins to an address: faucet(address, amount)


def option(default: Any = dataclasses.MISSING, *, help: str, secret: bool = False, choices: Sequence[str] = ()) -> Any:
    """A field of an Options dataclass: builds one input of the wallet form in the admin."""
    metadata = {"help": help, "secret": secret, "choices": tuple(choices)}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True)
class ExtraWords:
    """How a family speaks of the second part of its addresses (payment id, tag), as people read it.

    help: beside the field of the send form. missing: a warning at the review where none was given, or nothing.
    ours: beside one of our own on the receive page.
    """

    name: str
    help: str
    missing: str
    ours: str


@dataclass(frozen=True, slots=True)
class Health:
    """What the node says of itself. ok means: answers, right network, synced enough to be believed."""

    ok: bool
    reason: str = ""  # why not ok, one sentence
    version: str = ""
    network: str = ""
    height: int | None = None
    synced: bool = True
    locked: bool = False  # the node wallet is encrypted and no passphrase is configured: cannot sign


@dataclass(frozen=True, slots=True)
class Funds:
    """total: everything whose keys we hold, unconfirmed change included. spendable: what a payment may use now.
    locked: ours, and not yet to be spent (unconfirmed, immature, change that waits); None where nothing locks."""

    total: int
    spendable: int
    locked: int | None = None


@dataclass(frozen=True, slots=True)
class AddressRequest:
    number: int  # allotted by the ledger from a locked per-wallet counter, never reused
    label: str = ""
    amount: int | None = None  # INVOICE only
    memo: str = ""
    expires: datetime | None = None
    description_hash: str = ""  # hex of 32 bytes; the invoice then carries it in the place of its memo


@dataclass(frozen=True, slots=True)
class NewAddress:
    address: str
    ref: str = ""  # the adapter's own text (key index, subaddress minor, payment hash), unique per wallet
    extra: str = ""
    expires: datetime | None = None
    preimage: str = ""  # INVOICE: of the payment hash, where the node tells it before the payment; a secret until then


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """Answer of the offline check."""

    address: str  # normal form
    network: str = ""
    amount: int | None = None
    extra: str = ""
    memo: str = ""
    expires: datetime | None = None
    ref: str = ""  # INVOICE: the payment hash


@dataclass(frozen=True, slots=True)
class InvoiceText:
    """What an invoice says, paid, expired or neither. amount: None where the payer may choose.

    Hashes, secret and payee are hex, "" where absent.
    """

    text: str
    network: str
    amount: int | None
    made: datetime
    expires: datetime
    payment_hash: str
    payee: str
    secret: str
    description: str
    description_hash: str
    final_blocks: int


@dataclass(frozen=True, slots=True)
class Watched:
    """An address as the ledger stores it. settled: an invoice that the network paid, kept so that it is known."""

    address: str
    ref: str = ""
    amount: int | None = None
    expires: datetime | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One transfer into or out of our wallet.

    Identity of an incoming one: (wallet, txid, output); output is text: vout, subaddress, send hash.
    gone: the node now knows this transfer can never confirm (conflicted, replaced, expired).
    """

    incoming: bool
    txid: str
    output: str
    address: str
    amount: int
    confirmations: int
    extra: str = ""
    locked: bool = False
    gone: bool = False
    fee: int | None = None
    height: int | None = None
    at: datetime | None = None
    preimage: str = ""  # INVOICE: of what came in, where the node tells it


@dataclass(frozen=True, slots=True)
class Page:
    transfers: tuple[Found, ...]
    cursor: str  # opaque; stored in the same database transaction as what the page changed
    more: bool = False
    lost: tuple[str, ...] = ()  # addresses of `watch` whose key the node does not hold any more


@dataclass(frozen=True, slots=True)
class Hint:
    """Where a notify points: look there now. Never trusted beyond that."""

    txid: str = ""
    address: str = ""  # whom it is said to pay, where the node tells of payments to everybody


@dataclass(frozen=True, slots=True)
class Payment:
    """id is ours and stable over retries; amount is what the recipient gets."""

    id: str
    address: str
    amount: int
    extra: str = ""
    level: str = ""
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """network_reserve: what the payer's account must hold on top (0 where the house pays the network fee)."""

    fee: int  # estimated cost to the house, atomic units
    network_reserve: int = 0
    wait: str = ""  # when it should confirm, in words
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """Signed or named, NOT sent. Recorded before anything else may happen to it.

    id: txid or another name the network will know it by, unique per wallet. slot: what no two live ones
    may share (account + previous on Banano; the id elsewhere). blob: all that broadcast() needs, text.
    """

    id: str
    blob: str
    fee: int
    slot: str = ""
    payments: tuple[str, ...] = ()  # ids of the payments in it
    chore: str = ""  # name of the chore, for a preparation of chores()


@dataclass(frozen=True, slots=True)
class Understood:
    """What was found out about a prepared payment by reading it anew.

    fee: of the network, None where the bytes do not tell. is_proven: the signed bytes, or the very order that the
    daemon is given, were read; else only our own note of what they are could be.
    """

    fee: int | None = None
    is_proven: bool = True


@dataclass(frozen=True, slots=True)
class Tried:
    """A recorded dispatch as lookup() and prepare() need it: absence means one thing before a try, another after."""

    prepared: Prepared
    attempts: int = 0
    attempted_at: datetime | None = None
    outcome: Literal["", "sent", "refused", "unclear"] = ""


@dataclass(frozen=True, slots=True)
class Sent:
    txid: str
    fee: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The node said a definite no to this broadcast. Not yet a reason to release money: ask lookup()."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """No answer, or one that proves nothing. It may be paid."""

    reason: str


SendResult = Sent | Refused | Unclear


@dataclass(frozen=True, slots=True)
class Absent:
    """Proven: the network does not have it, and sending the very same again is safe."""


@dataclass(frozen=True, slots=True)
class Pending:
    txid: str
    fee: int | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    confirmations: int
    txid: str
    fee: int | None = None
    preimage: str = ""  # INVOICE: what the recipient revealed for the payment


@dataclass(frozen=True, slots=True)
class Dead:
    """Proven: can never be paid. The only answer that releases money after an attempt."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not synced, no answer, cannot tell: wait."""

    reason: str


LookupResult = Absent | Pending | Confirmed | Dead | Unknown


@dataclass(frozen=True, slots=True)
class Proof:
    """What a sender may show to prove a payment: text to read, machine part to paste."""

    text: str
    data: dict[str, str] = field(default_factory=dict)
