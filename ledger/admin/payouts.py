"""Withdrawals and what became of them; freezes, ended by a manager who says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import User
from ledger import queries
from ledger.admin.readonly import ReadOnlyAdmin, amount_text, confirmations_text
from ledger.models import Deposit, Dispatch, Freeze, Withdrawal
from ledger.services import wallets
from wallets_site.base.errors import WalletError

if TYPE_CHECKING:
    from django.db.models import QuerySet


@admin.register(Withdrawal)
class WithdrawalAdmin(ReadOnlyAdmin):
    list_display = ("id", "asked", "person", "amount_text", "address", "state", "waits_for", "tries")
    list_filter = ("coin", "state")
    search_fields = ("operation__user__email", "operation__user__username", "=address", "=operation__txid")
    list_select_related = ("operation__user", "operation__coin", "coin", "dispatch")
    ordering = ("-id",)

    def answer(self, request: HttpRequest) -> str:
        waiting = Withdrawal.objects.filter(state__in=("queued", "dispatched", "attempted")).count()
        return "No withdrawal is under way." if not waiting else f"{waiting} withdrawals are under way."

    @admin.display(description="asked", ordering="id")
    def asked(self, row: Withdrawal) -> Any:
        return row.operation.created_at

    @admin.display(description="person")
    def person(self, row: Withdrawal) -> str:
        return str(row.operation.user)

    @admin.display(description="amount")
    def amount_text(self, row: Withdrawal) -> str:
        return amount_text(row.amount, row.coin)

    @admin.display(description="waits for")
    def waits_for(self, row: Withdrawal) -> str:
        return queries.waiting_for(row.operation)


@admin.register(Dispatch)
class DispatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "wallet", "state", "attempts", "outcome", "confirmed", "txid", "reason", "attempted_at")
    list_filter = ("wallet", "state", "outcome")
    search_fields = ("=ident", "=txid")
    list_select_related = ("wallet",)
    exclude = ("blob",)
    ordering = ("-id",)

    @admin.display(description="confirmations", ordering="confirmations")
    def confirmed(self, row: Dispatch) -> str:
        return confirmations_text(row.confirmations)

    def answer(self, request: HttpRequest) -> str:
        unclear = Dispatch.objects.filter(state=Dispatch.State.LIVE, outcome=Dispatch.Outcome.UNCLEAR).count()
        if not unclear:
            return "Every payment handed to a network had a clear answer, or has been found since."
        says = f"{unclear} payments had no clear answer. They are looked up until the network knows."
        link = reverse("admin:payouts_unclear")
        return format_html('{} <a href="{}">{}</a>', says, link, "Look at them, and decide where nobody knows.")


@admin.register(Deposit)
class DepositAdmin(ReadOnlyAdmin):
    question = "Every payment that came in, by what the chain calls it."
    list_display = ("id", "seen_at", "coin", "amount_text", "confirmed", "state", "address_text", "txid")
    list_filter = ("coin", "state")
    search_fields = ("=txid", "=address_text")
    list_select_related = ("coin",)
    ordering = ("-id",)

    @admin.display(description="confirmations", ordering="confirmations")
    def confirmed(self, row: Deposit) -> str:
        return confirmations_text(row.confirmations)

    @admin.display(description="amount")
    def amount_text(self, row: Deposit) -> str:
        return amount_text(row.amount, row.coin)


class EndForm(forms.Form):
    reason = forms.CharField(max_length=300, label="Why may payouts go on?", widget=forms.Textarea(attrs={"rows": 3}))


@admin.register(Freeze)
class FreezeAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "cause", "reason", "wallet", "user", "ended_at", "next_step")
    list_filter = ("cause",)
    list_select_related = ("wallet", "user")
    ordering = ("ended_at", "-id")

    def answer(self, request: HttpRequest) -> str:
        open_ones = Freeze.objects.filter(ended_at=None).count()
        return (
            "No payouts are frozen."
            if not open_ones
            else f"{open_ones} freezes stop payouts. Look into each, then end it."
        )

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:pk>/end/", self.admin_site.admin_view(self.end), name="freeze_end")
        return [own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).order_by("ended_at", "-id")

    def end(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        freeze = get_object_or_404(Freeze, pk=pk)
        form = EndForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and isinstance(request.user, User):
            try:
                wallets.end_freeze(user=request.user, freeze_id=pk, reason=form.cleaned_data["reason"])
            except WalletError as error:
                messages.error(request, error.message)
            else:
                messages.success(request, "Payouts go on.")
            return redirect(reverse("admin:ledger_freeze_changelist"))
        context = {**self.admin_site.each_context(request), "title": "End a freeze", "freeze": freeze, "form": form}
        return render(request, "admin/ledger/freeze_end.html", context)

    @admin.display(description="")
    def next_step(self, row: Freeze) -> str:
        if row.ended_at:
            return row.ended_reason
        return format_html('<a href="{}">End it</a>', reverse("admin:freeze_end", args=[row.pk]))
