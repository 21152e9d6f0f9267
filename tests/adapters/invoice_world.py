"""What the invoice contract needs around an adapter: its node, and somebody outside who pays and is paid."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod

from adapters.base import AddressRequest, CoinAdapter, Confirmed, Found, LookupResult, Page, Payment, Prepared, Watched
from adapters.codecs import bolt11
from wallets_site.base.clock import now

FINAL = 1000
NODE_KEY = hashlib.sha256(b"somebody else's node").digest()


class InvoiceWorld(ABC):
    """An adapter, its hot wallet of `funded`, and somebody outside who pays and is paid. Amounts are millisatoshi."""

    adapter: CoinAdapter
    network = "main"
    coin = 1_000_000
    funded = 10_000_000
    keeps_failed = True  # whether the node keeps payments that failed on record

    def __init__(self) -> None:
        self.watch: list[Watched] = []

    @abstractmethod
    def pay_in(self, invoice: str) -> None:
        """Somebody outside pays this invoice."""

    @abstractmethod
    def outside_invoice(self, amount: int) -> str: ...

    @abstractmethod
    def arrived(self, invoice: str) -> bool:
        """Whether this invoice of somebody outside was paid."""

    @abstractmethod
    def steal(self, invoice: str) -> None:
        """Pays from our node without the adapter."""

    @abstractmethod
    def kill(self, prepared: Prepared) -> None:
        """Makes sure that this payment, which never reached the network, can never be made."""

    @abstractmethod
    def outage(self) -> None: ...

    @abstractmethod
    def rubbish(self) -> None: ...

    @abstractmethod
    def heal(self) -> None: ...

    @abstractmethod
    def lose_answer(self) -> None:
        """The next payment is made but its answer is lost."""

    @abstractmethod
    def lose_call(self) -> None:
        """The next payment never reaches the node."""

    # -- shorthand --

    def ask(self, amount: int, memo: str = "") -> Watched:
        """An invoice of ours, as the ledger keeps it."""
        made = self.adapter.new_address(AddressRequest(number=len(self.watch) + 1, amount=amount, memo=memo))
        self.watch.append(Watched(made.address, made.ref, amount, made.expires))
        return self.watch[-1]

    def payment(self, amount: int, invoice: str = "", id: str = "w1") -> Payment:
        return Payment(id, invoice or self.outside_invoice(amount), amount)

    def prepare(self, amount: int, invoice: str = "") -> Prepared:
        return self.adapter.prepare([self.payment(amount, invoice)], [])

    def poll(self, cursor: str = "") -> list[Found]:
        """All pages of one round."""
        page = self.page(cursor)
        found = list(page.transfers)
        while page.more:
            page = self.page(page.cursor)
            found += page.transfers
        return found

    def page(self, cursor: str = "") -> Page:
        return self.adapter.transfers(cursor, self.watch, 1)

    def cursor(self) -> str:
        """After a whole round."""
        page = self.page()
        while page.more:
            page = self.page(page.cursor)
        return page.cursor


def incoming(found: list[Found], one: Watched) -> list[Found]:
    return [item for item in found if item.incoming and item.address == one.address]


def outgoing(found: list[Found]) -> list[Found]:
    return [item for item in found if not item.incoming]


def foreign(currency: str, amount: int | None = 1_000_000, **more: object) -> str:
    """A good invoice of a node that no node of these tests knows."""
    settings = {"timestamp": int(now().timestamp()), "payment_hash": hashlib.sha256(b"foreign").digest()}
    return bolt11.encode(NODE_KEY, currency=currency, amount=amount, secret=b"\x01" * 32, **{**settings, **more})  # type: ignore[arg-type]


def settled(found: LookupResult) -> tuple[int, str, int | None]:
    """(confirmations, payment hash, fee) of a payment that has ended; a preimage that is told is the right one."""
    assert isinstance(found, Confirmed), found
    if found.preimage:
        assert hashlib.sha256(bytes.fromhex(found.preimage)).hexdigest() == found.txid
    return found.confirmations, found.txid, found.fee
