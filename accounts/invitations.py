"""The invitation somebody came with, remembered in their session until they sign up."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

from accounts import services
from accounts.models import Invitation

_KEY: Final = "invitation"


def remember(request: HttpRequest, code: str) -> None:
    request.session[_KEY] = services.digest_of(code)


def of_session(request: HttpRequest) -> Invitation | None:
    """The invitation of this session if it can still be used."""
    return services.find_invitation(str(request.session.get(_KEY, "")))


def forget(request: HttpRequest) -> str:
    """Its digest, for the last time."""
    return str(request.session.pop(_KEY, ""))
