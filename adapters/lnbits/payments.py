"""Preparing and sending a payment. Its name is the payment hash, known before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from adapters import lightning
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
)
from adapters.lnbits.options import LnbitsOptions
from adapters.lnbits.server import Row, Said, Server, UpstreamWallet
from wallets_site.base.clock import now

BLOB_VERSION: Final = 1
SHORT: Final = "The Lightning wallet cannot pay this now."


@dataclass(frozen=True, slots=True)
class Blob:
    """wallet: id of the upstream wallet that pays. Without it nobody could tell a key that was exchanged for one of
    another wallet, which has no payment with this hash, from a payment that was never made."""

    invoice: str
    amount: int
    reserve: int
    expires: datetime
    wallet: str

    def text(self) -> str:
        return json.dumps(
            {
                "v": BLOB_VERSION,
                "invoice": self.invoice,
                "amount": str(self.amount),
                "reserve": str(self.reserve),
                "expires": int(self.expires.timestamp()),
                "wallet": self.wallet,
            }
        )

    @classmethod
    def read(cls, text: str) -> Blob:
        """Raises NodeDown for a text that is not ours: then nothing can be said about that payment."""
        try:
            data = json.loads(text)
            if data["v"] != BLOB_VERSION:
                raise ValueError("version")
            expires = datetime.fromtimestamp(int(data["expires"]), UTC)
            amounts = int(data["amount"]), int(data["reserve"])
            return cls(str(data["invoice"]), *amounts, expires, str(data["wallet"]))
        except (ValueError, TypeError, KeyError, OverflowError, OSError):
            raise NodeDown("The stored form of this payment cannot be read.") from None


def prepare(server: Server, options: LnbitsOptions, payments: Sequence[Payment], live: Iterable[Tried]) -> Prepared:
    if len(payments) != 1:
        raise NodeRefused("A Lightning payment pays one invoice.")
    (payment,) = payments
    invoice = lightning.to_pay(payment.address, payment.amount, options.network)
    name = invoice.payment_hash
    live = list(live)
    if any(tried.prepared.id == name for tried in live):
        raise NodeRefused("This invoice is being paid already.", address=payment.address)
    wallet = own_wallet(server, options.wallet_id)
    _refuse_known(server.payment(name, "admin"), payment.address)
    reserve = options.reserve(payment.amount)
    if wallet.balance - _promised(live) < payment.amount + reserve:
        raise NotEnoughFunds(SHORT)
    blob = Blob(invoice.text, payment.amount, reserve, invoice.expires, wallet.id)
    return Prepared(name, blob.text(), fee=0, slot=name, payments=(payment.id,))


def own_wallet(server: Server, wanted: str) -> UpstreamWallet:
    """The wallet of the admin key. Raises NodeDown for the key of another one, or one that cannot pay."""
    wallet = server.wallet("admin")
    if not wallet.id:
        raise NodeDown("The admin key is an invoice key: the server does not tell it the wallet's id.")
    if wanted and wallet.id != wanted:
        raise NodeDown("The admin key belongs to another wallet than the one configured.")
    return wallet


def _refuse_known(row: Row | None, address: str) -> None:
    """A hash is paid once at most. Newer servers answer a second try with the first one's stale row (1.6.2)."""
    if row is None:
        return
    if row.outgoing is False:
        raise NodeRefused("This invoice is this site's own.", address=address)
    if row.fate == "failed":
        raise NodeRefused("This invoice was tried before and failed. Ask for a new one.", address=address)
    raise NodeRefused("This invoice was paid before, or is being paid.", address=address)


def _promised(live: Iterable[Tried]) -> int:
    """What the unsent ones will take; the balance is without those the server holds already."""
    blobs = [Blob.read(tried.prepared.blob) for tried in live if tried.outcome != "sent"]
    return sum(blob.amount + blob.reserve for blob in blobs)


# -- sending --


def send(server: Server, prepared: Prepared) -> SendResult:
    """Raises NodeDown when no answer came."""
    blob = Blob.read(prepared.blob)
    if blob.expires <= now():
        return Refused("The invoice expired before it was paid.")
    said = server.pay(blob.invoice)
    if not isinstance(said.data, dict):
        return Unclear(f"The LNbits server answered with something else (HTTP {said.status}).")
    if said.status in (200, 201):
        return _accepted(prepared.id, said.data, said)
    if said.status in (400, 401, 403, 404) and said.reason:
        return Refused(said.reason)
    if said.status == 520:
        return _failed(server, prepared.id, said)
    return Unclear(said.reason or f"The LNbits server answered with HTTP {said.status}.")


def _accepted(name: str, data: dict[str, Any], said: Said) -> SendResult:
    """201 is no proof of payment: 1.6.2 sends it with `failed` too, and with the payee's row. Older servers send no
    status at all; then the payment is looked up."""
    if data.get("payment_hash") != name:
        return Unclear("The LNbits server answered for another payment.")
    if said.state == "failed":
        return Refused("The LNbits server says that the payment failed.")
    fee, amount = data.get("fee"), data.get("amount", 0)
    if not isinstance(amount, int) or amount > 0:
        return Unclear("The LNbits server answered with a payment that comes in.")
    settled = said.state == "success" and isinstance(fee, int) and not isinstance(fee, bool)
    return Sent(name, abs(fee) if settled and fee is not None else None)


def _failed(server: Server, name: str, said: Said) -> SendResult:
    """520 means failed, still pending or paid before: the payment's own row decides."""
    row = server.payment(name, "admin")
    if row is not None and row.outgoing and row.fate != "failed":
        return Sent(name, row.fee if row.fate == "paid" else None)
    if said.state in ("failed", "") and (row is None or row.outgoing):
        return Refused(said.reason or "The LNbits server says that the payment failed.")
    return Unclear(said.reason or "The LNbits server says two things of this payment.")
