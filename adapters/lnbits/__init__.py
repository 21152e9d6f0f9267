"""Lightning through one wallet of an LNbits server, old or new.

An address is an invoice: it names an amount, is paid once and expires. Calls used: GET wallet, GET payments/<hash>,
GET payments, POST payments. Tried on LNbits 1.6.2, replayed from 0.9.7; amounts are millisatoshi.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from adapters import lightning
from adapters.base import (
    AddressRequest,
    CheckedAddress,
    CoinAdapter,
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
    Page,
    Payment,
    Prepared,
    Proof,
    Quote,
    Reading,
    SendResult,
    Tried,
    Unclear,
    Understood,
    Watched,
)
from adapters.lnbits import explorer, fate, guide, invoices, payments, receipts
from adapters.lnbits.options import LnbitsOptions
from adapters.lnbits.server import HASH, Server
from adapters.readings import EXPLORE_SECONDS
from adapters.rpc import parse

__all__ = ["Lnbits", "LnbitsOptions"]


class Lnbits(CoinAdapter):
    kind: ClassVar[str] = "lnbits"
    title: ClassVar[str] = "Lightning through an LNbits server"
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.INVOICE, Feature.FINAL, Feature.PROOF})
    lane = "payment"
    decimals: ClassVar[int | None] = 11  # millisatoshi
    Options: ClassVar[type[LnbitsOptions]] = LnbitsOptions
    options: LnbitsOptions

    def __init__(self, options: LnbitsOptions) -> None:
        super().__init__(options)
        self._server = Server(options.url, admin_key=options.admin_key, invoice_key=options.invoice_key)

    def close(self) -> None:
        self._server.close()

    @contextmanager
    def _in_time(self) -> Iterator[Server]:
        with self._server.within(self.longest_call - 5):
            yield self._server

    def health(self) -> Health:
        """No height, no version: LNbits tells them to a login only. The network shows in each invoice instead."""
        try:
            with self._in_time() as server:
                payments.own_wallet(server, self.options.wallet_id)
                if self.options.invoice_key:
                    server.wallet("invoice")
        except NodeDown as error:
            return Health(ok=False, reason=str(error))
        return Health(ok=True, version="LNbits", network=self.options.network)

    def funds(self, watch: Sequence[Watched]) -> Funds:
        """The upstream wallet's balance, from which LNbits takes payments under way at once."""
        with self._in_time() as server:
            balance = payments.own_wallet(server, self.options.wallet_id).balance
        return Funds(total=balance, spendable=max(0, balance))

    def new_address(self, request: AddressRequest) -> NewAddress:
        with self._in_time() as server:
            return invoices.create(server, self.options, request)

    def check_address(self, text: str) -> CheckedAddress:
        return lightning.check(text, self.options.network)

    def read_invoice(self, text: str) -> InvoiceText:
        return lightning.say(text, self.options.network)

    def is_ours(self, address: str) -> bool:
        """By the payment hash alone: an invoice of ours that was signed anew with another amount is ours too."""
        name = lightning.read(address, self.options.network).payment_hash
        with self._in_time() as server:
            payments.own_wallet(server, self.options.wallet_id)
            row = server.payment(name, "admin")
        return row is not None and not row.outgoing

    def transfers(self, cursor: str, watch: Sequence[Watched], depth: int) -> Page:
        with self._in_time() as server:
            return receipts.page(server, self.options.network, cursor, watch)

    def transfer(self, txid: str) -> tuple[Found, ...]:
        if not HASH.fullmatch(txid):
            return ()
        with self._in_time() as server:
            return receipts.transaction(server, self.options.network, txid)

    def hint(self, kind: str, message: str, body: bytes) -> Hint | None:
        """A webhook's body is a payment as JSON, since 1.0 as JSON inside a JSON text. The URL may hold the hash."""
        if HASH.fullmatch(message):
            return Hint(message)
        try:
            data: Any = parse(body)
            data = parse(data.encode()) if isinstance(data, str) else data
        except NodeDown:
            return None
        name = data.get("payment_hash") if isinstance(data, dict) else None
        return Hint(name) if isinstance(name, str) and HASH.fullmatch(name) else None

    def quote(self, payment: Payment) -> Quote:
        """The route is paid by the sender: what is held for it and not used comes back."""
        reserve = self.options.reserve(payment.amount)
        spendable = self.funds(()).spendable
        short = ("The hot wallet does not hold this much now: it must be filled first.",)
        warnings = () if spendable >= payment.amount + reserve else short
        return Quote(0, network_reserve=reserve, wait=_("a few seconds"), warnings=warnings)

    def prepare(self, payments_: Sequence[Payment], live: Sequence[Tried]) -> Prepared:
        with self._in_time() as server:
            return payments.prepare(server, self.options, payments_, live)

    def broadcast(self, prepared: Prepared) -> SendResult:
        try:
            with self._in_time() as server:
                return payments.send(server, prepared)
        except NodeError as error:
            return Unclear(str(error))

    def lookup(self, tried: Tried) -> LookupResult:
        with self._in_time() as server:
            return fate.look_up(server, tried, self.options.release_minutes)

    def demand_pays(self, prepared: Prepared, payments_: Sequence[Payment]) -> Understood:
        blob = payments.Blob.read(prepared.blob)
        lightning.demand_pays(blob.invoice, self.options.network, prepared, payments_)
        if self.options.wallet_id not in ("", blob.wallet):
            raise NodeRefused("The prepared payment is of another wallet.")
        return Understood()

    def uri(self, address: str, amount: int | None, *, label: str = "") -> str:
        """The invoice names its amount itself."""
        return f"lightning:{address}"

    def proof(self, tried: Tried) -> Proof | None:
        """The preimage, where the server's node revealed one that fits the hash."""
        name = tried.prepared.id
        try:
            with self._in_time() as server:
                row = fate.find(server, name, payments.Blob.read(tried.prepared.blob))
        except NodeDown:
            return None
        preimage = lightning.proven(row.preimage, name) if row is not None and row.fate == "paid" else ""
        if not preimage:
            return None
        words = _("Preimage of %(hash)s: %(preimage)s") % {"hash": name, "preimage": preimage}
        return Proof(words, {"payment_hash": name, "preimage": preimage})

    def readings(self) -> tuple[Reading, ...]:
        return explorer.READS

    def _read(self, reading: Reading, params: dict[str, Any]) -> Any:
        with self._server.within(EXPLORE_SECONDS):
            return explorer.read(self._server, reading, params)

    @classmethod
    def setup_steps(cls) -> tuple[str, ...]:
        return guide.steps()

    def setup_lines(self, notify_url: str) -> str:
        url = notify_url.replace("{kind}", "wallet")
        return (
            "# LNbits needs no setup. To be told of payments at once, put this into the option webhook_url:\n"
            f"{url.rstrip('/')}/lnbits"
        )
