from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import plugin_login
from ledger.services import site_settings
from wallets_site.base.errors import TooManyRequests, WalletError


@csrf_exempt
@login_not_required
@sensitive_post_parameters("pwd")
@require_http_methods(["GET", "HEAD", "POST"])
def wp_login(request: HttpRequest) -> HttpResponse:
    """302 with a session, or 200 with a sentence, as WordPress answers. A GET is sent to our own page."""
    if not site_settings.current().wp_login:
        raise Http404
    if request.method != "POST":
        return redirect("account_login")
    try:
        return plugin_login.sign_in(request)
    except WalletError as error:
        status = 429 if isinstance(error, TooManyRequests) else 200
        return render(request, "ledger/confirm.html", {"message": error.message, "ok": False}, status=status)
