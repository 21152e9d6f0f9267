"""Corrections of the books and brakes on payouts: each needs two people, and says so."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.html import format_html

from accounts.capabilities import Capability, may
from accounts.models import User
from ledger import money
from ledger.admin.acting import ActingAdmin, ReasonForm
from ledger.admin.readonly import ReadOnlyAdmin, amount_text
from ledger.models import Account, Adjustment, Brake, Coin, Hold, LiabilityTree, Seal, SolvencyCheck
from ledger.services import adjustments, solvency
from wallets_site.base.ids import new_key


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


class ProposalForm(forms.Form):
    """Accounts by their number, as the list of accounts shows them."""

    debit = forms.ModelChoiceField(Account.objects.all(), widget=forms.NumberInput, label="Debit account (number)")
    credit = forms.ModelChoiceField(Account.objects.all(), widget=forms.NumberInput, label="Credit account (number)")
    amount = forms.CharField(max_length=90, help_text="In coin units, for example 0.5.")
    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 3}))
    key = forms.CharField(widget=forms.HiddenInput)


@admin.register(Adjustment)
class AdjustmentAdmin(ActingAdmin):
    list_display = ("id", "created_at", "state", "amount_text", "debit", "credit", "reason", "proposed_by",
                    "decided_by", "next_step")  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("debit__coin", "credit", "proposed_by", "decided_by")
    ordering = ("-id",)

    def answer(self, request: HttpRequest) -> str:
        waiting = Adjustment.objects.filter(state=Adjustment.State.PROPOSED).count()
        return f"{waiting} corrections wait for a second person." if waiting else "No correction waits."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(_person(request), Capability.MANAGE_WALLETS)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/accept/", view(self.accept), name="adjustment_accept"),
            path("<int:pk>/reject/", view(self.reject), name="adjustment_reject"),
        ]
        return [*own, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        form = ProposalForm(request.POST or None, initial={"key": new_key()})
        words = "Nothing is booked until another person accepts. Find the accounts' numbers in the list of accounts."
        return self.act(request, "Propose a correction", words, form, lambda said: _propose(request, said), "Proposed.")

    def accept(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row = get_object_or_404(Adjustment, pk=pk)
        do = lambda said: adjustments.accept_adjustment(  # noqa: E731
            user=_person(request), adjustment_id=pk, reason=said["reason"]
        )
        return self.act(
            request, "Accept a correction", self._words(row), ReasonForm(request.POST or None), do, "Booked."
        )

    def reject(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row = get_object_or_404(Adjustment, pk=pk)
        do = lambda said: adjustments.reject_adjustment(  # noqa: E731
            user=_person(request), adjustment_id=pk, reason=said["reason"]
        )
        return self.act(
            request, "Reject a correction", self._words(row), ReasonForm(request.POST or None), do, "Rejected."
        )

    def _words(self, row: Adjustment) -> str:
        return (
            f"{self.amount_text(row)} from “{row.debit}” to “{row.credit}”, proposed by {row.proposed_by}: {row.reason}"
        )

    @admin.display(description="amount")
    def amount_text(self, row: Adjustment) -> str:
        return amount_text(row.amount, row.debit.coin)

    @admin.display(description="")
    def next_step(self, row: Adjustment) -> str:
        if row.state != Adjustment.State.PROPOSED:
            return row.decided_reason
        both = self.link("adjustment_accept", "Accept", row.pk), self.link("adjustment_reject", "Reject", row.pk)
        return format_html("{} {}", *both)


def _propose(request: HttpRequest, said: dict[str, Any]) -> None:
    amount = money.parse_positive(said["amount"], said["debit"].coin.decimals)
    adjustments.propose_adjustment(
        user=_person(request), debit=said["debit"], credit=said["credit"], amount=amount, reason=said["reason"],
        key=said["key"],
    )  # fmt: skip


@admin.register(Brake)
class BrakeAdmin(ActingAdmin):
    list_display = ("id", "coin", "level", "reason", "created_at", "release_by", "released_by", "next_step")
    list_filter = ("coin",)
    list_select_related = ("coin", "release_by", "released_by")
    ordering = ("released_at", "-id")

    def answer(self, request: HttpRequest) -> str:
        standing = Brake.objects.filter(released_at=None).count()
        return f"{standing} coins are braked. Two people release one." if standing else "No coin is braked."

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/ask/", view(self.ask), name="brake_ask"),
            path("<int:pk>/confirm/", view(self.confirm), name="brake_confirm"),
        ]
        return [*own, *super().get_urls()]

    def ask(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row = get_object_or_404(Brake, pk=pk)
        do = lambda said: solvency.ask_release(user=_person(request), brake_id=pk, reason=said["reason"])  # noqa: E731
        form = ReasonForm(request.POST or None)
        return self.act(request, "Ask for release", row.reason, form, do, "Asked. Another person must confirm.")

    def confirm(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row = get_object_or_404(Brake, pk=pk)
        words = f"{row.reason} {row.release_by} asks for release: {row.release_reason}"
        do = lambda said: solvency.confirm_release(user=_person(request), brake_id=pk)  # noqa: E731
        return self.act(
            request,
            "Confirm a release",
            words,
            forms.Form(request.POST if request.method == "POST" else None),
            do,
            "Released.",
        )

    @admin.display(description="")
    def next_step(self, row: Brake) -> str:
        if row.released_at:
            return row.release_reason
        if row.release_by_id:
            return self.link("brake_confirm", "Confirm the release", row.pk)
        return self.link("brake_ask", "Ask for release", row.pk)


@admin.register(SolvencyCheck)
class SolvencyCheckAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "coin", "answer", "owed_text", "held_text", "reason")
    list_filter = ("coin", "answer")
    list_select_related = ("coin",)
    ordering = ("-id",)

    def answer(self, request: HttpRequest) -> str:
        said = []
        for coin in Coin.objects.filter(is_active=True):
            last = SolvencyCheck.objects.filter(coin=coin).order_by("-pk").first()
            said.append(f"{coin.symbol}: {last.get_answer_display() if last else 'not looked at yet'}")
        return "; ".join(said) or "There are no coins yet."

    @admin.display(description="owed")
    def owed_text(self, row: SolvencyCheck) -> str:
        return amount_text(row.owed, row.coin)

    @admin.display(description="nodes hold")
    def held_text(self, row: SolvencyCheck) -> str:
        return "not known" if row.held is None else amount_text(row.held, row.coin)


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    question = "The chain of hashes over the books. Keep the newest head elsewhere; ledger_verify --head checks it."
    list_display = ("number", "hash", "created_at")
    ordering = ("-number",)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    question = "Money that members have set aside."
    list_display = ("id", "user", "coin", "amount_text", "state", "expires_at", "memo")
    list_filter = ("coin", "state")
    list_select_related = ("user", "coin")
    ordering = ("-id",)

    @admin.display(description="amount")
    def amount_text(self, row: Hold) -> str:
        return amount_text(row.amount, row.coin)


@admin.register(LiabilityTree)
class LiabilityTreeAdmin(ReadOnlyAdmin):
    question = "What was published that this site owes; every member can check that their balance is in it."
    list_display = ("id", "created_at", "coin", "total_text", "root")
    list_filter = ("coin",)
    list_select_related = ("coin",)
    exclude = ("leaves",)
    ordering = ("-id",)

    @admin.display(description="total")
    def total_text(self, row: models.Model) -> str:
        tree = cast(LiabilityTree, row)
        return amount_text(tree.total, tree.coin)
