"""What managers decide about payments that wait: approve, reject, cancel, try again; many at once, with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import User
from ledger.admin.readonly import ReadOnlyAdmin, amount_text
from ledger.models import Approval, CronRun, Delivery, Operation
from ledger.services import lifecycle
from wallets_site.base.errors import WalletError

if TYPE_CHECKING:
    from django.db.models import QuerySet

Decide = Callable[..., Operation]
MOST = 200


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=250, label="Reason", help_text="The person reads it.")


class DecisionsAdmin(ReadOnlyAdmin):
    """Adds the four actions to a list of operations. The services say who may do what, and to what."""

    actions: Any = ("approve_them", "reject_them", "cancel_them", "retry_them")

    @admin.action(description="Approve")
    def approve_them(self, request: HttpRequest, rows: QuerySet[Operation]) -> HttpResponse | None:
        self._each(request, rows, lifecycle.approve, "approved", "")
        return None

    @admin.action(description="Reject, with a reason")
    def reject_them(self, request: HttpRequest, rows: QuerySet[Operation]) -> HttpResponse | None:
        return self._with_reason(request, rows, lifecycle.reject, "rejected")

    @admin.action(description="Cancel, with a reason")
    def cancel_them(self, request: HttpRequest, rows: QuerySet[Operation]) -> HttpResponse | None:
        return self._with_reason(request, rows, lifecycle.cancel_as_manager, "cancelled")

    @admin.action(description="Try again, with a reason")
    def retry_them(self, request: HttpRequest, rows: QuerySet[Operation]) -> HttpResponse | None:
        return self._with_reason(request, rows, lifecycle.retry, "asked for again")

    def _with_reason(
        self, request: HttpRequest, rows: QuerySet[Operation], decide: Decide, done: str
    ) -> HttpResponse | None:
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        if form.is_valid():
            self._each(request, rows, decide, done, form.cleaned_data["reason"])
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": f"{rows.count()} payments will be {done}",
            "rows": rows.select_related("coin", "user")[:MOST],
            "form": form,
            "action": request.POST.get("action", ""),
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return render(request, "admin/ledger/decide.html", context)

    def _each(
        self, request: HttpRequest, rows: QuerySet[Operation], decide: Decide, done: str, reason: str
    ) -> None:  # fmt: skip
        """One transaction each: a refusal of one stops no other."""
        assert isinstance(request.user, User)
        for row in rows.order_by("pk")[:MOST]:
            try:
                decide(user=request.user, operation_id=row.pk, reason=reason)
            except WalletError as error:
                messages.error(request, f"{row.pk}: {error.message}")
            else:
                messages.success(request, f"{row.pk}: {done}.")


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    question = "What managers decided about payments, and why."
    list_display = ("id", "created_at", "operation", "amount", "version", "verdict", "person", "reason")
    list_filter = ("verdict",)
    list_select_related = ("operation__coin", "person")
    ordering = ("-id",)

    @admin.display(description="amount")
    def amount(self, row: Approval) -> str:
        return amount_text(row.operation.gross, row.operation.coin)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "event", "user", "template", "state", "tries", "next_at", "sent_at", "error")
    list_filter = ("state", "template")
    list_select_related = ("event", "user")
    ordering = ("-id",)

    def answer(self, request: HttpRequest) -> str:
        waiting = Delivery.objects.filter(state=Delivery.State.QUEUED).count()
        failed = Delivery.objects.filter(state=Delivery.State.FAILED).count()
        return (
            f"{waiting} mails wait to be sent, {failed} were given up." if waiting or failed else "Every mail is sent."
        )


@admin.register(CronRun)
class CronRunAdmin(ReadOnlyAdmin):
    question = "When the cron address was called, and what each run did."
    list_display = ("id", "started_at", "finished_at", "result")
    ordering = ("-id",)
