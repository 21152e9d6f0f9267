"""The protocol every coin family speaks. Plain dataclasses, no ORM, amounts are ints of atomic units.

An adapter never sleeps, never retries a send, never logs a secret, and judges by the body of an
answer, not by its HTTP status. One adapter object serves one thread.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

from adapters.readings import Reading, ReadingField, blanked, params_of
from adapters.shapes import (
    Absent,
    AddressRequest,
    CheckedAddress,
    Confirmed,
    Dead,
    ExtraWords,
    Feature,
    Found,
    Funds,
    Health,
    Hint,
    InvoiceText,
    LookupResult,
    NewAddress,
    NodeDown,
    NodeError,
    NodeRefused,
    NotEnoughFunds,
    Page,
    Payment,
    Pending,
    Prepared,
    Proof,
    Quote,
    Refused,
    SendResult,
    Sent,
    Tried,
    Unclear,
    Understood,
    Unknown,
    Watched,
    option,
)
from wallets_site.base.errors import InvalidAddress

__all__ = [
    "FINAL_CONFIRMATIONS",
    "Absent",
    "AddressRequest",
    "CheckedAddress",
    "CoinAdapter",
    "Confirmed",
    "Dead",
    "ExtraWords",
    "Feature",
    "Found",
    "Funds",
    "Health",
    "Hint",
    "InvalidAddress",
    "InvoiceText",
    "LookupResult",
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
    "Reading",
    "ReadingField",
    "Refused",
    "SendResult",
    "Sent",
    "Tried",
    "Unclear",
    "Understood",
    "Unknown",
    "Watched",
    "option",
]


FINAL_CONFIRMATIONS: Final = 1000  # what a payment counts for that its network calls final at once


class CoinAdapter(ABC):
    """Base of all coin families; `kind` is its key in registry.py.

    Every method that talks to a node raises NodeDown when nothing is known. Sources of protocol facts
    stand in each family's own file.
    """

    kind: ClassVar[str]
    title: ClassVar[str]  # what managers choose from
    features: ClassVar[frozenset[Feature]] = frozenset()
    lane: ClassVar[Literal["wallet", "payment"]] = "wallet"
    decimals: ClassVar[int | None] = None  # what a coin of this family must have; None: any
    levels: ClassVar[tuple[str, ...]] = ()  # fee levels a payer may choose, cheapest first
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

    def ready_outputs(self) -> int | None:
        """How many coins of the wallet a payment may use now: as many payments can leave before the next block. None
        where balances, not coins, are spent. Raises NodeDown."""
        return None

    @abstractmethod
    def new_address(self, request: AddressRequest) -> NewAddress: ...

    def has_address_for(self, number: int) -> bool:
        """Whether new_address() can serve this number now; asked before a number is used up. Raises NodeDown."""
        return True

    @abstractmethod
    def check_address(self, text: str) -> CheckedAddress:
        """Offline. Raises InvalidAddress with a reason a user understands."""

    @classmethod
    def extra_words(cls) -> ExtraWords | None:
        """None where addresses have no second part."""
        return None

    def check_extra(self, text: str) -> str:
        """Offline: the normal form of a second part. Raises InvalidAddress with a reason a user understands.

        Where addresses have none it is a label that stays here, as in the WordPress plugin."""
        return text

    def read_invoice(self, text: str) -> InvoiceText:
        """Offline; only with Feature.INVOICE. Raises InvalidAddress for what is no invoice of this network."""
        raise InvalidAddress("This coin has no invoices.")

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

    def demand_pays(self, prepared: Prepared, payments: Sequence[Payment]) -> Understood:
        """Reads a prepared payment anew, trusting nothing that was noted beside it: it pays exactly these payments, and
        whatever else it moves stays ours. No payments: it is a chore, and pays nobody.

        Raises NodeRefused for any other, NodeDown when it cannot be told now."""
        raise NodeRefused("Nothing here can tell what a prepared payment of this kind does.")

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

    # -- looking things up --

    def readings(self) -> tuple[Reading, ...]:
        """The node's reading calls that managers may make: none that makes, moves or deletes, or shows a key.

        Nobody is asked for them."""
        return ()

    def explore(self, method: str, typed: Mapping[str, str], *, program: str = "") -> Any:
        """The node's answer to one of readings() as it came, or its error, with secrets blanked out.

        Raises NodeRefused for any other call and for fields that cannot be right, NodeDown."""
        found = next((one for one in self.readings() if one.method == method and program in ("", one.program)), None)
        if found is None:
            raise NodeRefused("This is not one of this node's reading calls.")
        return self.without_secrets(self._read(found, params_of(found, typed)))

    def _read(self, reading: Reading, params: dict[str, Any]) -> Any:
        """Asks the node, for EXPLORE_SECONDS at most. Raises NodeDown."""
        raise NodeRefused("This kind of node has nothing to look up.")

    def without_secrets(self, data: Any) -> Any:
        """A copy of some JSON with secret fields, and our own secrets wherever they stand, blanked out."""
        fields = dataclasses.fields(self.options)
        return blanked(data, [str(getattr(self.options, one.name)) for one in fields if one.metadata.get("secret")])

    @classmethod
    def setup_steps(cls) -> tuple[str, ...]:
        """What a manager does before connecting a node, step by step: what to run, with which switches."""
        return ()

    def setup_lines(self, notify_url: str) -> str:
        """Configuration lines a manager pastes into the daemon, with the notify URL filled in."""
        return ""
