"""Writes the audit trail from what allauth and Django announce. Nothing here decides anything."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from django.contrib.auth import signals as auth_signals
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.audit import What, client_ip, record
from accounts.models import User


@receiver(auth_signals.user_logged_in)
def on_login(*, request: HttpRequest | None, user: User, **_: Any) -> None:
    record(What.LOGIN, who=user, ip=client_ip(request))


@receiver(auth_signals.user_logged_out)
def on_logout(*, request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:
        record(What.LOGOUT, who=user, ip=client_ip(request))


@receiver(auth_signals.user_login_failed)
def on_failed_login(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    # What was typed is not kept: people type their password into the wrong box.
    typed = str(credentials.get("email", "")).lower()[:254]
    record(What.LOGIN_FAILED, who=User.objects.filter(email=typed).first(), ip=client_ip(request))


@receiver(mfa_signals.authentication_failed)
def on_failed_factor(*, request: HttpRequest, user: User, **_: Any) -> None:
    record(What.SECOND_FACTOR_FAILED, who=user, ip=client_ip(request))


@receiver(account_signals.authentication_step_completed)
def on_step(*, request: HttpRequest, user: User, method: str, **extra: Any) -> None:
    if extra.get("reauthenticated"):
        record(What.CONFIRMED_IDENTITY, who=user, ip=client_ip(request), method=method)


@receiver(account_signals.user_signed_up)
def on_signup(*, request: HttpRequest, user: User, **_: Any) -> None:
    record(What.SIGNED_UP, who=user, ip=client_ip(request))


@receiver(account_signals.password_set)
@receiver(account_signals.password_changed)
def on_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    record(What.PASSWORD_CHANGED, who=user, ip=client_ip(request))


@receiver(account_signals.password_reset)
def on_reset(*, request: HttpRequest, user: User, **_: Any) -> None:
    record(What.PASSWORD_RESET, who=user, ip=client_ip(request))


@receiver(account_signals.email_confirmed)
def on_proof(*, request: HttpRequest, email_address: Any, **_: Any) -> None:
    record(What.EMAIL_PROVEN, who=email_address.user, ip=client_ip(request), object=email_address.email)


@receiver(account_signals.email_added)
def on_new_email(*, request: HttpRequest, user: User, email_address: Any, **_: Any) -> None:
    record(What.EMAIL_CHANGE_ASKED, who=user, ip=client_ip(request), object=email_address.email)


@receiver(account_signals.email_changed)
def on_changed_email(
    *, request: HttpRequest, user: User, from_email_address: Any, to_email_address: Any, **_: Any
) -> None:
    if from_email_address is not None:
        change = {"old": from_email_address.email, "new": to_email_address.email}
        record(What.EMAIL_CHANGED, who=user, ip=client_ip(request), object=to_email_address.email, **change)


@receiver(mfa_signals.authenticator_added)
def on_factor_added(*, request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    record(What.FACTOR_ADDED, who=user, ip=client_ip(request), object=authenticator.type)


@receiver(mfa_signals.authenticator_removed)
def on_factor_removed(*, request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    record(What.FACTOR_REMOVED, who=user, ip=client_ip(request), object=authenticator.type)


@receiver(mfa_signals.authenticator_reset)
def on_factor_renewed(*, request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    record(What.FACTOR_RENEWED, who=user, ip=client_ip(request), object=authenticator.type)
