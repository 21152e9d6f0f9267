"""What follows when the means of signing in change: payouts wait, so that an owner who sees the mail can act."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account_signals
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa import signals as mfa_signals
from django.contrib.auth import signals as auth_signals
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import (
    devices,
    factors,
    freezing,
    holds,
    listeners,  # noqa: F401 - first, so that the trail names the change before what follows from it
    sessions,
)
from accounts.audit import What, client_ip
from accounts.models import AuditEvent, User


@receiver(account_signals.password_set)
@receiver(account_signals.password_changed)
def on_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    freezing.cancel_pending_email(user)
    holds.place(user=user, reason=holds.Reason.PASSWORD_CHANGED, where=client_ip(request))


@receiver(account_signals.password_reset)
def on_reset(*, request: HttpRequest, user: User, **_: Any) -> None:
    freezing.cancel_pending_email(user)
    holds.place(user=user, reason=holds.Reason.PASSWORD_RESET, where=client_ip(request))


@receiver(account_signals.email_added)
def on_email_asked(*, request: HttpRequest, user: User, email_address: Any, **_: Any) -> None:
    """The present address hears of it at once, not only when it is too late."""
    get_adapter(request).send_notification_mail(
        "account/email/email_change_asked", user, {"to_email": email_address.email}
    )


@receiver(account_signals.email_changed)
def on_email(*, request: HttpRequest, user: User, from_email_address: Any, **_: Any) -> None:
    if from_email_address is not None:
        holds.place(user=user, reason=holds.Reason.EMAIL_CHANGED, where=client_ip(request))


@receiver(mfa_signals.authenticator_added)
@receiver(mfa_signals.authenticator_removed)
@receiver(mfa_signals.authenticator_reset)
def on_factor(*, request: HttpRequest, user: User, authenticator: Any, signal: Any, **_: Any) -> None:
    by_itself = authenticator.type != factors.Kind.RECOVERY_CODES or signal == mfa_signals.authenticator_reset
    if not by_itself:
        return  # codes that come and go with another second step
    sessions.end_others(request, User.objects.get(pk=user.pk))
    holds.place(user=user, reason=holds.Reason.FACTOR_CHANGED, where=client_ip(request))
    if signal == mfa_signals.authenticator_added:  # it was shown to work just now
        said = {"id": authenticator.pk, "type": authenticator.type, "reauthenticated": True}
        record_authentication(request, user, "mfa", **said)


@receiver(mfa_signals.authenticator_used)
def on_use(*, request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    """Whoever got past the strongest second step by a weaker one may be its owner, or somebody who fooled them."""
    strongest = factors.strongest(factors.kinds_of(user))
    if authenticator.type == strongest:
        return
    by_code = authenticator.type == factors.Kind.RECOVERY_CODES
    reason = holds.Reason.RECOVERY_CODE if by_code else holds.Reason.WEAKER_FACTOR
    holds.place(user=user, reason=reason, where=client_ip(request))
    get_adapter(request).send_notification_mail("account/email/weaker_factor", user, {"by_code": by_code})


@receiver(account_signals.authentication_step_completed)
def on_step(*, request: HttpRequest, **extra: Any) -> None:
    if extra.get("reauthenticated"):
        sessions.rotate_key(request)


@receiver(auth_signals.user_logged_in)
def on_login(*, request: HttpRequest | None, user: User, **_: Any) -> None:
    """The owner hears of a browser they never signed in with."""
    if request is None:
        return
    sessions.begin(request)
    before = AuditEvent.objects.filter(who=user, what=What.LOGIN).order_by("-pk")
    if getattr(request, "from_program", False):  # programs keep no cookie, and sign in again and again
        before = before.exclude(ip=client_ip(request) or None)
    if not devices.knows(request, user) and before[1:2] and client_ip(request):
        get_adapter(request).send_notification_mail("account/email/new_sign_in", user)
    devices.remember(request, user)
