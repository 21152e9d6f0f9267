"""Payments of a purse as a program sees them: its invoices, and what it paid, newest first in one list."""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal

from django.db.models import Q, QuerySet

from ledger.models import Event, Invoice, InvoiceNote, Operation, Purse, Withdrawal
from ledger.services import webhooks
from wallets_site.base import crypto
from wallets_site.base.clock import now
from wallets_site.base.prepared import Prepared

Status = Literal["pending", "success", "failed"]
_STATUS: dict[str, Status] = {
    Operation.Status.DONE: "success",
    Operation.Status.FAILED: "failed",
    Operation.Status.CANCELLED: "failed",
}
_GONE = (Operation.Status.FAILED, Operation.Status.CANCELLED)
_ARRIVALS = ("move_received", "deposit_credited")


@dataclass(frozen=True, slots=True)
class Payment:
    """amount: millisatoshi, below zero for an outgoing one. fee: zero or less, on top; of a pending one all that is
    reserved for it. preimage: None before the payment is settled, and where no node revealed one."""

    payment_hash: str
    bolt11: str
    amount: int
    fee: int
    memo: str
    status: Status
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    preimage: str | None = None
    attached: InvoiceNote | None = None

    @property
    def incoming(self) -> bool:
        return self.amount > 0

    @property
    def expired(self) -> bool:
        return self.status == "failed" and self.incoming


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which payments: empty means all that are not failed or expired. search: a part of the memo, or a whole hash.
    times: (gt, gte, lt or lte, moment) that the moment of asking must meet, all of them."""

    statuses: frozenset[str] = frozenset({"pending", "success"})
    memo: str = ""
    search: str = ""
    payment_hash: str = ""
    external_id: str = ""
    tag: str = ""
    times: tuple[tuple[str, datetime], ...] = ()
    incoming: bool = True
    outgoing: bool = True


ALL = Wanted(statuses=frozenset({"pending", "success", "failed"}))


@dataclass(frozen=True, slots=True)
class _Row:
    """Where a payment of the merged list stands."""

    created_at: datetime
    pk: int
    incoming: bool


# Reading -------------------------------------------------------------------------------------------------
def page(purse: Purse, wanted: Wanted, *, limit: int, offset: int = 0, oldest_first: bool = False) -> list[Payment]:
    """`limit` payments after the first `offset`."""
    order, most = "pk" if oldest_first else "-pk", offset + limit
    made = _invoices(purse, wanted).order_by(order).values_list("created_at", "pk")[:most]
    paid = _payouts(purse, wanted).order_by(order).values_list("created_at", "pk")[:most]
    rows = [[_Row(at, pk, True) for at, pk in made], [_Row(at, pk, False) for at, pk in paid]]
    merged = heapq.merge(*rows, key=lambda row: row.created_at, reverse=not oldest_first)
    return _load(list(islice(merged, offset, most)))


def count(purse: Purse, wanted: Wanted) -> int:
    return _invoices(purse, wanted).count() + _payouts(purse, wanted).count()


def find(purse: Purse, payment_hash: str) -> Payment | None:
    """This purse's own payment of that hash; None for anybody else's."""
    invoice = _whole_invoices().filter(account=purse.account_id, payment_hash=payment_hash).first()
    if invoice is not None:
        return of_invoice(invoice, _note_of(invoice))
    paid = _whole_payouts().filter(account=purse.account_id, payment_hash=payment_hash, incoming=False)
    operation = paid.order_by("-pk").first()
    return None if operation is None else of_operation(operation)


def arrivals(purse: Purse, user_id: int, after: int, told: Container[str] = frozenset()) -> tuple[list[Payment], int]:
    """Payments that reached this purse since the event `after`, oldest first, and the newest event looked at. told:
    hashes to leave out."""
    rows = Event.objects.filter(user_id=user_id, pk__gt=after, name__in=_ARRIVALS, operation__account=purse.account_id)
    seen = list(rows.order_by("pk").values_list("pk", "operation__payment_hash"))
    hashes = [name for _, name in seen if name and name not in told]
    made = {
        row.payment_hash: row for row in _whole_invoices().filter(account=purse.account_id, payment_hash__in=hashes)
    }
    found = [made[name] for name in hashes if name in made]
    return [of_invoice(each, _note_of(each)) for each in found], max([after, *(pk for pk, _ in seen)])


def newest_event() -> int:
    return Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _invoices(purse: Purse, wanted: Wanted) -> QuerySet[Invoice]:
    rows = Invoice.objects.filter(account=purse.account_id)
    if not wanted.incoming:
        return rows.none()
    states = Q()
    if "success" in wanted.statuses:
        states |= Q(operation__status=Operation.Status.DONE)
    if "pending" in wanted.statuses:
        states |= Q(paid_at=None, address__expires_at__gt=now())
        states |= Q(paid_at__isnull=False) & ~Q(operation__status__in=[Operation.Status.DONE, *_GONE])
    if "failed" in wanted.statuses:
        states |= Q(paid_at=None, address__expires_at__lte=now()) | Q(operation__status__in=_GONE)
    if len(wanted.statuses) < len(ALL.statuses):
        rows = rows.filter(states) if wanted.statuses else rows.none()
    if wanted.external_id:
        rows = rows.filter(attached__external_id=wanted.external_id)
    if wanted.tag:
        rows = rows.filter(attached__tag=wanted.tag)
    return _narrowed(rows, wanted, "memo")


def _payouts(purse: Purse, wanted: Wanted) -> QuerySet[Operation]:
    rows = Operation.objects.filter(account=purse.account_id, incoming=False)
    if not wanted.outgoing or wanted.external_id or wanted.tag:
        return rows.none()
    if len(wanted.statuses) < len(ALL.statuses):
        known = set(Operation.Status.values)
        rows = rows.filter(status__in=[name for name in known if _STATUS.get(name, "pending") in wanted.statuses])
    return _narrowed(rows, wanted, "comment")


def _narrowed(rows: QuerySet[Any], wanted: Wanted, memo: str) -> QuerySet[Any]:
    if wanted.times:
        rows = rows.filter(**{f"created_at__{how}": moment for how, moment in wanted.times})
    if wanted.payment_hash:
        rows = rows.filter(payment_hash=wanted.payment_hash)
    if wanted.memo:
        rows = rows.filter(**{memo: wanted.memo})
    if wanted.search:
        rows = rows.filter(Q(**{f"{memo}__icontains": wanted.search}) | Q(payment_hash=wanted.search))
    return rows


def _whole_invoices() -> QuerySet[Invoice]:
    return Invoice.objects.select_related("address", "operation", "attached")


def _whole_payouts() -> QuerySet[Operation]:
    return Operation.objects.select_related("withdrawal__dispatch", "pair")


def _load(wanted: list[_Row]) -> list[Payment]:
    made = _whole_invoices().in_bulk([row.pk for row in wanted if row.incoming])
    paid = _whole_payouts().in_bulk([row.pk for row in wanted if not row.incoming])
    sealed = _sealed([operation.pair_id for operation in paid.values() if operation.pair_id]) if paid else {}
    return [
        of_invoice(made[row.pk], _note_of(made[row.pk])) if row.incoming else of_operation(paid[row.pk], sealed)
        for row in wanted
    ]


def _note_of(invoice: Invoice) -> InvoiceNote | None:
    return getattr(invoice, "attached", None)


# Telling -------------------------------------------------------------------------------------------------
def of_invoice(invoice: Invoice, attached: InvoiceNote | None) -> Payment:
    """An invoice as an incoming payment. It counts as paid once its money stands in the account."""
    operation = invoice.operation
    status: Status = "failed" if invoice.paid_at is None and invoice.expired else "pending"
    if operation is not None:
        status = _STATUS.get(operation.status, "pending")
    return Payment(
        invoice.payment_hash, invoice.bolt11, invoice.amount, 0, invoice.memo, status, invoice.created_at,
        (operation.done_at if operation else None) or invoice.created_at, invoice.expires_at,
        preimage=invoice.preimage or None, attached=attached,
    )  # fmt: skip


def of_operation(operation: Operation, sealed: dict[int, str] | None = None) -> Payment:
    """What a purse paid, or tries to pay. sealed: as _sealed() found it for this one among others."""
    status = _STATUS.get(operation.status, "pending")
    return Payment(
        operation.payment_hash, operation.address, -operation.net, -_cost(operation, status), operation.comment,
        status, operation.created_at, operation.updated_at, None,
        preimage=_revealed(operation, sealed) if status == "success" else None,
    )  # fmt: skip


def _revealed(operation: Operation, sealed: dict[int, str] | None) -> str | None:
    """The proof of a settled payment: of the invoice it paid inside this site, or what the network revealed."""
    if operation.pair_id:
        row = _SEALED.first(paid=operation.pair_id) if sealed is None else (sealed.get(operation.pair_id),)
        return crypto.decrypt(row[0]) if row and row[0] else None
    withdrawal: Withdrawal | None = getattr(operation, "withdrawal", None)
    dispatch = withdrawal.dispatch if withdrawal is not None else None
    return (dispatch.preimage or None) if dispatch is not None else None


_SEALED: Final = Prepared(lambda paid: Invoice.objects.filter(operation=paid).values_list("sealed_preimage"), paid=int)


def _sealed(paid: Iterable[int]) -> dict[int, str]:
    """By the receiving operations: the encrypted preimages of the invoices that they settled."""
    rows = Invoice.objects.filter(operation__in=paid).exclude(sealed_preimage="")
    return {pk: text for pk, text in rows.values_list("operation_id", "sealed_preimage") if pk is not None}


def _cost(operation: Operation, status: Status) -> int:
    """The site's fee and the route: what it cost, or while it is under way what is reserved for it."""
    if status == "failed":
        return 0
    if operation.pair_id:  # paid inside this site
        return operation.fee
    withdrawal: Withdrawal | None = getattr(operation, "withdrawal", None)
    if withdrawal is None:
        return operation.fee
    if status == "pending" or withdrawal.dispatch is None:
        return operation.fee + withdrawal.network_reserve
    return operation.fee + min(withdrawal.dispatch.fee, withdrawal.network_reserve)


def shape(payment: Payment, purse: Purse) -> dict[str, Any]:
    """A payment in the words of LNbits: field names of 0.9 (pending, payment_request) and of 1.x (status, bolt11)
    together. Amounts in millisatoshi; nothing in it is called `detail`, which some clients take for an error."""
    note = payment.attached
    return {
        "checking_id": payment.payment_hash,
        "payment_hash": payment.payment_hash,
        "wallet_id": purse.ident,
        "amount": payment.amount,
        "fee": payment.fee,
        "bolt11": payment.bolt11,
        "payment_request": payment.bolt11,
        "fiat_provider": None,
        "status": payment.status,
        "pending": payment.status == "pending",
        "memo": payment.memo,
        "expiry": payment.expires_at.isoformat() if payment.expires_at else None,
        "webhook": note.webhook or None if note else None,
        "webhook_status": None,
        "preimage": payment.preimage,
        "tag": note.tag or None if note else None,
        "extension": None,
        "time": payment.created_at.isoformat(),
        "created_at": payment.created_at.isoformat(),
        "updated_at": payment.updated_at.isoformat(),
        "labels": ["expired"] if payment.expired else [],
        "extra": note.extra if note else {},
        "external_id": note.external_id or None if note else None,
    }


# What programs attach -------------------------------------------------------------------------------------
def attach(
    invoice: Invoice, *, webhook: str = "", tag: str = "", external_id: str = "", extra: dict[str, Any] | None = None
) -> InvoiceNote | None:
    """Keep it with its invoice, once: a repeated request finds what the first one left. None for nothing."""
    if not (webhook or tag or external_id or extra):
        return None
    values = {"webhook": webhook, "tag": tag, "external_id": external_id, "extra": extra or {}}
    return InvoiceNote.objects.get_or_create(invoice=invoice, defaults=values)[0]


def _webhooks(account: int, name: str) -> QuerySet[InvoiceNote, Any]:
    rows = InvoiceNote.objects.filter(invoice__account_id=account, invoice__payment_hash=name, webhook__gt="")
    return rows.values_list("pk")


_WEBHOOKS = Prepared(_webhooks, account=int, name=str)


def tell(operation: Operation) -> None:
    """Queue the webhook of the invoice this paid, if it has one: in the transaction that settled it."""
    if not operation.payment_hash:
        return
    if not _WEBHOOKS.rows(account=operation.account_id, name=operation.payment_hash):
        return
    invoice = _whole_invoices().get(account=operation.account_id, payment_hash=operation.payment_hash)
    body = shape(of_invoice(invoice, invoice.attached), Purse.objects.get(account=operation.account_id))
    webhooks.push_once(
        user_id=operation.user_id, url=invoice.attached.webhook, name="payment", subject=f"invoice:{invoice.pk}",
        body=body, key=f"invoice:{invoice.pk}",
    )  # fmt: skip
