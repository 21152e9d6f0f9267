"""After a restored backup: what was found, wallet by wallet and line by line, and the end of it by two people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from ledger.admin.acting import ReasonForm
from ledger.admin.readonly import ReadOnlyAdmin, amount_text
from ledger.models import Deposit, Recovered, Recovery, RecoveryWallet
from ledger.services import recovery
from wallets_site.base.errors import WalletError

if TYPE_CHECKING:
    from accounts.models import User


@admin.register(Recovery)
class RecoveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "found_at", "reason", "is_open", "asked_by", "ended_by", "ended_at", "look")
    list_select_related = ("asked_by", "ended_by")
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/look/", view(self.page), name="recovery_look"),
            path("ask/", view(require_POST(self.ask)), name="recovery_ask"),
            path("confirm/", view(require_POST(self.confirm)), name="recovery_confirm"),
        ]
        return [*own, *super().get_urls()]

    def answer(self, request: HttpRequest) -> str:
        found = recovery.current()
        if found is None:
            return _("The database is as new as the site: no backup was put back since the last recovery ended.")
        link = reverse("admin:recovery_look", args=[found.pk])
        says = _(
            "The database is an older copy. Payouts and sends wait until two people have looked at what was found."
        )
        return format_html('{} <a href="{}">{}</a>', says, link, _("Look at it"))

    @admin.display(description="")
    def look(self, row: Recovery) -> str:
        return format_html('<a href="{}">{}</a>', reverse("admin:recovery_look", args=[row.pk]), _("What was found"))

    def page(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        found = get_object_or_404(Recovery.objects.select_related("asked_by", "ended_by"), pk=pk)
        lines = recovery.findings(found)
        unclaimed = Deposit.objects.filter(state=Deposit.State.UNCLAIMED, seen_at__gte=found.found_at)
        context = {
            **self.admin_site.each_context(request), "title": _("Recovery from a backup"), "recovery": found,
            "wallets": RecoveryWallet.objects.filter(recovery=found).select_related("wallet").order_by("wallet__name"),
            "missing": recovery.still_missing(found) if found.is_open else [],
            "lines": [(row, amount_text(row.amount, row.coin), who) for row, who in lines],
            "total": Recovered.objects.filter(recovery=found).count(),
            "unclaimed": [(row, amount_text(row.amount, row.coin)) for row in unclaimed.select_related("coin")[:200]],
            "form": ReasonForm(),
        }  # fmt: skip
        return render(request, "admin/ledger/recovery.html", context)

    def ask(self, request: HttpRequest) -> HttpResponseBase:
        form = ReasonForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Say why payouts may go on."))
            return self._back()
        try:
            recovery.ask_end(user=_person(request), reason=form.cleaned_data["reason"])
        except WalletError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("Asked. Another person must confirm."))
        return self._back()

    def confirm(self, request: HttpRequest) -> HttpResponseBase:
        try:
            recovery.confirm_end(user=_person(request))
        except WalletError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("The recovery has ended: payouts go on."))
        return self._back()

    def _back(self) -> HttpResponseBase:
        last = Recovery.objects.order_by("-pk").first()
        return redirect("admin:recovery_look", last.pk) if last else redirect("admin:ledger_recovery_changelist")


@admin.register(Recovered)
class RecoveredAdmin(ReadOnlyAdmin):
    list_display = ("id", "at", "wallet", "state", "amount_text", "address", "confirmations", "txid")
    list_filter = ("recovery", "wallet", "state")
    search_fields = ("=txid", "=address")
    list_select_related = ("wallet", "coin")
    ordering = ("-id",)

    def answer(self, request: HttpRequest) -> str:
        return _("Transfers out of our wallets that a restored database did not know, and what became of each.")

    @admin.display(description=gettext_lazy("amount"))
    def amount_text(self, row: Any) -> str:
        return amount_text(row.amount, row.coin)


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)
