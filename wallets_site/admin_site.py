from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode


class WalletsAdminSite(AdminSite):
    site_header = site_title = "Wallets administration"
    index_title = "Overview"

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponseBase:  # type: ignore[override]
        """Staff sign in where everybody does, so that its limits and factors hold here too."""
        target = reverse("account_login")
        return redirect(f"{target}?{urlencode({'next': request.get_full_path()})}")
