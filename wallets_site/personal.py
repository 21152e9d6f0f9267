"""In whose language and time zone a page is written."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.utils import timezone, translation

from accounts.preferences import zone_of

PROGRAMS = ("/api/", "/lnbits/", "/wallets/")


class Language(LocaleMiddleware):
    """The browser's language for people; English for programs, whose answers must not depend on it."""

    def process_request(self, request: HttpRequest) -> None:
        if for_programs(request):
            translation.activate("en")
            request.LANGUAGE_CODE = "en"
        else:
            super().process_request(request)


def for_programs(request: HttpRequest) -> bool:
    return request.path_info.startswith(PROGRAMS) or "__wallets_action" in request.GET


class Personal:
    """The language and time zone somebody chose, for their pages. Comes after the sign-in is known."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = getattr(request, "user", None)
        if user is None or for_programs(request) or not user.is_authenticated:
            return self.get_response(request)
        if user.language:
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()
        if not user.time_zone:
            return self.get_response(request)
        with timezone.override(zone_of(user)):
            return self.get_response(request)
