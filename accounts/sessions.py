"""Sessions: how long they last, and how the others end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db.models import Exists, F, OuterRef
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts import proof as proofs
from accounts.audit import What, record
from accounts.models import User
from wallets_site.base.clock import now
from wallets_site.base.errors import NotFound

NOTED_EVERY: Final = timedelta(minutes=1)
JUST_RENAMED: Final = timedelta(minutes=1)  # a session that changes its key is without a row for a moment
BEGAN: Final = "began_at"
SEEN: Final = "seen_at"
ENDED: Final = "ended_by_time"


def rotate_key(request: HttpRequest) -> None:
    """The same session under a new key; the old one opens nothing any more."""
    old = request.session.session_key
    request.session.cycle_key()
    _renamed(old, request)


def end_others(request: HttpRequest, user: User) -> None:
    """Everywhere else this person is signed out at once; this session goes on under a new key."""
    old = request.session.session_key
    _next_epoch(user)
    if request.user.is_authenticated and request.user.pk == user.pk:
        update_session_auth_hash(request, user)
        UserSession.objects.filter(user=user).exclude(session_key=old).delete()
        _renamed(old, request)


def end_one(*, user: User, session_id: int, proof: proofs.Proof, where: str = "") -> None:
    """Raises ProofRequired, and NotFound for anybody else's."""
    proofs.demand(proof, user)
    row = UserSession.objects.filter(user=user, pk=session_id).first()
    if row is None:
        raise NotFound(_("There is no such session."))
    row.end()
    record(What.SIGNED_OUT, who=user, ip=where, object=f"session {session_id}")


def end_all(user: User) -> None:
    _next_epoch(user)
    UserSession.objects.filter(user=user).delete()


def forget_ended() -> None:
    """Drop the sessions whose time is over, and with each what was noted of where it was used."""
    Session.objects.filter(expire_date__lt=now()).delete()
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    UserSession.objects.filter(~Exists(alive), last_seen_at__lt=now() - JUST_RENAMED).delete()


def _next_epoch(user: User) -> None:
    User.objects.filter(pk=user.pk).update(sessions_epoch=F("sessions_epoch") + 1)
    user.refresh_from_db(fields=["sessions_epoch"])


def _renamed(old: str | None, request: HttpRequest) -> None:
    if old and old != request.session.session_key:
        UserSession.objects.filter(session_key=old).update(session_key=request.session.session_key)


class SessionLife:
    """Ends a session that nobody used for a while, and any session after a day's work. Pages that ask by themselves
    whether something is new do not count as use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if BEGAN in request.session and request.user.is_authenticated:
            if _is_over(request.session, request.user):
                logout(request)
                request.session[ENDED] = True  # the sign-in page says so
            else:
                _note_use(request)
        return self.get_response(request)


def begin(request: HttpRequest) -> None:
    request.session.pop(ENDED, None)
    request.session[BEGAN] = request.session[SEEN] = now().timestamp()


def _is_over(session: Any, user: Any) -> bool:
    idle, whole = settings.WALLETS_STAFF_SESSION if user.is_staff else settings.WALLETS_SESSION
    began, seen = (datetime.fromtimestamp(session[name], UTC) for name in (BEGAN, SEEN))
    return now() - seen > timedelta(minutes=idle) or now() - began > timedelta(minutes=whole)


def _note_use(request: HttpRequest) -> None:
    seen = datetime.fromtimestamp(request.session[SEEN], UTC)
    if now() - seen >= NOTED_EVERY and not request.path.startswith(settings.WALLETS_POLLED_PATHS):
        request.session[SEEN] = now().timestamp()
