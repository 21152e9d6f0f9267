"""Sign-in as WordPress clients do it: POST log and pwd to /wp-login.php. The limits of our own sign-in hold here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.forms import LoginForm
from allauth.core import ratelimit
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User
from wallets_site.base.errors import NotAllowed, TooManyRequests

LONGEST = 254


def sign_in(request: HttpRequest) -> HttpResponse:
    """The redirect of a successful sign-in. Raises NotAllowed with what to do instead, TooManyRequests."""
    if is_from_elsewhere(request):
        raise NotAllowed("Another site sent this form. Sign in on our own page.")
    if not ratelimit.consume(request, action="login"):
        raise TooManyRequests("Too many attempts to sign in. Please wait a few minutes.")
    typed: dict[str, Any] = {"login": _email_of(request.POST.get("log", "")), "password": request.POST.get("pwd", "")}
    form = LoginForm(data=typed, request=request)
    request.from_program = True  # type: ignore[attr-defined]
    if not form.is_valid():
        raise NotAllowed("The user name, the e-mail or the password is not right.")
    if is_mfa_enabled(form.user):
        raise NotAllowed(
            "This account uses two-step sign-in, which no program can answer. Copy its key from the profile."
        )
    try:
        response: HttpResponse = form.login(request, redirect_url=_target(request))
    except ImmediateHttpResponse as answered:
        response = answered.response
    return response


def is_from_elsewhere(request: HttpRequest) -> bool:
    """Whether a browser says that another site's page made this request. Programs say nothing."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return site not in ("none", "same-origin") or bool(origin and urlsplit(origin).netloc != request.get_host())


def is_from_here(request: HttpRequest) -> bool:
    """Whether the browser says that a page of ours, or its own user, made this request."""
    said = any(request.headers.get(name) for name in ("Sec-Fetch-Site", "Origin", "Referer"))
    return said and not is_from_elsewhere(request)


def _email_of(typed: str) -> str:
    """The e-mail behind a user name; one query whatever was typed."""
    text = typed.strip().lower()[:LONGEST].replace("\0", "")
    found = User.objects.filter(username=text).values_list("email", flat=True).first()
    return text if "@" in text else found or "nobody@invalid.example"


def _target(request: HttpRequest) -> str:
    wanted = request.POST.get("redirect_to", "")
    hosts = {request.get_host()}
    if wanted and url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure()):
        return wanted
    return resolve_url(settings.LOGIN_REDIRECT_URL)
