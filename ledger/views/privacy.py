"""What is kept about somebody: to take away, and to leave."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import proof
from accounts.audit import client_ip
from accounts.stepup import reauthenticate_redirect
from ledger.services import forgetting, privacy
from ledger.views.http import person
from wallets_site.base.errors import ProofRequired, WalletError


@require_safe
def index(request: HttpRequest) -> HttpResponseBase:
    context = {"obstacles": forgetting.obstacles(person(request)), "section": "privacy"}
    return render(request, "ledger/privacy.html", context)


@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    user = person(request)
    try:
        packed = privacy.export(user=user, actor=user, proof=proof.of_request(request), where=client_ip(request))
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=reverse("privacy"))
    return FileResponse(packed, as_attachment=True, filename="my-data.zip", content_type="application/zip")


@require_POST
def forget(request: HttpRequest) -> HttpResponseBase:
    user = person(request)
    try:
        forgetting.forget(
            user=user, actor=user, proof=proof.of_request(request), typed=request.POST.get("email", "")[:254]
        )
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=reverse("privacy"))
    except WalletError as error:
        messages.error(request, error.message)
        return redirect("privacy")
    request.session.flush()
    request.user = AnonymousUser()  # nobody is signed in any more
    messages.success(request, _("Your account is deleted."))
    return redirect("account_login")
