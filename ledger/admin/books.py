from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path

from ledger import queries
from ledger.admin.acting import ActingAdmin, ReasonForm
from ledger.admin.decisions import DecisionsAdmin
from ledger.admin.readonly import ReadOnlyAdmin, amount_text
from ledger.models import Account, Event, Operation, Posting, Queue, Transaction
from ledger.services import reversals

if TYPE_CHECKING:
    from accounts.models import User


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    question = "What stands on every account. Shared accounts follow from the queue of postings a few seconds later."
    list_display = ("id", "coin", "kind", "owner", "balance_text", "version")
    list_filter = ("coin", "kind")
    search_fields = ("owner__email", "owner__username")
    list_select_related = ("coin", "owner")

    @admin.display(description="balance (credits - debits)")
    def balance_text(self, row: Account) -> str:
        return amount_text(row.balance, row.coin)


class PostingLines(admin.TabularInline):  # type: ignore[type-arg]
    model = Posting
    fields = ("number", "debit", "credit", "amount_text")
    readonly_fields = ("amount_text",)
    extra = 0
    can_delete = False

    @admin.display(description="amount")
    def amount_text(self, row: Posting) -> str:
        return amount_text(row.amount, row.coin)

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(Transaction)
class TransactionAdmin(ActingAdmin):
    question = "Every event in the books, newest first. Nothing here can be changed; a correction is a reversal."
    list_display = ("id", "kind", "scope", "key", "actor", "created_at")
    list_filter = ("kind",)
    search_fields = ("=scope", "=key")
    list_select_related = ("actor",)
    ordering = ("-id",)
    inlines = (PostingLines,)
    fields = ("kind", "scope", "key", "actor", "memo", "reverses", "created_at", "undo")
    readonly_fields = ("undo",)

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:pk>/reverse/", self.admin_site.admin_view(self.reverse), name="transaction_reverse")
        return [own, *super().get_urls()]

    def reverse(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row = get_object_or_404(Transaction, pk=pk)
        do = lambda said: reversals.reverse_transaction(  # noqa: E731
            user=cast("User", request.user), transaction_id=pk, reason=said["reason"]
        )
        words = f"{row.kind}, booked {row.created_at:%Y-%m-%d %H:%M} UTC: every posting is booked the other way."
        return self.act(request, "Reverse a transaction", words, ReasonForm(request.POST or None), do, "Reversed.")

    @admin.display(description="reversal")
    def undo(self, row: Transaction) -> str:
        if row.kind not in reversals.REVERSIBLE:
            return "Not possible for this kind; propose a correction instead."
        return self.link("transaction_reverse", "Reverse it, with a reason", row.pk)


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin):
    question = "Every line of the books: the amount goes from the debit to the credit account."
    list_display = ("id", "transaction", "debit", "credit", "amount_text")
    list_filter = ("coin",)
    list_select_related = ("transaction", "debit", "credit", "coin")
    ordering = ("-id",)

    @admin.display(description="amount")
    def amount_text(self, row: Posting) -> str:
        return amount_text(row.amount, row.coin)


@admin.register(Queue)
class QueueAdmin(ReadOnlyAdmin):
    question = "Shares of postings that are not yet in a shared account's totals. Usually empty; every sum counts them."
    list_display = ("id", "account", "side", "posting")
    list_select_related = ("account", "posting__transaction")


@admin.register(Operation)
class OperationAdmin(DecisionsAdmin):
    list_display = ("id", "created_at", "user", "kind", "incoming", "amount", "status", "waits_for", "reason")
    list_filter = ("coin", "kind", "status")
    search_fields = ("user__email", "user__username", "=txid", "=address")
    list_select_related = ("coin", "user", "withdrawal")
    exclude = ("confirm_digest", "note")
    ordering = ("-id",)

    def answer(self, request: HttpRequest) -> str:
        waiting = Operation.objects.filter(status="unconfirmed", needs_admin_confirm=True, admin_confirm=False)
        count = waiting.filter(incoming=False).count()
        return f"{count} payments wait for a manager." if count else "What people see; no payment waits for a manager."

    @admin.display(description="amount")
    def amount(self, row: Operation) -> str:
        return amount_text(row.gross, row.coin)

    @admin.display(description="waits for")
    def waits_for(self, row: Operation) -> str:
        return queries.waiting_for(row)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    question = "What happened, newest first, written together with the money it tells of."
    list_display = ("id", "created_at", "name", "user", "operation", "data")
    list_filter = ("name",)
    list_select_related = ("user", "operation")
    ordering = ("-id",)
