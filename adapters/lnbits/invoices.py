"""New invoices: asked for in satoshi, and verified before they are shown to a payer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from adapters import lightning
from adapters.base import AddressRequest, InvalidAddress, NewAddress, NodeDown, NodeRefused
from adapters.codecs.bolt11 import Invoice
from adapters.lnbits.options import LnbitsOptions
from adapters.lnbits.server import Said, Server
from wallets_site.base.clock import now

CLOCKS_APART: Final = timedelta(minutes=10)


def create(server: Server, options: LnbitsOptions, request: AddressRequest) -> NewAddress:
    """Raises NodeRefused for what can never be asked, NodeDown otherwise, as when the server gives another invoice."""
    amount, memo, seconds = lightning.asked(request, options.expiry_seconds)
    body: dict[str, Any] = {
        "out": False,  # newer servers take its absence for a payment
        "amount": amount // lightning.SAT,
        "unit": "sat",
        "memo": memo,  # the oldest servers refuse an empty one
        "expiry": seconds,
    }
    if request.description_hash:
        body["description_hash"] = request.description_hash
    said = _ask(server, body, options.webhook_url)
    if said.status not in (200, 201) or not isinstance(said.data, dict):
        raise _refusal(said)
    invoice = _verified(said.data, options.network, amount, request.description_hash)
    if options.invoice_key and server.payment(invoice.payment_hash, "admin") is None:
        raise NodeDown("The invoice key and the admin key belong to different wallets.")
    preimage = lightning.proven(said.data.get("preimage"), invoice.payment_hash)
    return NewAddress(invoice.text, ref=invoice.payment_hash, expires=invoice.expires, preimage=preimage)


def _ask(server: Server, body: dict[str, Any], webhook: str) -> Said:
    if not webhook:
        return server.new_invoice(body)
    said = server.new_invoice({**body, "webhook": webhook})
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


def _verified(data: dict[str, Any], network: str, amount: int, description_hash: str) -> Invoice:
    """The invoice in the answer: `bolt11` since 1.0, `payment_request` before and again since 1.3.1."""
    text = data.get("bolt11") or data.get("payment_request")
    try:
        invoice = lightning.read(text if isinstance(text, str) else "", network)
    except InvalidAddress as error:
        raise NodeDown(f"The LNbits server gave an invoice that cannot be used: {error.message}") from None
    if invoice.amount != amount:
        raise NodeDown("The LNbits server gave an invoice with another amount than the one asked for.")
    if invoice.payment_hash != data.get("payment_hash"):
        raise NodeDown("The LNbits server gave an invoice with another payment hash than the one it names.")
    if description_hash and invoice.description_hash != description_hash:
        raise NodeDown("The LNbits server gave an invoice without the description hash asked for.")
    made = invoice.expires - timedelta(seconds=invoice.expiry)
    if invoice.expires <= now() or abs(made - now()) > CLOCKS_APART:
        raise NodeDown("The LNbits server gave an invoice of another time: its clock or ours is wrong.")
    return invoice
