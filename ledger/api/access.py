"""Who asks our REST API: a program with a key (Authorization: Bearer), or a page with its session and CSRF token.

A key sent is a key used: one that opens nothing is refused, whatever session came along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import api_keys
from accounts import proof as proofs
from accounts.audit import client_ip
from accounts.models import ApiKey, User
from wallets_site.base import throttle
from wallets_site.base.errors import NotAllowed, TooManyRequests
from wallets_site.base.prepared import Question

if TYPE_CHECKING:
    from rest_framework.views import APIView  # DRF itself loads this module on its way there

MINUTE: Final = 60
SAFE: Final = ("GET", "HEAD", "OPTIONS")


class KeyAuthentication(BaseAuthentication):
    """Authorization: Bearer wk_…; the key nowhere else, least of all in a URL."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        said = request.headers.get("Authorization")
        if said is None:
            return None
        scheme, _, text = said.partition(" ")
        where = client_ip(request._request)
        found = api_keys.find_key(text, where=where) if scheme.lower() == "bearer" else None
        if found is None:
            used = throttle.count(f"wrong key from {where}", MINUTE)
            if used.used > settings.WALLETS_API_WRONG_KEYS:
                raise TooManyRequests("Too many wrong keys from this address.", retry_after=used.resets)
            raise AuthenticationFailed("This key opens nothing here: unknown, expired, revoked or from elsewhere.")
        api_keys.note_use(found, where)
        return found.owner, found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def key_question(request: HttpRequest) -> Question | None:
    """What KeyAuthentication will ask, for who asks ahead."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return api_keys.question(text) if scheme.lower() == "bearer" else None


class ScopeNeeded(BasePermission):
    """A key needs one of the view's scopes for the method; a session has its person's own rights."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        wanted: tuple[str, ...] = getattr(view, "scopes", {}).get(_verb(request.method), ())
        if isinstance(request.auth, ApiKey) and not set(wanted) & set(request.auth.scopes):
            names = " or ".join(wanted) or "that only a signed-in person has"
            raise NotAllowed(f"This key may not do that: it needs the scope {names}.", scopes=list(wanted))
        return True


def _verb(method: str | None) -> str:
    return "GET" if method in SAFE else str(method)


class PerMinute(BaseThrottle):
    """So many requests a minute of each key, or of each person's sessions: reads and writes apart."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        reads = request.method in SAFE
        limit = settings.WALLETS_API_READS if reads else settings.WALLETS_API_WRITES
        who = f"key {request.auth.pk}" if isinstance(request.auth, ApiKey) else f"person {request.user.pk}"
        self.count = throttle.count(f"{who} {'reads' if reads else 'writes'}", MINUTE)
        request._request.rate = (limit, max(0, limit - self.count.used), self.count.resets)  # type: ignore[attr-defined]
        return bool(self.count.used <= limit)

    def wait(self) -> float:
        return self.count.resets


def person(request: Request) -> User:
    return cast("User", request.user)


def proof_of(request: Request) -> proofs.Proof:
    """What this request proves: its key's scopes, or the session's newest confirmation. Raises ProofRequired."""
    if isinstance(request.auth, ApiKey):
        where = client_ip(request._request)
        return proofs.of_api_key(person(request), key_id=request.auth.pk, scopes=request.auth.scopes, where=where)
    return proofs.of_request(request._request)
