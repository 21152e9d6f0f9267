"""Second steps: which kind is the strongest, which kinds are enough for what, and each code once.

A passkey cannot be fooled by a false site, a code from an app can, a recovery code is for the day both are lost.
Money needs the strongest kind somebody has. Changing the second steps takes that, or a recovery code, after which
payouts wait.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q
from django.http import HttpRequest

from accounts.models import User
from wallets_site.base import crypto
from wallets_site.base.clock import now

Kind = Authenticator.Type
BY_STRENGTH: Final = (Kind.WEBAUTHN, Kind.TOTP, Kind.RECOVERY_CODES)
ENROLLING_LIVES: Final = timedelta(minutes=10)
_ENROLLING: Final = "totp_enrolling"


def kinds_of(user: AbstractBaseUser) -> frozenset[str]:
    return frozenset(Authenticator.objects.filter(user_id=user.pk).values_list("type", flat=True))


def strongest(kinds: frozenset[str]) -> str:
    """The strongest of these kinds; empty for none."""
    return next((kind.value for kind in BY_STRENGTH if kind in kinds), "")


def enough_for_settings(kinds: frozenset[str]) -> frozenset[str]:
    """With which of these kinds one may change how one signs in: the strongest, or a recovery code."""
    return frozenset({strongest(kinds), Kind.RECOVERY_CODES.value}) & kinds


def spend(authenticator: Authenticator, code: str) -> bool:
    """Whether this code is right and was never used before; it never works again."""
    if authenticator.type == Kind.TOTP:
        secret = crypto.decrypt(authenticator.data["secret"])
        return spend_totp(user_id=authenticator.user_id, secret=secret, code=code)
    return bool(authenticator.type == Kind.RECOVERY_CODES and RecoveryCodes(authenticator).validate_code(code))


def spend_totp(*, user_id: int, secret: str, code: str) -> bool:
    """By one conditional statement on the person's row: two who come with one code at once cannot both get in."""
    for counter in totp.yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, counter))):
            unused = Q(totp_counter=None) | Q(totp_counter__lt=counter)
            return bool(User.objects.filter(unused, pk=user_id).update(totp_counter=counter))
    return False


def enrolling_secret(request: HttpRequest, *, anew: bool) -> str:
    """The secret somebody's app is about to learn: encrypted in their session, for ten minutes."""
    kept = request.session.get(_ENROLLING)
    if not anew and kept and kept["until"] > now().timestamp():
        return crypto.decrypt(kept["secret"])
    secret = totp.generate_totp_secret()
    until = (now() + ENROLLING_LIVES).timestamp()
    request.session[_ENROLLING] = {"secret": crypto.encrypt(secret), "until": until}
    return str(secret)


def forget_enrolling(request: HttpRequest) -> None:
    request.session.pop(_ENROLLING, None)
