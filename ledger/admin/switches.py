"""What is stopped by hand, what it means for members, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import client_ip
from accounts.capabilities import Capability, may
from ledger.admin.acting import ActingAdmin, ReasonForm
from ledger.models import Coin, Switch
from ledger.services import switches

if TYPE_CHECKING:
    from accounts.models import User


class StopForm(forms.Form):
    what = forms.ChoiceField(choices=Switch.What.choices, label=gettext_lazy("What is stopped"))
    coin = forms.ModelChoiceField(
        Coin.objects.all(), required=False, label=gettext_lazy("Of which coin"), empty_label=gettext_lazy("all coins"),
    )  # fmt: skip
    reason = forms.CharField(
        max_length=switches.LONGEST, widget=forms.Textarea(attrs={"rows": 2}), label=gettext_lazy("Why?"),
        help_text=gettext_lazy("Members and programs read it, word for word."),
    )  # fmt: skip


@admin.register(Switch)
class SwitchAdmin(ActingAdmin):
    change_list_template = "admin/ledger/switches.html"
    list_display = ("what_text", "reason", "on_by", "on_at", "state", "next_step")
    list_select_related = ("coin", "on_by", "asked_by", "off_by")
    list_filter = ("what", "coin")
    ordering = ("off_at", "-id")

    def get_ordering(self, request: HttpRequest) -> Any:
        from django.db.models import F

        return (F("off_at").asc(nulls_first=True), "-pk")

    def answer(self, request: HttpRequest) -> str:
        standing = list(Switch.objects.filter(off_at=None).select_related("coin"))
        if not standing:
            return _("Nothing is stopped by hand. Stop something below: one manager is enough, and it counts at once.")
        what = "; ".join(self.what_text(row) for row in standing)
        return _("Stopped now: %(what)s. Payouts go on when a second person confirms; everything else at once.") % {
            "what": what
        }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(_person(request), Capability.MANAGE_WALLETS)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/off/", view(self.off), name="switch_off"),
            path("<int:pk>/confirm/", view(self.confirm), name="switch_confirm"),
        ]
        return [*own, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        words = _(
            "It counts at once, for pages, programs and the worker. Balances stay readable. Deposits that are stopped"
            " are still seen, and credited afterwards."
        )
        first = {name: request.GET[name] for name in ("what", "coin") if name in request.GET}
        form = StopForm(request.POST or None, initial=first)
        return self.act(request, _("Stop something"), words, form, lambda said: _stop(request, said), _("Stopped."))

    def off(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row = get_object_or_404(Switch.objects.select_related("coin"), pk=pk)
        payouts = row.what == Switch.What.PAYOUTS
        words = f"{self.what_text(row)}: {row.reason}"
        done = _("Asked. Another person must confirm.") if payouts else _("It goes on.")
        title = _("Ask for payouts to go on") if payouts else _("Let it go on")
        do = lambda said: switches.turn_off(  # noqa: E731
            user=_person(request), switch_id=pk, reason=said["reason"], where=client_ip(request)
        )
        return self.act(request, title, words, ReasonForm(request.POST or None), do, done)

    def confirm(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row = get_object_or_404(Switch.objects.select_related("coin", "asked_by"), pk=pk)
        words = _("Stopped because: %(reason)s %(who)s asks for it to go on: %(why)s") % {
            "reason": row.reason, "who": row.asked_by, "why": row.asked_reason,
        }  # fmt: skip
        do = lambda said: switches.confirm_off(  # noqa: E731
            user=_person(request), switch_id=pk, where=client_ip(request)
        )
        form = forms.Form(request.POST if request.method == "POST" else None)
        return self.act(request, _("Confirm: payouts go on"), words, form, do, _("Payouts go on."))

    @admin.display(description=gettext_lazy("stopped"))
    def what_text(self, row: Switch) -> str:
        if row.what == Switch.What.READ_ONLY:
            return str(row.get_what_display())
        where = row.coin.symbol if row.coin else _("all coins")
        return f"{row.get_what_display()} ({where})"

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Switch) -> str:
        if row.off_at is not None:
            return _("goes on since %(at)s UTC") % {"at": f"{row.off_at:%Y-%m-%d %H:%M}"}
        return _("stopped; %(who)s asks for it to go on") % {"who": row.asked_by} if row.asked_by else _("stopped")

    @admin.display(description="")
    def next_step(self, row: Switch) -> str:
        if row.off_at is not None:
            return row.asked_reason
        if row.asked_by_id:
            return self.link("switch_confirm", _("Confirm: it goes on"), row.pk)
        return self.link("switch_off", _("Let it go on"), row.pk)


def _stop(request: HttpRequest, said: dict[str, Any]) -> None:
    switches.turn_on(
        user=_person(request), what=Switch.What(said["what"]), coin=said["coin"], reason=said["reason"],
        where=client_ip(request),
    )  # fmt: skip


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)
