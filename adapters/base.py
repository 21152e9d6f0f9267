"""The protocol every coin family speaks. Plain dataclasses, no ORM, amounts are ints of atomic units.

An adapter never sleeps, never retries a send, never logs a secret, and judges by the body of an
answer, not by its HTTP status. One adapter object serves one thread.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal

from wallets_site.base.errors import InvalidAddress

__all__ = [
    "Absent",
    "AddressRequest",
    "CheckedAddress",
    "CoinAdapter",
    "Confirmed",
    "Dead",
    "Feature",
    "Found",
    "Funds",
    "Health",
    "Hint",
    "InvalidAddress",
    "NewAddress",
    "NodeDown",
    "NodeError",
    "NodeRefused",
    "NotEnoughFunds",
    "Page",
    "Payment",
    "Pending",
    "Prepared",
    "Proof",
    "Quote",
    "Refused",
    "SendResult",
    "Sent",
    "Tried",
    "Unclear",
    "Unknown",
    "Watched",
    "option",
]


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
    FAUCET = "faucet"  # the node can pay test coins to an address: faucet(address, amount)


def option(default: Any = dataclasses.MISSING, *, help: str, secret: bool = False, choices: Sequence[str] = ()) -> Any:
    """A field of an Options dataclass: builds one input of the wallet form in the admin."""
    metadata = {"help": help, "secret": secret, "choices": tuple(choices)}
    return field(default=default, repr=not secret, metadata=metadata)


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
    """total: everything whose keys we hold, unconfirmed change included. spendable: what a payment may use now."""

    total: int
    spendable: int


@dataclass(frozen=True, slots=True)
class AddressRequest:
    number: int  # allotted by the ledger from a locked per-wallet counter, never reused
    label: str = ""
    amount: int | None = None  # INVOICE only
    memo: str = ""
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewAddress:
    address: str
    ref: str = ""  # the adapter's own text (key index, subaddress minor, payment hash), unique per wallet
    extra: str = ""
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """Answer of the offline check."""

    address: str  # normal form
    network: str = ""
    amount: int | None = None
    extra: str = ""
    memo: str = ""
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """An address as the ledger stores it."""

    address: str
    ref: str = ""
    amount: int | None = None
    expires: datetime | None = None


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


class CoinAdapter(ABC):
    """Base of all coin families; `kind` is its key in registry.py.

    Every method that talks to a node raises NodeDown when nothing is known. Sources of protocol facts
    stand in each family's own file.
    """

    kind: ClassVar[str]
    title: ClassVar[str]  # what managers choose from
    features: ClassVar[frozenset[Feature]] = frozenset()
    lane: ClassVar[Literal["wallet", "payment"]] = "wallet"
    tidies: ClassVar[bool] = False  # chores bring deposits to where payments are made: they go on while payouts wait
    longest_call: ClassVar[int] = 75  # seconds; no adapter call may last longer
    Options: ClassVar[type[Any]]

    def __init__(self, options: Any) -> None:
        self.options = options

    @property
    def max_batch(self) -> int:
        """How many payments one prepare() may take."""
        return 1

    def close(self) -> None:  # noqa: B027 (nothing to give back is the usual case)
        """Give back sockets."""

    @abstractmethod
    def health(self) -> Health:
        """Never raises: a node that does not answer is Health(ok=False, reason)."""

    @abstractmethod
    def funds(self, watch: Sequence[Watched]) -> Funds: ...

    @abstractmethod
    def new_address(self, request: AddressRequest) -> NewAddress: ...

    def has_address_for(self, number: int) -> bool:
        """Whether new_address() can serve this number now; asked before a number is used up. Raises NodeDown."""
        return True

    @abstractmethod
    def check_address(self, text: str) -> CheckedAddress:
        """Offline. Raises InvalidAddress with a reason a user understands."""

    @abstractmethod
    def is_ours(self, address: str) -> bool:
        """Asks the node whether it holds the key of this address."""

    @abstractmethod
    def transfers(self, cursor: str, watch: Sequence[Watched], depth: int) -> Page:
        """Transfers since `cursor` (empty: from the beginning or as far back as is useful).

        depth: the confirmations the ledger waits for; each transfer comes back until it has that many.
        """

    @abstractmethod
    def transfer(self, txid: str) -> tuple[Found, ...]:
        """All that this txid (or ref) moved for our wallet; empty when the node does not know it."""

    @abstractmethod
    def hint(self, kind: str, message: str, body: bytes) -> Hint | None:
        """What a notify points at; None when it is not worth a look. No network."""

    @abstractmethod
    def quote(self, payment: Payment) -> Quote: ...

    @abstractmethod
    def prepare(self, payments: Sequence[Payment], live: Sequence[Tried]) -> Prepared:
        """Signs or names one payment for all of `payments`; sends nothing; may be repeated freely.

        Raises NodeRefused (one of them can never be paid), NotEnoughFunds, NodeDown.
        """

    def chores(self, watch: Sequence[Watched], live: Sequence[Tried]) -> Prepared | None:
        """House-keeping the wallet needs now (consolidate, split, sweep), prepared like a payout; or None."""
        return None

    @abstractmethod
    def broadcast(self, prepared: Prepared) -> SendResult:
        """Never raises; never called before the dispatch stands in the database."""

    @abstractmethod
    def lookup(self, tried: Tried) -> LookupResult:
        """Never raises: what cannot be told is Unknown."""

    @abstractmethod
    def uri(self, address: str, amount: int | None, *, label: str = "") -> str:
        """A payment URI for QR codes and links."""

    def uri_with_extra(self, address: str, extra: str, amount: int | None, *, label: str = "") -> str:
        """The same for an address with a second part (payment id, tag), where links can carry it."""
        return self.uri(address, amount, label=label)

    def proof(self, tried: Tried) -> Proof | None:
        return None

    def faucet(self, address: str, amount: int) -> str:
        """Test coins to one of our addresses; the txid. Only with Feature.FAUCET."""
        raise NodeRefused("this node gives no test coins")

    def setup_lines(self, notify_url: str) -> str:
        """Configuration lines a manager pastes into the daemon, with the notify URL filled in."""
        return ""
