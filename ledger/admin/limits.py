"""Limits that shall allow more: what stands, what shall, who asked, who agreed, and from when it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import client_ip
from ledger.admin.acting import ActingAdmin
from ledger.admin.readonly import amount_text
from ledger.models import LimitChange
from ledger.services import limit_changes

if TYPE_CHECKING:
    from accounts.models import User

State = LimitChange.State


@admin.register(LimitChange)
class LimitChangeAdmin(ActingAdmin):
    list_display = ("id", "coin", "purpose", "what", "asked_by", "asked_at", "stands", "agreed_by", "next_step")
    list_filter = ("state", "coin")
    list_select_related = ("coin", "asked_by", "agreed_by")
    ordering = ("ended_at", "-id")

    def answer(self, request: HttpRequest) -> str:
        asked = LimitChange.objects.filter(state=State.ASKED).count()
        coming = LimitChange.objects.filter(state=State.AGREED).count()
        return _(
            "Limits that shall allow more: %(asked)s wait for a second person, %(coming)s for their time."
            " What allows less is written with the coin and counts at once."
        ) % {"asked": asked, "coming": coming}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/agree/", view(self.agree), name="limit_agree"),
            path("<int:pk>/drop/", view(self.drop), name="limit_drop"),
        ]
        return [*own, *super().get_urls()]

    def agree(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        do = lambda said: limit_changes.agree(  # noqa: E731
            user=_person(request), change_id=pk, where=client_ip(request)
        )
        return self.act(request, _("Agree"), self._words(pk), _empty(request), do, _("Agreed."))

    def drop(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        do = lambda said: limit_changes.drop(  # noqa: E731
            user=_person(request), change_id=pk, where=client_ip(request)
        )
        return self.act(request, _("Drop"), self._words(pk), _empty(request), do, _("Dropped."))

    def _words(self, pk: int) -> str:
        row = get_object_or_404(LimitChange.objects.select_related("coin", "asked_by"), pk=pk)
        return f"{row.coin}, {row.get_purpose_display()}: {self.what(row)} ({row.asked_by}; {self.stands(row)})"

    @admin.display(description=gettext_lazy("what"))
    def what(self, row: LimitChange) -> str:
        def shown(text: str | None) -> str:
            return _("no bound") if text is None else amount_text(int(text), row.coin)

        return "; ".join(f"{name}: {shown(old)} → {shown(new)}" for name, (old, new) in row.fields.items())

    @admin.display(description=gettext_lazy("stands"))
    def stands(self, row: LimitChange) -> str:
        if row.state not in limit_changes.OPEN:
            return str(row.get_state_display())
        at = f"{row.effective_at:%Y-%m-%d %H:%M}"
        return f"{row.get_state_display()}, {_('not before %(at)s UTC') % {'at': at}}"

    @admin.display(description="")
    def next_step(self, row: LimitChange) -> str:
        links = [self.link("limit_agree", _("Agree"), row.pk)] if row.state == State.ASKED else []
        links += [self.link("limit_drop", _("Drop"), row.pk)] if row.state in limit_changes.OPEN else []
        return format_html(" ".join(["{}"] * len(links)), *links) if links else ""


def _empty(request: HttpRequest) -> forms.Form:
    return forms.Form(request.POST if request.method == "POST" else None)


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)
