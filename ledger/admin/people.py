"""People and what is kept about them: taken out for them, or forgotten."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.audit import client_ip
from accounts.capabilities import Capability, may
from accounts.models import User
from ledger.admin.acting import ActingAdmin, ReasonForm
from ledger.models import Person
from ledger.services import forgetting, privacy
from wallets_site.base.errors import WalletError


@admin.register(Person)
class PersonAdmin(ActingAdmin):
    question = "What this site keeps about somebody, to hand over or to forget."
    list_display = ("id", "email", "username", "is_active", "date_joined", "hand_over", "let_go")
    search_fields = ("email", "username", "=id")
    ordering = ("-id",)
    fields = ("email", "username", "is_active", "is_staff", "date_joined", "last_login", "hand_over", "let_go")
    readonly_fields = ("hand_over", "let_go")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(cast("User", request.user), Capability.MANAGE_WALLETS)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/export/", view(self.export), name="person_export"),
            path("<int:pk>/forget/", view(self.forget), name="person_forget"),
            *super().get_urls(),
        ]

    def export(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """By POST, from the page that says what it is."""
        row, actor = get_object_or_404(User, pk=pk), cast("User", request.user)
        if request.method == "POST":
            try:
                packed = privacy.export(user=row, actor=actor, where=client_ip(request))
            except WalletError as error:
                messages.error(request, error.message)
                return redirect(reverse("admin:ledger_person_changelist"))
            return FileResponse(packed, as_attachment=True, filename=f"person-{pk}.zip", content_type="application/zip")
        words = f"Everything kept about {row}, as a ZIP. That you took it stands in the audit trail."
        return self.act(request, "Export", words, forms.Form(), lambda _: None, "")

    def forget(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row, actor = get_object_or_404(User, pk=pk), cast("User", request.user)
        words = f"{row}: name, e-mail, ways in and words go for good. The books and the trail keep the number {pk}. "
        words += " ".join(forgetting.obstacles(row))
        do = lambda said: forgetting.forget(  # noqa: E731
            user=row, actor=actor, reason=said["reason"], where=client_ip(request)
        )
        return self.act(request, "Forget", words, ReasonForm(request.POST or None), do, "Forgotten.")

    @admin.display(description="export")
    def hand_over(self, row: Person) -> str:
        return format_html('<a href="{}">Export</a>', reverse("admin:person_export", args=[row.pk]))

    @admin.display(description="forget")
    def let_go(self, row: Person) -> str:
        return format_html('<a href="{}">Forget</a>', reverse("admin:person_forget", args=[row.pk]))
