from __future__ import annotations

from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode


class WalletsAdminSite(AdminSite):
    """The admin, open only to staff whose session a second factor opened or confirmed."""

    site_header = site_title = "Wallets administration"
    index_title = "Overview"

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and self._second_factor_seen(request)

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """Staff sign in where everybody does, so that its limits and factors hold here too."""
        from allauth.mfa.utils import is_mfa_enabled

        from accounts.stepup import reauthenticate_redirect

        target = get_next_redirect_url(request) or reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect(f"{reverse('account_login')}?{urlencode({'next': target})}")
        if not super().has_permission(request):
            raise PermissionDenied
        if self._second_factor_seen(request):
            return redirect(target)
        if is_mfa_enabled(request.user):
            return reauthenticate_redirect(request, back=target)
        return render(request, "accounts/second_factor_needed.html", status=403)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: object = None
    ) -> HttpResponse:
        """One way to change a password for everybody: with its limits, its mail and its line in the trail."""
        return redirect("account_change_password")

    def _second_factor_seen(self, request: HttpRequest) -> bool:
        from accounts.proof import signed_in_with_second_factor

        return settings.DEMO or settings.TESTING or signed_in_with_second_factor(request)
