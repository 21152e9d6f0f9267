"""Proof: who confirmed an outgoing payment, by what, when, from where. Made here only.

Services that move money out take one and refuse without a fresh one; no view decides that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest
from django.utils.translation import gettext

from accounts import factors
from wallets_site.base.clock import now
from wallets_site.base.errors import NotAllowed, ProofRequired

if TYPE_CHECKING:
    from accounts.models import User

FRESH: Final = timedelta(minutes=5)
_MADE_HERE: Final = object()


class Factor(StrEnum):
    PASSWORD = "password"  # noqa: S105 - the name of a factor
    MFA = "mfa"
    KEY = "key"  # an API key with the scope the surface checked
    MAIL = "mail"  # a confirmation link
    PLUGIN_API = "plugin_api"  # the WordPress API: its key, or a session and its nonce; no step-up
    SYSTEM = "system"  # the site itself: seeds and scheduled work, never a request


@dataclass(frozen=True, slots=True)
class Proof:
    user_id: int
    factor: Factor
    at: datetime
    where: str
    seal: object = None
    key_id: int | None = None  # of the API key that asks
    scopes: frozenset[str] | None = None  # what that key may do; None: no API key

    def __post_init__(self) -> None:
        if self.seal is not _MADE_HERE:
            raise TypeError("a Proof is made by accounts.proof only")


def make(user: User, factor: Factor, *, where: str, at: datetime | None = None) -> Proof:
    """For accounts' own callers: each names how the person was recognised."""
    return Proof(user.pk, factor, at or now(), where, _MADE_HERE)


def demand(proof: Proof | None, user: User, *, scope: str = "") -> Proof:
    """The proof, if it is this user's and at most 5 minutes old; raises ProofRequired.

    scope: what an API key must be allowed for it to do; raises NotAllowed. With none, no API key may do it.
    """
    if proof is None or proof.user_id != user.pk or now() - proof.at > FRESH:
        raise ProofRequired(gettext("Please confirm that it is you: enter your password again."))
    if proof.scopes is not None and not scope:
        raise ProofRequired(gettext("No key may do this. Sign in and do it on the site."))
    if proof.scopes is not None and scope not in proof.scopes:
        raise NotAllowed(
            gettext("This key may not do that: it has no scope %(scope)s.") % {"scope": scope}, scope=scope
        )
    return proof


def of_request(request: HttpRequest) -> Proof:
    """The newest sign-in or confirmation in this session by the strongest kind the person enrolled.

    With a passkey enrolled only that counts, with an authenticator app its codes, otherwise the password; somebody
    with none of them is refused. At most 5 minutes old. Raises ProofRequired.
    """
    user: Any = request.user
    if not user.is_authenticated or not user.is_active:
        raise ProofRequired(gettext("Please sign in first."))
    factor, kind = _strongest(user)
    times = [each.at for each in _records(request, user) if each.is_by(factor, kind) and each.is_fresh]
    if not times:
        raise ProofRequired(_question(kind), factor=factor.value)
    return make(user, factor, where=str(get_adapter(request).get_client_ip(request)), at=max(times))


def may_change_settings(request: HttpRequest) -> bool:
    """Whether the person confirmed within 5 minutes, by what is enough to change how they sign in."""
    user: Any = request.user
    kinds = factors.kinds_of(user)
    enough = factors.enough_for_settings(kinds)
    records = [each for each in _records(request, user) if each.again and each.is_fresh]
    return any(each.kind in enough if kinds else each.method == Factor.PASSWORD for each in records)


def _question(kind: str) -> str:
    if kind == factors.Kind.WEBAUTHN:
        return gettext("Please confirm that it is you with your passkey or security key: nothing weaker will do here.")
    if kind == factors.Kind.TOTP:
        return gettext("Please confirm that it is you with a code from your authenticator app.")
    return gettext("Please confirm that it is you.")


def of_plugin_api(user: User, *, where: str) -> Proof:
    """For a request of the WordPress API whose key or nonce was checked just now. Services may ask for more."""
    return make(user, Factor.PLUGIN_API, where=where)


def of_api_key(user: User, *, key_id: int, scopes: Iterable[str], where: str) -> Proof:
    """For a request whose API key was checked just now: it may do what its scopes say and nothing else."""
    return Proof(user.pk, Factor.KEY, now(), where, _MADE_HERE, key_id, frozenset(scopes))


def of_purse_key(user: User, *, where: str) -> Proof:
    """For a request with the admin key of a purse, which was checked just now."""
    return make(user, Factor.KEY, where=where)


def of_mail(user: User, *, where: str) -> Proof:
    """For the holder of a confirmation link that was checked just now."""
    return make(user, Factor.MAIL, where=where)


def of_system(user: User, why: str) -> Proof:
    """For seeds and scheduled work, never for a request. `why` stands where an address would."""
    return make(user, Factor.SYSTEM, where=why)


def signed_in_with_second_factor(request: HttpRequest) -> bool:
    """Whether this session was opened or confirmed by the strongest second factor of its person, however long ago."""
    user: Any = request.user
    kind = factors.strongest(factors.kinds_of(user))
    return bool(kind) and any(each.is_by(Factor.MFA, kind) for each in _records(request, user))


def _strongest(user: User) -> tuple[Factor, str]:
    """(what it proves as, the kind of second factor it must be)."""
    kind = factors.strongest(factors.kinds_of(user))
    if kind:
        return Factor.MFA, kind
    if user.has_usable_password():
        return Factor.PASSWORD, ""
    raise ProofRequired(
        gettext("Set a password or a second factor first: without one nobody can confirm that it is you.")
    )


@dataclass(frozen=True, slots=True)
class _Record:
    """One authentication step that allauth 65 noted in the session for this very user. again: it was a confirmation."""

    method: str
    kind: str
    at: datetime
    again: bool

    @property
    def is_fresh(self) -> bool:
        return now() - FRESH <= self.at <= now()

    def is_by(self, factor: Factor, kind: str) -> bool:
        return self.method == factor and self.kind == kind


def _records(request: HttpRequest, user: Any) -> list[_Record]:
    return [
        _Record(
            str(entry["method"]), str(entry.get("type", "")), datetime.fromtimestamp(entry["at"], UTC),
            bool(entry.get("reauthenticated")),
        )
        for entry in get_authentication_records(request, user)
    ]  # fmt: skip
