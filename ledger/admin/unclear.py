"""Unclear payouts: the evidence on one page, asked of the node while it loads, and two decisions by two people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.admin.readonly import ReadOnlyAdmin, amount_text
from ledger.models import Attempt, Dispatch, PayoutDecision, Withdrawal
from ledger.services import unclear
from wallets_site.base.errors import WalletError

if TYPE_CHECKING:
    from accounts.models import User


class ProposalForm(forms.Form):
    verdict = forms.ChoiceField(
        choices=PayoutDecision.Verdict.choices, label=gettext_lazy("What became of it?"), widget=forms.RadioSelect
    )
    txid = forms.CharField(
        max_length=200, required=False, label=gettext_lazy("Transaction id"),
        help_text=gettext_lazy("Only when it was found: the node is asked whether this transaction paid it."),
    )  # fmt: skip
    reason = forms.CharField(
        max_length=300, label=gettext_lazy("How do you know?"), widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The second person reads this."),
    )  # fmt: skip


class AcceptForm(forms.Form):
    reason = forms.CharField(max_length=300, required=False, label=gettext_lazy("Your note"))


class RejectForm(forms.Form):
    reason = forms.CharField(max_length=300, label=gettext_lazy("Why not?"))


@admin.register(PayoutDecision)
class PayoutDecisionAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "dispatch", "verdict", "state", "proposed_by", "decided_by", "reason", "look")
    list_filter = ("state", "verdict")
    list_select_related = ("dispatch", "proposed_by", "decided_by")
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("unclear/", view(self.all_of_them), name="payouts_unclear"),
            path("unclear/<int:pk>/", view(self.one_of_them), name="payout_unclear"),
            path("unclear/<int:pk>/propose/", view(self.propose), name="payout_propose"),
            path("<int:pk>/accept/", view(self.accept), name="payout_accept"),
            path("<int:pk>/reject/", view(self.reject), name="payout_reject"),
        ]
        return [*own, *super().get_urls()]

    def answer(self, request: HttpRequest) -> str:
        waiting = PayoutDecision.objects.filter(state=PayoutDecision.State.PROPOSED).count()
        link = format_html('<a href="{}">{}</a>', reverse("admin:payouts_unclear"), _("See the unclear payouts"))
        says = (
            _("%(count)s proposals wait for a second person.") % {"count": waiting} if waiting
            else _("No proposal waits.")
        )  # fmt: skip
        return format_html("{} {}", says, link)

    def all_of_them(self, request: HttpRequest) -> HttpResponseBase:
        rows = [
            {"payout": row, "amounts": _amounts(row), "proposal": _open(row)} for row in unclear.unclear_payouts()
        ]  # fmt: skip
        context = {**self.admin_site.each_context(request), "title": _("Unclear payouts"), "rows": rows}
        return render(request, "admin/ledger/unclear_list.html", context)

    def one_of_them(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Asks the node while the page loads, outside any transaction."""
        try:
            row = unclear.payout(pk)
        except WalletError as error:
            messages.error(request, error.message)
            return redirect("admin:payouts_unclear")
        said = unclear.evidence(row)
        withdrawals = Withdrawal.objects.filter(dispatch=row).select_related("operation__user", "coin").order_by("pk")
        history = PayoutDecision.objects.filter(dispatch=row).select_related("proposed_by", "decided_by").order_by("pk")
        tries = Attempt.objects.filter(dispatch=row).order_by("number")
        context = {
            **self.admin_site.each_context(request), "title": _("Payout %(pk)s") % {"pk": pk}, "payout": row,
            "said": said, "standing": unclear.standing(said), "kept": unclear.told(said), "amounts": _amounts(row),
            "withdrawals": withdrawals, "history": history, "tries": tries,
            "open": row.state == Dispatch.State.LIVE,
            "proposal": unclear.proposal(row), "form": ProposalForm(), "accept": AcceptForm(), "reject": RejectForm(),
        }  # fmt: skip
        return render(request, "admin/ledger/unclear_one.html", context)

    def propose(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        def do(said: dict[str, Any]) -> None:
            unclear.propose(user=_person(request), dispatch_id=pk, **said)

        done = _("Proposed. Another person must accept it.")
        return self._do(request, pk, ProposalForm(request.POST), do, done)

    def accept(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        def do(said: dict[str, Any]) -> None:
            unclear.accept(user=_person(request), decision_id=pk, **said)

        return self._do(request, self._payout_of(pk), AcceptForm(request.POST), do, _("Accepted and booked."))

    def reject(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        def do(said: dict[str, Any]) -> None:
            unclear.reject(user=_person(request), decision_id=pk, **said)

        return self._do(request, self._payout_of(pk), RejectForm(request.POST), do, _("Rejected."))

    def _payout_of(self, decision_id: int) -> int:
        return PayoutDecision.objects.values_list("dispatch_id", flat=True).filter(pk=decision_id).first() or 0

    def _do(
        self, request: HttpRequest, pk: int, form: forms.Form, do: Callable[[dict[str, Any]], None], done: str
    ) -> HttpResponseBase:
        """POST only; back to the payout's page with what happened in words."""
        if request.method == "POST" and not form.is_valid():
            messages.error(request, form.errors.as_text())
        elif request.method == "POST":
            try:
                do(form.cleaned_data)
            except WalletError as error:
                messages.error(request, error.message)
            else:
                messages.success(request, done)
        return redirect(reverse("admin:payout_unclear", args=[pk]))

    @admin.display(description="")
    def look(self, row: PayoutDecision) -> str:
        return format_html('<a href="{}">{}</a>', reverse("admin:payout_unclear", args=[row.dispatch_id]), _("Look"))


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


def _amounts(row: Any) -> str:
    if row.chore:
        return _("house-keeping of the wallet: %(chore)s") % {"chore": row.chore}
    return amount_text(sum(one.amount for one in row.withdrawals.all()), row.coin)


def _open(row: Any) -> PayoutDecision | None:
    return next((one for one in row.decisions.all() if one.state == PayoutDecision.State.PROPOSED), None)
