"""System checks: settings of sign-in and second factors that would let people in are refused at start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from allauth.account import app_settings as account
from allauth.mfa import app_settings as mfa
from allauth.mfa.utils import encrypt
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

LIMITED = ("login", "login_failed", "signup", "reset_password", "reset_password_from_key", "reauthenticate")


@register
def check_signup(**_: Any) -> list[CheckMessage]:
    if settings.SIGNUP in ("open", "invitation", "closed"):
        return []
    return [Error("WALLETS_SIGNUP must be open, invitation or closed.", id="wallets.E010")]


@register
def check_breached_passwords(**_: Any) -> list[CheckMessage]:
    """Else nobody could choose a password, or everybody a stolen one."""
    if not settings.BREACHED_PASSWORDS:
        return []
    try:
        with Path(settings.BREACHED_PASSWORDS).open("rb") as file:
            first = file.readline(100)
    except OSError as error:
        return [Error(f"WALLETS_BREACHED_PASSWORDS cannot be read: {error.strerror}.", id="wallets.E014")]
    if re.match(rb"[0-9A-F]{40}(:\d+)?\r?\n", first):
        return []
    words = "WALLETS_BREACHED_PASSWORDS must be a sorted list of SHA-1 in capitals, one a line."
    return [Error(words, id="wallets.E014")]


@register
def check_sign_in(**_: Any) -> list[CheckMessage]:
    """Each of these is a way in, or tells strangers who has an account."""
    found = {
        "ACCOUNT_LOGIN_METHODS must be e-mail alone: with user names too, time tells which e-mails exist.": (
            {str(method.value) for method in account.LOGIN_METHODS} != {"email"}
        ),
        "ACCOUNT_EMAIL_VERIFICATION must be mandatory.": (
            account.EMAIL_VERIFICATION != account.EmailVerificationMethod.MANDATORY
        ),
        "ACCOUNT_PREVENT_ENUMERATION must be on.": not account.PREVENT_ENUMERATION,
        "ACCOUNT_REAUTHENTICATION_REQUIRED must be on.": not account.REAUTHENTICATION_REQUIRED,
        "A mail link must not sign anybody in.": (
            account.LOGIN_ON_PASSWORD_RESET or account.LOGIN_ON_EMAIL_CONFIRMATION or account.CONFIRM_EMAIL_ON_GET
        ),
        "Mail is not a factor: ACCOUNT_LOGIN_BY_CODE_ENABLED must be off.": account.LOGIN_BY_CODE_ENABLED,
        "ACCOUNT_RATE_LIMITS must limit every way in.": not all(account.RATE_LIMITS.get(name) for name in LIMITED),
    }
    return [Error(message, id="wallets.E011") for message, wrong in found.items() if wrong]


@register
def check_second_factor(**_: Any) -> list[CheckMessage]:
    found = {
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN turns off the origin check.": mfa.WEBAUTHN_ALLOW_INSECURE_ORIGIN,
        "MFA_TOTP_INSECURE_BYPASS_CODE must not be set.": bool(mfa.TOTP_INSECURE_BYPASS_CODE),
        "MFA_TOTP_TOLERANCE must be 0: with more, a code works twice.": mfa.TOTP_TOLERANCE != 0,
        "MFA_TRUST_ENABLED must be off: a cookie is not a factor.": mfa.TRUST_ENABLED,
        "MFA_ALLOW_UNVERIFIED_EMAIL must be off.": mfa.ALLOW_UNVERIFIED_EMAIL,
        "MFA_FORMS must be ours: with allauth's own, a code's one use is remembered by the cache alone.": any(
            not str(mfa.FORMS.get(name, "")).startswith("accounts.mfa_forms.")
            for name in ("authenticate", "reauthenticate", "activate_totp")
        ),
        "MFA_ADAPTER must encrypt: second-factor secrets would lie in clear.": encrypt("secret") == "secret",
    }
    return [Error(message, id="wallets.E012") for message, wrong in found.items() if wrong]


@register
def check_proxies(**_: Any) -> list[CheckMessage]:
    if settings.REST_FRAMEWORK.get("NUM_PROXIES") == settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        return []
    return [
        Error(
            "The API and the sign-in pages must trust the same number of proxies.",
            hint="Set WALLETS_PROXY_COUNT only.",
            id="wallets.E013",
        )
    ]
