"""What follows when the means of signing in change: payouts wait, so that an owner who sees the mail can act."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import (
    holds,
    listeners,  # noqa: F401 - first, so that the trail names the change before what follows from it
)
from accounts.audit import client_ip
from accounts.models import User


@receiver(account_signals.password_set)
@receiver(account_signals.password_changed)
def on_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    holds.place(user=user, reason=holds.Reason.PASSWORD_CHANGED, where=client_ip(request))


@receiver(account_signals.password_reset)
def on_reset(*, request: HttpRequest, user: User, **_: Any) -> None:
    holds.place(user=user, reason=holds.Reason.PASSWORD_RESET, where=client_ip(request))


@receiver(account_signals.email_changed)
def on_email(*, request: HttpRequest, user: User, from_email_address: Any, **_: Any) -> None:
    if from_email_address is not None:
        holds.place(user=user, reason=holds.Reason.EMAIL_CHANGED, where=client_ip(request))


@receiver(mfa_signals.authenticator_added)
@receiver(mfa_signals.authenticator_removed)
@receiver(mfa_signals.authenticator_reset)
def on_factor(*, request: HttpRequest, user: User, authenticator: Any, signal: Any, **_: Any) -> None:
    # Codes that come and go with another second step are no change of their own.
    with_another = authenticator.type == Authenticator.Type.RECOVERY_CODES and signal != mfa_signals.authenticator_reset
    if not with_another:
        holds.place(user=user, reason=holds.Reason.FACTOR_CHANGED, where=client_ip(request))


@receiver(mfa_signals.authenticator_used)
def on_use(*, request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        holds.place(user=user, reason=holds.Reason.RECOVERY_CODE, where=client_ip(request))
