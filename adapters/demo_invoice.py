"""A simulated Lightning coin: invoices with our own signature, paid by a faucet or by other wallets of the file.

Several wallets may share one chain file and pay each other. The network itself is demo_lightning.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from adapters import lightning
from adapters.base import (
    Absent,
    AddressRequest,
    CheckedAddress,
    CoinAdapter,
    Confirmed,
    Dead,
    Feature,
    Found,
    Funds,
    Health,
    Hint,
    InvalidAddress,
    InvoiceText,
    LookupResult,
    NewAddress,
    NodeDown,
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
from adapters.demo import notify
from adapters.demo_chain import SECOND, Banned, NotEnough
from adapters.demo_lightning import NOWHERE, DemoLightning, Paid, ticket

BLOB_VERSION: Final = 1
NETWORK: Final = "regtest"
MARGIN: Final = 60 * SECOND
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class DemoInvoiceOptions:
    """Amounts are millisatoshi."""

    chain_file: str = option(help="File that holds the simulated network; several wallets may share it")
    wallet: str = option("main", help="Name of this wallet in the file: small letters and digits")
    fee: int = option(0, help="What the route of a payment costs, millisatoshi")
    reserve_min: int = option(2000, help="Least that is held for the route of a payment, millisatoshi")
    reserve_basis_points: int = option(100, help="Held for the route, in hundredths of a percent of the amount")
    expiry_seconds: int = option(3600, help="How long new invoices can be paid, where nothing else is asked")
    faucet_seconds: int = option(0, help="Seconds until an invoice in use is paid by itself; 0: never")
    notify_url: str = option("", help="Called when the faucet pays, as a real server calls its webhook")
    hold_seconds: int = option(0, help="Switch: payments are on their way for so many seconds")
    refuse_sends: bool = option(False, help="Switch: no payment finds a way")
    unclear_sends: bool = option(False, help="Switch: payments are made but the answer is lost")
    lose_sends: bool = option(False, help="Switch: the answer is lost and nothing was paid")
    outage: bool = option(False, help="Switch: the node does not answer")

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]{1,20}", self.wallet):
            raise ImproperlyConfigured("wallet must be 1 to 20 small letters and digits")
        for name in ("fee", "reserve_min", "reserve_basis_points", "expiry_seconds", "faucet_seconds", "hold_seconds"):
            value: Any = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**12:
                raise ImproperlyConfigured(f"{name} must be a whole number, not below 0")


class DemoInvoice(CoinAdapter):
    kind: ClassVar[str] = "demo_ln"
    title: ClassVar[str] = "Simulated Lightning coin, for trying things out"
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.INVOICE, Feature.FINAL, Feature.PROOF, Feature.FAUCET})
    lane = "payment"
    decimals: ClassVar[int | None] = 11  # millisatoshi
    longest_call: ClassVar[int] = 30
    Options: ClassVar[type[DemoInvoiceOptions]] = DemoInvoiceOptions
    options: DemoInvoiceOptions

    def __init__(self, options: DemoInvoiceOptions) -> None:
        super().__init__(options)
        self._opened: DemoLightning | None = None

    @property
    def network(self) -> DemoLightning:
        """The model itself, for tests and for playing the outside world."""
        if self._opened is None:
            self._opened = DemoLightning(self.options.chain_file)
        return self._opened

    def _node(self) -> DemoLightning:
        if self.options.outage:
            raise NodeDown("The simulated node is switched off.")
        return self.network

    def health(self) -> Health:
        try:
            height = self._node().height()
        except NodeDown as error:
            return Health(ok=False, reason=str(error))
        return Health(ok=True, version="simulated", network=NETWORK, height=height)

    def funds(self, watch: Sequence[Watched]) -> Funds:
        held = self._node().funds(self.options.wallet)
        return Funds(total=held, spendable=held)

    def new_address(self, request: AddressRequest) -> NewAddress:
        amount, memo, seconds = lightning.asked(request, self.options.expiry_seconds)
        said = bytes.fromhex(request.description_hash)
        node, wallet = self._node(), self.options.wallet
        invoice, preimage = node.new_invoice(wallet, amount, memo, seconds, description_hash=said)
        return NewAddress(invoice.text, ref=invoice.payment_hash, expires=invoice.expires, preimage=preimage)

    def check_address(self, text: str) -> CheckedAddress:
        return lightning.check(text, NETWORK)

    def read_invoice(self, text: str) -> InvoiceText:
        return lightning.say(text, NETWORK)

    def is_ours(self, address: str) -> bool:
        name = lightning.read(address, NETWORK).payment_hash
        return self._node().has_invoice(self.options.wallet, name)

    # -- what moved --

    def transfers(self, cursor: str, watch: Sequence[Watched], depth: int) -> Page:
        """The cursor is the moment of the last look, in microseconds."""
        node = self._node()
        if self.options.faucet_seconds:
            node.give(self.options.wallet, (one.address for one in watch), self.options.faucet_seconds)
        since = int(cursor) - MARGIN if cursor.isdecimal() else 0
        paid, at = node.payments_of(self.options.wallet, since)
        return Page(tuple(found for one in paid for found in self._found(one)), str(at))

    def transfer(self, txid: str) -> tuple[Found, ...]:
        paid = self._node().payment(txid)
        return tuple(self._found(paid)) if paid is not None else ()

    def _found(self, paid: Paid) -> list[Found]:
        """A payment on its way is seen by its payer only."""
        place: dict[str, Any] = {
            "txid": paid.payment_hash,
            "output": "0",
            "address": paid.invoice,
            "amount": paid.amount,
            "confirmations": lightning.FINAL if paid.settled else 0,
            "at": paid.at,
        }
        found = []
        if paid.payer == self.options.wallet:
            found.append(Found(incoming=False, fee=paid.fee, **place))
        if paid.payee == self.options.wallet and paid.settled:
            found.append(Found(incoming=True, preimage=paid.preimage, **place))
        return found

    def hint(self, kind: str, message: str, body: bytes) -> Hint | None:
        return Hint(message) if _HASH.fullmatch(message) else None

    # -- payments --

    def quote(self, payment: Payment) -> Quote:
        reserve = self._reserve(payment.amount)
        short = ("The hot wallet does not hold this much now: it must be filled first.",)
        warnings = () if self.funds(()).spendable >= payment.amount + reserve else short
        return Quote(0, network_reserve=reserve, wait=_("a few seconds"), warnings=warnings)

    def _reserve(self, amount: int) -> int:
        return lightning.reserve(amount, least=self.options.reserve_min, basis_points=self.options.reserve_basis_points)

    def prepare(self, payments: Sequence[Payment], live: Sequence[Tried]) -> Prepared:
        node = self._node()
        if len(payments) != 1:
            raise NodeRefused("A Lightning payment pays one invoice.")
        (payment,) = payments
        invoice = lightning.to_pay(payment.address, payment.amount, NETWORK)
        name = invoice.payment_hash
        known = node.payment(name) is not None or any(tried.prepared.id == name for tried in live)
        if known or node.is_banned(ticket(invoice.text)) or node.has_invoice(self.options.wallet, name):
            raise NodeRefused("This invoice was paid or tried before. Ask for a new one.", address=payment.address)
        promised = sum(_needs(tried.prepared) for tried in live if node.payment(tried.prepared.id) is None)
        needs = payment.amount + self._reserve(payment.amount)
        if self.funds(()).spendable - promised < needs:
            raise NotEnoughFunds("The Lightning wallet cannot pay this now.")
        blob = json.dumps({"v": BLOB_VERSION, "invoice": invoice.text, "needs": str(needs)})
        return Prepared(name, blob, fee=0, slot=name, payments=(payment.id,))

    def broadcast(self, prepared: Prepared) -> SendResult:
        if self.options.outage or self.options.lose_sends:
            return Unclear("The simulated node did not answer.")
        try:
            refusal = self._send(prepared)
        except NodeDown as error:
            return Unclear(str(error))
        if refusal:
            return Refused(refusal)
        if self.options.unclear_sends:
            return Unclear("The simulated node's answer was lost.")
        return Sent(prepared.id, None if self.options.hold_seconds else self.options.fee)

    def _send(self, prepared: Prepared) -> str:
        """Why the network refuses, or nothing."""
        try:
            invoice = lightning.read(_read_blob(prepared)[0], NETWORK)
        except InvalidAddress:
            raise NodeDown("The stored form of this payment cannot be read.") from None
        if self.options.refuse_sends:
            self.network.ban(ticket(invoice.text))
        try:
            self.network.pay_invoice(self.options.wallet, invoice, fee=self.options.fee, hold=self.options.hold_seconds)
        except NotEnough:
            return "The simulated wallet does not hold this much."
        except Banned:
            # It cannot be paid any more, and from now on never will: the proof that lookup() asks for.
            self.network.ban(ticket(invoice.text))
            return "The simulated network found no way to the recipient."
        return ""

    def lookup(self, tried: Tried) -> LookupResult:
        name = tried.prepared.id
        try:
            node, text = self._node(), _read_blob(tried.prepared)[0]
            banned = node.is_banned(ticket(text))  # before the payment: none comes after it
            paid = node.payment(name)
        except NodeDown as error:
            return Unknown(str(error))
        if paid is not None and paid.payer == self.options.wallet:
            return Confirmed(lightning.FINAL, name, paid.fee, paid.preimage) if paid.settled else Pending(name)
        if banned or paid is not None:
            return Dead("The simulated network found no way to the recipient.")
        return Absent()

    def proof(self, tried: Tried) -> Proof | None:
        paid = self._node().payment(tried.prepared.id)
        if paid is None or not paid.settled or not paid.preimage:
            return None
        data = {"payment_hash": paid.payment_hash, "preimage": paid.preimage}
        return Proof(
            _("Preimage of %(hash)s: %(preimage)s") % {"hash": paid.payment_hash, "preimage": paid.preimage}, data
        )

    def demand_pays(self, prepared: Prepared, payments: Sequence[Payment]) -> Understood:
        lightning.demand_pays(_read_blob(prepared)[0], NETWORK, prepared, payments)
        return Understood()

    def uri(self, address: str, amount: int | None, *, label: str = "") -> str:
        """The invoice names its amount itself."""
        return f"lightning:{address}"

    def faucet(self, address: str, amount: int) -> str:
        """Pays an invoice of this wallet, its own amount; the payment hash."""
        node = self._node()
        try:
            invoice = lightning.read(address, NETWORK)
            if not node.has_invoice(self.options.wallet, invoice.payment_hash):
                raise NodeRefused("The faucet pays only invoices of this wallet.", address=address)
            node.pay_invoice(NOWHERE, invoice)
        except InvalidAddress as error:
            raise NodeRefused(error.message, address=address) from None
        except Banned:
            raise NodeRefused("This invoice was paid before, or has expired.", address=address) from None
        notify(self.options.notify_url, invoice.payment_hash)
        return invoice.payment_hash

    def setup_lines(self, notify_url: str) -> str:
        return "# A simulated node needs no setup."


def _read_blob(prepared: Prepared) -> tuple[str, int]:
    """Invoice, and what the payment may take in all."""
    try:
        data = json.loads(prepared.blob)
        if data["v"] != BLOB_VERSION:
            raise ValueError("version")
        return str(data["invoice"]), int(data["needs"])
    except (ValueError, TypeError, KeyError):
        raise NodeDown("The stored form of this payment cannot be read.") from None


def _needs(prepared: Prepared) -> int:
    return _read_blob(prepared)[1]
