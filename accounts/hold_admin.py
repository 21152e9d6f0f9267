"""Payout holds in the admin: why somebody's payouts wait, and the two steps of lifting one."""

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

from accounts import holds
from accounts.audit import client_ip
from accounts.models import PayoutHold, User
from wallets_site.base.clock import now
from wallets_site.base.errors import WalletError

if TYPE_CHECKING:
    _Holds = admin.ModelAdmin[PayoutHold]
else:
    _Holds = admin.ModelAdmin


class LiftForm(forms.Form):
    reason = forms.CharField(
        max_length=300, label=gettext_lazy("How do you know that it was the owner?"),
        widget=forms.Textarea(attrs={"rows": 3}), help_text=gettext_lazy("The second person reads this."),
    )  # fmt: skip


class AgreeForm(forms.Form):
    """Nothing to say: whoever presses the button has read the first one's words."""


@admin.register(PayoutHold)
class PayoutHoldAdmin(_Holds):
    list_display = ("id", "user", "reason", "created_at", "ends", "ip", "asked_by", "asked_reason", "lifted_by", "next")
    list_filter = ("reason", "lifted_at")
    list_select_related = ("user", "asked_by", "lifted_by")
    search_fields = ("user__email", "user__username", "=ip")
    ordering = ("-id",)
    actions = None
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: PayoutHold | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PayoutHold | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/ask/", view(self.ask), name="hold_ask"),
            path("<int:pk>/lift/", view(self.agree), name="hold_lift"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        standing = PayoutHold.objects.filter(lifted_at=None, until__gt=now())
        people = standing.values("user").distinct().count()
        asked = standing.exclude(asked_by=None).count()
        said = _("Payouts of %(people)s people wait. %(asked)s holds wait for a second person to lift them.")
        context = {**(extra_context or {}), "question": said % {"people": people, "asked": asked}}
        return super().changelist_view(request, context)

    def ask(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        form = LiftForm(request.POST or None)
        words = _("Payouts of %(user)s wait. A second person must agree before they go on.") % {"user": self._owner(pk)}

        def do() -> None:
            holds.ask_lift(actor=_person(request), hold_id=pk, where=client_ip(request), **form.cleaned_data)

        return self._act(request, _("Ask to lift"), words, form, do, _("Asked. Another person must agree."))

    def agree(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        hold = PayoutHold.objects.filter(pk=pk).first()
        said = {"user": self._owner(pk), "reason": hold.asked_reason if hold else ""}
        words = _("Payouts of %(user)s go on at once. The first person says: %(reason)s") % said

        def do() -> None:
            holds.lift(actor=_person(request), hold_id=pk, where=client_ip(request))

        return self._act(
            request, _("Lift"), words, AgreeForm(request.POST if request.method == "POST" else None), do, _("Lifted.")
        )

    def _owner(self, pk: int) -> str:
        return str(User.objects.filter(payout_holds=pk).first() or "")

    def _act(
        self, request: HttpRequest, title: str, words: str, form: forms.Form, do: Callable[[], None], done: str
    ) -> HttpResponseBase:
        if request.method == "POST" and form.is_valid():
            try:
                do()
            except WalletError as error:
                messages.error(request, error.message)
            else:
                messages.success(request, done)
            return redirect(reverse("admin:accounts_payouthold_changelist"))
        context = {**self.admin_site.each_context(request), "title": title, "words": words, "form": form}
        return render(request, "admin/ledger/act.html", context)

    @admin.display(description="ends")
    def ends(self, hold: PayoutHold) -> str:
        if hold.lifted_at is not None:
            return _("lifted")
        return _("when it is lifted") if hold.is_endless else f"{hold.until:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="")
    def next(self, hold: PayoutHold) -> str:
        if hold.lifted_at is not None or hold.until <= now():
            return ""
        name, text = ("hold_ask", _("Ask to lift")) if hold.asked_by_id is None else ("hold_lift", _("Lift"))
        return format_html('<a href="{}">{}</a>', reverse(f"admin:{name}", args=[hold.pk]), text)


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)
