from __future__ import annotations

from typing import cast

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import freeze_links, freezing, holds, invitations, keys, proof, queries, services
from accounts.audit import client_ip
from accounts.capabilities import Capability, has_proven_email, may, require
from accounts.forms import HandleForm
from accounts.models import User
from accounts.preferences import PreferencesForm, keep, toggle_balances
from accounts.stepup import reauthenticate_redirect
from wallets_site.base.errors import ProofRequired, WalletError

RECENT = 10


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)  # LoginRequiredMiddleware lets nobody else in


@require_GET
def profile(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    protected = Authenticator.objects.filter(user=user).exists()
    context = {
        "proven": has_proven_email(user),
        "protected": protected,
        "factor_missing": user.is_staff and not protected and not settings.DEMO,
        "events": queries.audit_of(user)[:RECENT],
        "may_use_api": may(user, Capability.USE_API),
    }
    return render(request, "accounts/profile.html", context)


@require_GET
def security(request: HttpRequest) -> HttpResponse:
    """What guards this account, in one place, and what happened to it lately."""
    user = _user(request)
    factors = Authenticator.objects.filter(user=user).order_by("type", "pk")
    kinds = {factor.type for factor in factors}
    context = {
        "has_app": Authenticator.Type.TOTP in kinds,
        "keys": [each for each in factors if each.type == Authenticator.Type.WEBAUTHN],
        "has_codes": Authenticator.Type.RECOVERY_CODES in kinds,
        "protected": bool(kinds & {Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN}),
        "proven": has_proven_email(user),
        "holds": [holds.in_words(hold) for hold in queries.open_holds(user)] if user.held_until else [],
        "sessions": UserSession.objects.filter(user=user).order_by("-pk")[:RECENT],
        "this_session": request.session.session_key,
        "events": queries.audit_of(user)[:RECENT],
    }
    return render(request, "accounts/security.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    form = PreferencesForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        keep(user=user, values=form.cleaned_data)
        with translation.override(user.language or translation.get_language()):
            messages.success(request, _("Your preferences are saved."))
        return redirect("preferences")
    return render(request, "accounts/preferences.html", {"form": form})


@require_POST
def hide_balances(request: HttpRequest) -> HttpResponse:
    toggle_balances(user=_user(request))
    return redirect(settings.LOGIN_REDIRECT_URL)


@require_http_methods(["GET", "HEAD", "POST"])
def plugin_key(request: HttpRequest) -> HttpResponse:
    """The key for the WordPress API, for who proved who they are within the last minutes. POST renews it."""
    user = _user(request)
    require(user, Capability.USE_API)
    try:
        evidence = proof.of_request(request)
        if request.method == "POST":
            keys.renew_plugin_key(user=user, proof=evidence)
            messages.success(request, _("Here is your new key. Programs with the old one must be told."))
            return redirect("plugin_key")
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=reverse("plugin_key"))
    return render(request, "accounts/plugin_key.html", {"plugin_key": keys.show_key(user, keys.PLUGIN_API)})


@require_http_methods(["GET", "HEAD", "POST"])
def choose_handle(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    if user.username is not None:
        return redirect("profile")
    form = HandleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.choose_handle(user=user, handle=form.cleaned_data["username"], where=client_ip(request))
        except WalletError as refusal:
            form.add_error("username", str(refusal))
        else:
            messages.success(request, _("You are %(username)s now.") % {"username": user.username})
            return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "accounts/choose_handle.html", {"form": form})


@login_not_required
@require_GET
def accept_invitation(request: HttpRequest, code: str) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("profile")
    invitations.remember(request, code)
    return redirect("account_signup")


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def freeze(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the link in a mail: shows what will happen; only the button stops the account."""
    context: dict[str, object] = {"link": freeze_links.find(token)}
    if request.method == "POST":
        try:
            context = {"done": freezing.freeze(token, where=client_ip(request))}
        except WalletError as refusal:
            context = {"refusal": refusal.message}
    status = 404 if not any(context.values()) or "refusal" in context else 200
    answer = render(request, "accounts/freeze.html", {**context, "token": token}, status=status)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
