"""What an invoice that somebody wants to pay asks for, and the rule that each is paid once.

Whoever sets an invoice's `paid_at` first has paid it: claim() is one conditional statement, so a payment inside this
site and one from the network that come at the same moment cannot both have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import people
from adapters.base import CheckedAddress
from ledger.models import Account, Address, Coin, Dispatch, Invoice, Operation
from ledger.money import plain
from ledger.services.limits import UNDONE
from wallets_site.base import crypto
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidAddress, InvalidAmount, InvoicePaid
from wallets_site.base.prepared import Prepared, Question, columns_of, read

_UNDONE = (*UNDONE, Operation.Status.UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice as its payer sees it. memo: "" where it carries none, or only the hash of one."""

    payment_hash: str
    memo: str
    expires_at: datetime

    @property
    def comment(self) -> str:
        """What stands in the payer's list where they wrote nothing themselves."""
        return self.memo[:500]

    def demand_unexpired(self) -> None:
        if self.expires_at <= now():
            raise InvalidAddress(_("This invoice has expired. Ask the recipient for a new one."))


def bill_of(checked: CheckedAddress) -> Bill | None:
    """None for an address that is no invoice."""
    if not checked.ref or checked.expires is None:
        return None
    return Bill(checked.ref, checked.memo, checked.expires)


def amount_of(coin: Coin, checked: CheckedAddress, amount: int | None) -> int:
    """What the invoice asks for. Raises InvalidAmount for any other amount; none at all is its own."""
    asked = checked.amount
    if asked is None:
        raise InvalidAddress(_("This invoice names no amount. Ask the recipient for one with an amount."))
    if amount not in (None, 0, asked):
        said = f"{plain(asked, coin.decimals)} {coin.symbol}"
        raise InvalidAmount(_("This invoice asks for exactly %(amount)s: leave the amount out.") % {"amount": said})
    return asked


def ours(coin: Coin, checked: CheckedAddress) -> Invoice | None:
    """The invoice of this site, if it is one, whole and unpaid.

    Raises InvalidAddress for another one over the hash of ours, InvoicePaid for one that was paid or is being paid.
    """
    invoice = _known(coin, checked.ref)
    if invoice is None:
        demand_untried(coin, checked.ref)
        return None
    if invoice.bolt11 != checked.address:
        raise InvalidAddress(_("This is not the invoice that this site made: somebody changed it. Ask for a new one."))
    if invoice.paid_at is not None:
        raise _paid()
    return invoice


def _invoice(coin: int, payment_hash: str) -> QuerySet[Invoice, Any]:
    """With what its maker may do: who is paid is asked about next."""
    names = *columns_of(Invoice), *columns_of(Address, "address__"), *columns_of(Account, "account__")
    rows = Invoice.objects.filter(coin_id=coin, payment_hash=payment_hash)
    return rows.values_list(*names, *people.columns("account__owner_id", "account__owner__"))


_INVOICE: Final = Prepared(_invoice, coin=int, payment_hash=str)


def question(coin: Coin, payment_hash: str) -> Question:
    """What ours() will ask, for who asks ahead."""
    return _INVOICE(coin=coin.pk, payment_hash=payment_hash)


def _known(coin: Coin, payment_hash: str) -> Invoice | None:
    row = _INVOICE.first(coin=coin.pk, payment_hash=payment_hash)
    if row is None:
        return None
    invoice, rest = read(Invoice, row)
    invoice.address, rest = read(Address, rest)
    invoice.account, rest = read(Account, rest)
    invoice.account.owner = people.read(rest)
    return invoice


def demand_untried(coin: Coin, payment_hash: str) -> None:
    """Raises InvoicePaid when a payment of this hash has left this site, or is about to."""
    paying = Operation.objects.filter(coin=coin, payment_hash=payment_hash, incoming=False).exclude(status__in=_UNDONE)
    if paying.exists() or Dispatch.objects.filter(coin=coin, ident=payment_hash).exists():
        raise _paid()


def claim(payment_hash: str, coin: Coin, *, inside: bool) -> bool:
    """Whether the invoice is this caller's to settle; false when another payment was first. In its transaction."""
    rows = Invoice.objects.filter(coin=coin, payment_hash=payment_hash, paid_at=None)
    return rows.update(paid_at=now(), inside=inside) == 1


def unclaim(payment_hash: str, coin: Coin) -> None:
    """Give back what this very transaction claimed: its payment has to wait."""
    Invoice.objects.filter(coin=coin, payment_hash=payment_hash).update(paid_at=None, inside=False)


def demand_payable(bill: Bill, coin: Coin, *, claimed: bool) -> None:
    """Raises InvoicePaid for one that is neither claimed by its caller nor open."""
    if not claimed and not Invoice.objects.filter(coin=coin, payment_hash=bill.payment_hash, paid_at=None).exists():
        raise _paid()


def claim_late(sent: Operation) -> str:
    """For a reserved payment that may go on now: why its invoice cannot be paid any more; empty when it is claimed."""
    invoice = Invoice.objects.select_related("address").get(coin_id=sent.coin_id, payment_hash=sent.payment_hash)
    if invoice.expired:
        return _("The invoice expired before the payment was confirmed.")
    if not claim(sent.payment_hash, sent.coin, inside=True):
        return _("The invoice was paid by somebody else before this payment was confirmed.")
    return ""


def note_payment(received: Operation) -> None:
    """Which operation paid the claimed invoice; nothing for a payment without one."""
    if received.payment_hash:
        Invoice.objects.filter(coin_id=received.coin_id, payment_hash=received.payment_hash).update(operation=received)


def keep_preimage(received: Operation, preimage: str) -> None:
    """What the network revealed as an invoice of ours was paid, where the node kept it to itself before."""
    rows = Invoice.objects.filter(coin_id=received.coin_id, payment_hash=received.payment_hash, sealed_preimage="")
    rows.update(sealed_preimage=crypto.encrypt(preimage))


def _paid() -> InvoicePaid:
    return InvoicePaid(_("This invoice was paid before, or is being paid. Ask the recipient for a new one."))
