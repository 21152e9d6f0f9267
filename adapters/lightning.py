"""What every Lightning family shares: which invoices may be paid, and what is held for the route."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from adapters.base import AddressRequest, CheckedAddress, InvalidAddress, InvoiceText, NodeRefused, Payment, Prepared
from adapters.codecs import bolt11
from adapters.codecs.bolt11 import Invoice
from adapters.understanding import OTHER
from wallets_site.base.clock import now

# What invoices of a network begin with, after "ln" (BOLT #11).
CURRENCIES: Final = {"main": "bc", "test": "tb", "signet": "tbs", "regtest": "bcrt"}
SAT: Final = 1000  # millisatoshi
ALL_THERE_IS: Final = 21_000_000 * 10**11  # millisatoshi
LONGEST: Final = 2000  # characters of an invoice: as many as the ledger keeps of an address
LONGEST_MEMO: Final = bolt11.LONGEST_DESCRIPTION  # bytes
HASH: Final = re.compile(r"[0-9a-f]{64}")
FINAL: Final = 1000  # confirmations of a settled payment: it can never be undone
_NETWORKS: Final = {currency: network for network, currency in CURRENCIES.items()}


def check(text: str, network: str) -> CheckedAddress:
    """Raises InvalidAddress. The amount is in millisatoshi."""
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
        ref=invoice.payment_hash,
    )


def say(text: str, network: str) -> InvoiceText:
    """All that an invoice says, whether or not it could be paid. Raises InvalidAddress."""
    invoice = read(text, network)
    return InvoiceText(
        text=invoice.text,
        network=network,
        amount=invoice.amount,
        made=invoice.expires - timedelta(seconds=invoice.expiry),
        expires=invoice.expires,
        payment_hash=invoice.payment_hash,
        payee=invoice.payee,
        secret=invoice.secret,
        description=invoice.description,
        description_hash=invoice.description_hash,
        final_blocks=invoice.final_blocks,
    )


def read(text: str, network: str) -> Invoice:
    """A whole invoice of this network, expired or not. Raises InvalidAddress."""
    text = text.strip()
    if text[:10].lower() == "lightning:":
        text = text[10:]
    if len(text) > LONGEST:
        raise InvalidAddress(f"This is no Lightning invoice that fits here: {LONGEST} characters at most.")
    try:
        invoice = bolt11.decode(text)
    except ValueError as error:
        raise InvalidAddress(f"This is not a Lightning invoice ({error}). Copy it again, whole.") from None
    if invoice.currency != CURRENCIES[network]:
        there = _NETWORKS.get(invoice.currency, invoice.currency)
        raise InvalidAddress(f"This invoice is on the network {there!r}; this wallet is on the network {network!r}.")
    return invoice


def to_pay(address: str, amount: int, network: str) -> Invoice:
    """The invoice, if exactly this amount may be paid to it now. Raises NodeRefused."""
    try:
        checked = check(address, network)
    except InvalidAddress as error:
        raise NodeRefused(error.message, address=address) from None
    if amount <= 0 or checked.amount != amount:
        raise NodeRefused("The amount is not that of the invoice.", address=address)
    return read(address, network)


def demand_pays(text: str, network: str, prepared: Prepared, payments: Sequence[Payment]) -> None:
    """The invoice that would be paid is the one in the books, to the letter, and names its amount itself."""
    try:
        invoice = read(text, network)
        known = [read(one.address, network).text for one in payments]
    except InvalidAddress as error:
        raise NodeRefused(error.message) from None
    amounts = [one.amount for one in payments]
    if (known, amounts, prepared.id) != ([invoice.text], [invoice.amount], invoice.payment_hash):
        raise NodeRefused(OTHER)


def asked(request: AddressRequest, expiry_seconds: int) -> tuple[int, str, int]:
    """Amount, memo and seconds of a new invoice. Raises NodeRefused for what can never be asked."""
    if request.amount is None or request.amount < SAT or request.amount % SAT:
        raise NodeRefused("A Lightning invoice needs an amount of whole satoshi.")
    if request.amount > ALL_THERE_IS:
        raise NodeRefused("There is not as much money as this amount.")
    memo = request.memo or request.label or f"Deposit {request.number}"
    if len(memo.encode()) > LONGEST_MEMO:
        raise NodeRefused(f"The memo is too long: {LONGEST_MEMO} bytes at most.")
    if request.description_hash and not HASH.fullmatch(request.description_hash):
        raise NodeRefused("A description hash is 64 hexadecimal digits.")
    if request.expires is not None:
        expiry_seconds = int((request.expires - now()).total_seconds())
    if expiry_seconds < 1:
        raise NodeRefused("The invoice would expire before it can be paid.")
    return request.amount, memo, expiry_seconds


def proven(preimage: object, payment_hash: str) -> str:
    """The preimage in hex if it is that of the hash; empty for anything else, as old servers' zeros."""
    text = preimage.lower() if isinstance(preimage, str) else ""
    fits = HASH.fullmatch(text) and hashlib.sha256(bytes.fromhex(text)).hexdigest() == payment_hash
    return text if fits else ""


def reserve(amount: int, *, least: int, basis_points: int) -> int:
    """What a payment must hold for its route, rounded up. LNbits 1.6 demands max(2,000 msat, 1 %) by default."""
    return max(least, -(-amount * basis_points // 10_000))
