"""Why somebody's payouts wait, and letting somebody in again: in the admin, each by two people."""

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

from accounts import helping, holds
from accounts.audit import client_ip
from accounts.models import AccessHelp, PayoutHold, User
from wallets_site.base.clock import now
from wallets_site.base.errors import WalletError

if TYPE_CHECKING:
    _Holds = admin.ModelAdmin[PayoutHold]
    _Help = admin.ModelAdmin[AccessHelp]
else:
    _Holds = _Help = admin.ModelAdmin


class LiftForm(forms.Form):
    reason = forms.CharField(
        max_length=300, label=gettext_lazy("How do you know that it was the owner?"),
        widget=forms.Textarea(attrs={"rows": 3}), help_text=gettext_lazy("The second person reads this."),
    )  # fmt: skip


class AgreeForm(forms.Form):
    """Nothing to say: whoever presses the button has read the first one's words."""


class _Acting:
    """A list to be read, with pages that do one thing each, through a service, and come back to the list."""

    actions: Any = None
    show_full_result_count = False
    admin_site: Any
    model: Any

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

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
            return redirect(reverse(f"admin:accounts_{self.model._meta.model_name}_changelist"))
        context = {**self.admin_site.each_context(request), "title": title, "words": words, "form": form}
        return render(request, "admin/ledger/act.html", context)


@admin.register(PayoutHold)
class PayoutHoldAdmin(_Acting, _Holds):
    list_display = ("id", "user", "reason", "created_at", "ends", "ip", "asked_by", "asked_reason", "lifted_by", "next")
    list_filter = ("reason", "lifted_at")
    list_select_related = ("user", "asked_by", "lifted_by")
    search_fields = ("user__email", "user__username", "=ip")
    ordering = ("-id",)

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

        return self._act(request, _("Lift"), words, _pressed(request), do, _("Lifted."))

    def _owner(self, pk: int) -> str:
        return str(User.objects.filter(payout_holds=pk).first() or "")

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


class HelpForm(forms.Form):
    email = forms.EmailField(label=gettext_lazy("The member's present e-mail"))
    kind = forms.ChoiceField(
        label=gettext_lazy("What happened?"), choices=AccessHelp.Kind.choices, widget=forms.RadioSelect
    )
    new_email = forms.EmailField(label=gettext_lazy("New e-mail, for a lost mailbox"), required=False)
    reason = forms.CharField(
        max_length=300, label=gettext_lazy("How do you know that it was the owner?"),
        widget=forms.Textarea(attrs={"rows": 3}), help_text=gettext_lazy("The second person reads this."),
    )  # fmt: skip


@admin.register(AccessHelp)
class AccessHelpAdmin(_Acting, _Help):
    list_display = ("id", "user", "kind", "new_email", "reason", "state", "asked_by", "agreed_by", "due_at", "next")
    list_filter = ("state", "kind")
    list_select_related = ("user", "asked_by", "agreed_by")
    search_fields = ("user__email", "user__username", "new_email")
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("ask/", view(self.ask), name="help_ask"),
            path("<int:pk>/agree/", view(self.agree), name="help_agree"),
            path("<int:pk>/stop/", view(self.stop), name="help_stop"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        waiting = AccessHelp.objects.filter(state=AccessHelp.State.ASKED).count()
        agreed = AccessHelp.objects.filter(state=AccessHelp.State.AGREED).count()
        said = _("%(waiting)s requests wait for a second person, %(agreed)s for their day.")
        link = format_html('<a href="{}">{}</a>', reverse("admin:help_ask"), _("Let somebody in again"))
        words = said % {"waiting": waiting, "agreed": agreed}
        context = {**(extra_context or {}), "question": format_html("{} {}", words, link)}
        return super().changelist_view(request, context)

    def ask(self, request: HttpRequest, pk: int = 0) -> HttpResponseBase:
        form = HelpForm(request.POST or None)
        words = _("For who lost their second step or their mailbox. A second person must agree; then both mailboxes"
                  " are told, three days pass, and payouts wait for seven.")  # fmt: skip

        def do() -> None:
            helping.ask(actor=_person(request), where=client_ip(request), **form.cleaned_data)

        return self._act(request, _("Let somebody in again"), words, form, do, _("Asked. Another person must agree."))

    def agree(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row = AccessHelp.objects.select_related("user").filter(pk=pk).first()
        said = {"what": row.get_kind_display() if row else "", "user": row.user if row else "",
                "reason": row.reason if row else ""}  # fmt: skip
        words = _("%(user)s %(what)s. The first person says: %(reason)s") % said

        def do() -> None:
            helping.agree(actor=_person(request), help_id=pk, where=client_ip(request))

        return self._act(request, _("Agree"), words, _pressed(request), do, _("Agreed: it is done in three days."))

    def stop(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        def do() -> None:
            helping.stop(actor=_person(request), help_id=pk, where=client_ip(request))

        return self._act(request, _("Stop"), _("Nothing will be changed."), _pressed(request), do, _("Stopped."))

    @admin.display(description="")
    def next(self, row: AccessHelp) -> str:
        if row.state not in AccessHelp.OPEN:
            return ""
        agree, stop = (reverse(f"admin:{name}", args=[row.pk]) for name in ("help_agree", "help_stop"))
        if row.state == AccessHelp.State.AGREED:
            return format_html('<a href="{}">{}</a>', stop, _("Stop"))
        return format_html('<a href="{}">{}</a> · <a href="{}">{}</a>', agree, _("Agree"), stop, _("Stop"))


def _pressed(request: HttpRequest) -> AgreeForm:
    return AgreeForm(request.POST if request.method == "POST" else None)


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)
