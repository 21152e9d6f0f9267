"""The forms that take a code: each code once, and what is too weak for this person is refused in words."""

from __future__ import annotations

from typing import Any

from allauth.core import context, ratelimit
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.internal.flows.add import validate_can_add_authenticator
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from django import forms

from accounts import devices, factors


class _CodeForm(forms.Form):
    """What signing in and confirming have in common. `accepted`: kinds that count here."""

    user: Any

    def accepted(self, kinds: frozenset[str]) -> frozenset[str]:
        return kinds

    def clean_code(self) -> str:
        key = devices.bucket(context.request, self.user, f"mfa-auth-user-{self.user.pk}")
        if not ratelimit.consume(context.request, action="login_failed", key=key):
            raise get_adapter().validation_error("too_many_codes")
        code = str(self.cleaned_data["code"])
        rows = list(Authenticator.objects.filter(user=self.user).exclude(type=factors.Kind.WEBAUTHN))
        accepted = self.accepted(factors.kinds_of(self.user))
        for row in sorted(rows, key=lambda each: str(each.type), reverse=True):
            if row.type in accepted and factors.spend(row, code):
                row.user = self.user
                self.authenticator = row
                ratelimit.clear(context.request, action="login_failed", key=key)
                return code
        if rows:
            self._emit_authentication_failed(rows[0])  # type: ignore[attr-defined]
        weak = any(row.type not in accepted for row in rows)
        raise get_adapter().validation_error("weak_code" if weak else "incorrect_code")


class AuthenticateForm(_CodeForm, base.AuthenticateForm):  # type: ignore[misc]
    """The second step of a sign-in: any kind, the weaker ones at the price of a hold."""


class ReauthenticateForm(_CodeForm, base.ReauthenticateForm):  # type: ignore[misc]
    """Confirming: with a passkey enrolled, a code of the app is too weak; a recovery code changes settings only."""

    def accepted(self, kinds: frozenset[str]) -> frozenset[str]:
        return factors.enough_for_settings(kinds)


class ActivateTOTPForm(totp_forms.ActivateTOTPForm):  # type: ignore[misc]
    """Keeps the secret encrypted until it is confirmed, and spends the code that confirms it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        forms.Form.__init__(self, *args, **kwargs)
        self.secret = factors.enrolling_secret(context.request, anew=not self.is_bound)

    def clean_code(self) -> str:
        validate_can_add_authenticator(self.user)
        key = f"mfa-auth-user-{self.user.pk}"
        if not ratelimit.consume(context.request, action="login_failed", key=key):
            raise get_adapter().validation_error("rate_limited")
        code = str(self.cleaned_data["code"])
        if not factors.spend_totp(user_id=self.user.pk, secret=self.secret, code=code):
            raise get_adapter().validation_error("incorrect_code")
        ratelimit.clear(context.request, action="login_failed", key=key)
        factors.forget_enrolling(context.request)
        return code
