"""Where somebody is signed in, and the end of it: by number, never by the session's key."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import proof, sessions
from accounts.audit import client_ip
from accounts.models import User
from accounts.stepup import reauthenticate_redirect
from wallets_site.base.errors import ProofRequired, WalletError


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    rows = UserSession.objects.purge_and_list(request.user)
    rows.sort(key=lambda row: (row.session_key != request.session.session_key, -row.pk))
    context = {"rows": rows, "this": request.session.session_key}
    return render(request, "usersessions/usersession_list.html", context)


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    def do(evidence: proof.Proof) -> None:
        sessions.end_one(user=_user(request), session_id=pk, proof=evidence, where=client_ip(request))

    return _proven(request, do, _("Signed out there."))


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    def do(evidence: proof.Proof) -> None:
        sessions.end_others(request, _user(request))

    return _proven(request, do, _("You are signed out everywhere else."))


def _proven(request: HttpRequest, do: Callable[[proof.Proof], None], done: str) -> HttpResponse:
    try:
        do(proof.of_request(request))
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=reverse("usersessions_list"))
    except WalletError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return redirect("usersessions_list")


def _user(request: HttpRequest) -> User:
    return User.objects.get(pk=cast("User", request.user).pk)
