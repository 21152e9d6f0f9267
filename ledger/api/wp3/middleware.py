"""The WordPress API v3 on every front-end path: acts on a known `__wallets_action` or a known pretty path only.

It answers before the CSRF check of views: the API has nonces of its own.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Final

from django.conf import settings
from django.contrib.auth.middleware import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import render, resolve_url
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from ledger.api.wp3 import access, acting, background, confirming, legacy, reading
from ledger.api.wp3.answers import LEGACY_OFF, UNSPECIFIED, Refusal, error, never_cached, private
from ledger.api.wp3.asked import PREFIX, Asked, absint, value_of
from ledger.services import rules, site_settings, switches
from wallets_site.base.prepared import Question, ahead

log = logging.getLogger(__name__)
Handler = Callable[[Asked], HttpResponse]

NEWEST: Final = 3
METHODS: Final = ("GET", "HEAD", "POST")
NOT_FRONT_END: Final = ("/admin/", "/api/", "/lnbits/", "/static/")
FRONT_PAGES: Final = ("/", "/index.php")
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
LEGACY_TOLD: Final = (
    "Legacy JSON APIs are disabled on this system. Please use version 3 of the API in your requests, or contact the "
    "site administrator to enable legacy API endpoints."
)
UNKNOWN_ACTION: Final = gettext_noop("This site knows no such action. Sign in to see your coins.")
_PRETTY: Final = (
    re.compile(r"/wallets/(?:api(?P<version>[23])/)?(?P<action>get_coins_info|get_nonces|get_users_info)/?", re.ASCII),
    re.compile(
        r"/wallets/(?:api(?P<version>[23])/)?(?P<action>get_transactions)"
        r"/(?P<symbol>[0-9a-zA-Z]+)/(?P<tx_count>[0-9]+)/(?P<tx_from>[0-9]+)/?",
        re.ASCII,
    ),
    re.compile(
        r"/wallets/api(?P<version>[23])/(?P<action>notify)"
        r"/(?P<symbol>[0-9a-zA-Z]+)/(?P<notify_type>[a-zA-Z]+)/(?P<notify_message>[0-9a-zA-Z]+)/?",
        re.ASCII,
    ),
)
V3: Final[dict[str, Handler]] = {
    "get_coins_info": reading.get_coins_info,
    "get_transactions": reading.get_transactions,
    "get_nonces": access.get_nonces,
    "do_new_address": acting.do_new_address,
    "do_move": acting.do_move,
    "do_withdraw": acting.do_withdraw,
    "do_reset_apikey": access.do_reset_apikey,
    "notify": background.notify,
    "do_cron": background.do_cron,
}
LEGACY: Final[dict[str, Handler]] = {
    "get_coins_info": reading.get_coins_info,
    "get_transactions": reading.get_transactions,
    "get_nonces": access.get_nonces,
    "do_move": acting.do_move,
    "do_withdraw": acting.do_withdraw,
}


class WordPressApi:
    """It stands in front of what pages need, and takes of that only the session, and only for who brings one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.sessions = SessionMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = None if request.path.startswith(NOT_FRONT_END) else _asked(request)
        handler = None if asked is None else _handler(asked)
        if asked is None or handler is None:
            return self.get_response(request)
        request.get_host()  # refuses a host that is not ours
        self.sessions.process_request(request)
        request.user = SimpleLazyObject(lambda: get_user(request))  # type: ignore[assignment]
        with translation.override(settings.LANGUAGE_CODE), rules.asked_once(), ahead(*_questions(asked)):
            response = _answer(asked, handler)
        response.headers.setdefault("Cache-Control", "no-store, private")
        return self.sessions.process_response(request, response) if request.session.accessed else response


class WordPressPages:
    """What of the API is a page, on every front-end path: the link of a confirmation mail, and an unknown action."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(NOT_FRONT_END):
            return self.get_response(request)
        if _says(request, "confirm"):
            return confirming.page(request, value_of(request, PREFIX + "confirm") or "")
        unknown = _says(request, "action")
        if request.method == "POST" and (unknown or request.path in FRONT_PAGES):
            return no_such_action(request)  # no form of ours is sent there
        response = self.get_response(request)
        astray = response.status_code == 404 and request.path in FRONT_PAGES
        to_sign_in = response.headers.get("Location", "").startswith(resolve_url("account_login"))
        return no_such_action(request) if unknown and (astray or to_sign_in) else response


def no_such_action(request: HttpRequest) -> HttpResponse:
    """The plugin answers with its public home page, and 200; a stranger here would only be led to the sign-in."""
    return render(request, "ledger/confirm.html", {"message": _(UNKNOWN_ACTION), "ok": False})


def _asked(request: HttpRequest) -> Asked | None:
    """What is asked of the API, or None for what is no business of it.

    Raises BadRequest where body and query say different things: WordPress itself answers that with HTTP 400.
    """
    path_values = _path_values(request.path)
    if path_values is None and not _says(request, "action"):
        return None
    if _says(request, "confirm"):
        return None
    if request.method == "POST" and any(_differs(request, name) for name in request.GET):
        raise BadRequest("body and query disagree")
    if any(name.startswith((PREFIX, "_wpnonce")) and len(set(values)) > 1 for name, values in _every(request)):
        raise BadRequest("a parameter came twice with different values")
    path_values = path_values or {}
    action = value_of(request, PREFIX + "action") or path_values.pop("action", "")
    return Asked(request, action, _version(request, path_values), path_values)


def _every(request: HttpRequest) -> Iterator[tuple[str, list[str]]]:
    yield from request.GET.lists()
    if request.method == "POST" and request.content_type in FORMS:
        yield from request.POST.lists()


def _differs(request: HttpRequest, name: str) -> bool:
    return name.startswith(PREFIX) and name in request.POST and request.POST[name] != request.GET[name]


def _questions(asked: Asked) -> Iterator[Question | None]:
    """All that is known at the start to be asked of the database."""
    yield rules.question()
    if asked.action not in ("notify", "do_cron"):
        yield from asked.first_questions()
    if asked.action == "do_move":
        yield acting.move_question(asked)


def _answer(asked: Asked, handler: Handler) -> HttpResponse:
    if asked.request.method not in METHODS:
        return HttpResponseNotAllowed(METHODS)
    try:
        if asked.action.startswith("do_") and asked.action != "do_cron" and (closed := switches.read_only()):
            raise Refusal(UNSPECIFIED, closed.message, status=closed.status)
        return handler(asked)
    except Refusal as refusal:
        return _headed(asked, error(asked.request, refusal))
    except (SuspiciousOperation, BadRequest):
        raise
    except Exception:
        log.exception("the WordPress API could not answer %s", asked.action)
        told = Refusal(UNSPECIFIED, "Something went wrong here. Please try again later.")
        return _headed(asked, error(asked.request, told))


def _headed(asked: Asked, response: HttpResponse) -> HttpResponse:
    """An error has the headers its answer would have had."""
    if asked.action in ("notify", "do_cron"):
        return response
    return private(response) if asked.action == "get_transactions" else never_cached(response)


def _path_values(path: str) -> dict[str, str] | None:
    if not path.startswith("/wallets/"):
        return None
    for pretty in _PRETTY:
        if found := pretty.fullmatch(path):
            return {name: value for name, value in found.groupdict().items() if value is not None} | {"pretty": "1"}
    return None


def _says(request: HttpRequest, name: str) -> bool:
    """Whether this parameter came, a PHP array of it included, without reading a body that cannot hold one."""
    if _holds(request.GET, PREFIX + name):
        return True
    return request.method == "POST" and request.content_type in FORMS and _holds(request.POST, PREFIX + name)


def _holds(given: QueryDict, name: str) -> bool:
    return name in given or any(key.startswith(name + "[") for key in given)


def _version(request: HttpRequest, path_values: dict[str, str]) -> int:
    """PHP's absint() of what was asked, the path's own, or 1. A word is version 0."""
    pretty = path_values.pop("pretty", "")
    given = value_of(request, PREFIX + "apiversion")
    if given is not None:
        return absint(given)
    return int(path_values.pop("version", "1")) if pretty else 1


def _handler(asked: Asked) -> Handler | None:
    asked.path_values.pop("version", None)
    if asked.action == "notify" and asked.version <= NEWEST:
        return background.notify  # whatever the switch of the older versions says
    if asked.version < NEWEST:
        known = asked.action in V3 or asked.action == "get_users_info"
        if not known:
            return None
        if not site_settings.current().legacy_json_apis:
            return _legacy_off
        return legacy.get_users_info if asked.action == "get_users_info" and asked.version < 2 else LEGACY.get(
            asked.action
        )  # fmt: skip
    if asked.action not in V3:
        return None
    return V3[asked.action] if asked.version == NEWEST else _unknown_version


def _legacy_off(asked: Asked) -> HttpResponse:
    raise Refusal(LEGACY_OFF, LEGACY_TOLD, status=403)


def _unknown_version(asked: Asked) -> HttpResponse:
    raise Refusal(UNSPECIFIED, "This version of the API is not known here. Please use version 3.")
