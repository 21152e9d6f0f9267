"""Invoices: judged offline before they are paid, and verified before they are shown to a payer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from adapters.base import AddressRequest, CheckedAddress, InvalidAddress, NewAddress, NodeDown, NodeRefused
from adapters.codecs import bolt11
from adapters.codecs.bolt11 import Invoice
from adapters.lnbits.options import CURRENCIES, LnbitsOptions
from adapters.lnbits.server import Said, Server
from wallets_site.base.clock import now

SAT: Final = 1000  # millisatoshi
LONGEST_MEMO: Final = 639  # bytes; LNbits 1.6 takes 640 characters, BOLT #11 holds 639 bytes
CLOCKS_APART: Final = timedelta(minutes=10)
_NETWORKS: Final = {currency: network for network, currency in CURRENCIES.items()}


def check(text: str, network: str) -> CheckedAddress:
    """Raises InvalidAddress. Amounts in millisatoshi."""
    invoice = read(text, network)
    if invoice.amount is None:
        raise InvalidAddress("This invoice names no amount. Ask the recipient for one with an amount.")
    if invoice.expires <= now():
        raise InvalidAddress("This invoice has expired. Ask the recipient for a new one.")
    return CheckedAddress(
        invoice.text,
        network=network,
        amount=invoice.amount,
        memo=invoice.description,
        expires=invoice.expires,
    )


def read(text: str, network: str) -> Invoice:
    """A whole invoice of this network, expired or not. Raises InvalidAddress."""
    text = text.strip()
    if text[:10].lower() == "lightning:":
        text = text[10:]
    try:
        invoice = bolt11.decode(text)
    except ValueError as error:
        raise InvalidAddress(f"This is not a Lightning invoice ({error}). Copy it again, whole.") from None
    if invoice.currency != CURRENCIES[network]:
        there = _NETWORKS.get(invoice.currency, invoice.currency)
        raise InvalidAddress(f"This invoice is on the network {there!r}; this wallet is on the network {network!r}.")
    return invoice


def create(server: Server, options: LnbitsOptions, request: AddressRequest) -> NewAddress:
    """Raises NodeRefused for what can never be asked, NodeDown otherwise, as when the server gives another invoice."""
    amount = request.amount
    if amount is None or amount < SAT or amount % SAT:
        raise NodeRefused("A Lightning invoice needs an amount of whole satoshi.")
    if len(request.memo.encode()) > LONGEST_MEMO:
        raise NodeRefused(f"The memo is too long: {LONGEST_MEMO} bytes at most.")
    said = _ask(server, options, request, amount)
    if said.status not in (200, 201) or not isinstance(said.data, dict):
        raise _refusal(said)
    invoice = _verified(said.data, options.network, amount)
    if options.invoice_key and server.payment(invoice.payment_hash, "admin") is None:
        raise NodeDown("The invoice key and the admin key belong to different wallets.")
    return NewAddress(invoice.text, ref=invoice.payment_hash, expires=invoice.expires)


def _ask(server: Server, options: LnbitsOptions, request: AddressRequest, amount: int) -> Said:
    seconds = options.expiry_seconds
    if request.expires is not None:
        seconds = int((request.expires - now()).total_seconds())
        if seconds < 1:
            raise NodeRefused("The invoice would expire before it can be paid.")
    body: dict[str, Any] = {
        "out": False,  # newer servers take its absence for a payment
        "amount": amount // SAT,
        "unit": "sat",
        "memo": request.memo or request.label or f"Deposit {request.number}",  # the oldest servers refuse an empty one
        "expiry": seconds,
    }
    if not options.webhook_url:
        return server.new_invoice(body)
    said = server.new_invoice({**body, "webhook": options.webhook_url})
    words = said.reason.lower()
    if said.status == 400 and ("callback" in words or "webhook" in words):
        # Its rules forbid the address (1.6 refuses IP addresses and plain host names). Polling alone suffices.
        return server.new_invoice(body)
    return said


def _refusal(said: Said) -> NodeDown | NodeRefused:
    if said.status in (400, 520) and said.reason:
        return NodeRefused(said.reason)
    if said.status in (401, 403, 404) and said.reason:
        return NodeDown(f"the LNbits server refuses our key (HTTP {said.status})")
    return NodeDown(f"the LNbits server made no invoice (HTTP {said.status})")


def _verified(data: dict[str, Any], network: str, amount: int) -> Invoice:
    """The invoice in the answer: `bolt11` since 1.0, `payment_request` before and again since 1.3.1."""
    text = data.get("bolt11") or data.get("payment_request")
    try:
        invoice = read(text if isinstance(text, str) else "", network)
    except InvalidAddress as error:
        raise NodeDown(f"The LNbits server gave an invoice that cannot be used: {error.message}") from None
    if invoice.amount != amount:
        raise NodeDown("The LNbits server gave an invoice with another amount than the one asked for.")
    if invoice.payment_hash != data.get("payment_hash"):
        raise NodeDown("The LNbits server gave an invoice with another payment hash than the one it names.")
    made = invoice.expires - timedelta(seconds=invoice.expiry)
    if invoice.expires <= now() or abs(made - now()) > CLOCKS_APART:
        raise NodeDown("The LNbits server gave an invoice of another time: its clock or ours is wrong.")
    return invoice
