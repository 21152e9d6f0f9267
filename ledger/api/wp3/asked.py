"""One request of the WordPress API: its parameters, whoever they come from, and who makes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from django.contrib.auth.middleware import get_user
from django.http import HttpRequest

from accounts import api_keys, keys, nonces
from accounts import proof as proofs
from accounts.api_keys import Scope
from accounts.audit import client_ip
from accounts.capabilities import Capability, may
from accounts.models import ApiKey, User
from ledger.api.wp3.answers import MOVE, NOT_ALLOWED, NOT_LOGGED_IN, Refusal
from wallets_site.base.prepared import Question

PREFIX: Final = "__wallets_"
LONGEST: Final = 4000
NOTHING: Final = "\ufffd"  # in the place of what no text holds: "1\0" is not 1
_BEARER: Final = re.compile(r"Bearer ([^\s]+)", re.ASCII)
_WHOLE: Final = re.compile(r"\s*[+-]?([0-9]+)(?:\.[0-9]*)?(?:[eE]\+?([0-9]{1,2}))?", re.ASCII)


@dataclass
class Asked:
    """What came in. `user` is set by who(); cookie tells that a session, and not a key, says who it is."""

    request: HttpRequest
    action: str
    version: int
    path_values: dict[str, str] = field(default_factory=dict)
    cookie: bool = False
    key: ApiKey | None = None  # one of those with scopes

    def text(self, name: str) -> str | None:
        """A parameter without its prefix, or None. Query and body before the path, as in the plugin."""
        given = value_of(self.request, PREFIX + name)
        found = self.path_values.get(name) if given is None else given
        return None if found is None else found.replace("\0", NOTHING)[:LONGEST]

    def whole(self, name: str) -> int:
        """PHP's absint(): the digits at the start, without their sign; 0 where there are none."""
        return absint(self.text(name) or "")

    @property
    def where(self) -> str:
        return client_ip(self.request)

    @property
    def session_user(self) -> User | None:
        user = get_user(self.request)
        return user if isinstance(user, User) and user.is_active else None

    def who(self, scope: Scope | None = None) -> User:
        """Whose request it is: the key's owner or the session's. Raises Refusal -106, -107.

        A key that opens nothing is refused, whatever cookie comes with it. scope: what one of a person's scoped keys
        must be allowed; with none, no such key may do it.
        """
        given = self._key()
        if given is None:
            user = self.session_user
            if user is None:
                raise not_logged_in()
            self.cookie = True
            return user
        user = self._owner_of(given)
        if user is None:
            raise not_logged_in()
        if self.key is not None and (scope is None or scope not in self.key.scopes):
            raise Refusal(NOT_ALLOWED, "Not allowed")
        allow(user, Capability.USE_API)
        return user

    def _owner_of(self, given: str) -> User | None:
        """By the one key of the plugin's kind, or by any of the keys with scopes and an end."""
        if not given.startswith(api_keys.PREFIX):
            return keys.owner_of(given, keys.PLUGIN_API)
        self.key = api_keys.find_key(given, where=self.where)
        if self.key is None:
            return None
        api_keys.note_use(self.key, self.where)
        return self.key.owner

    def first_questions(self) -> tuple[Question | None, ...]:
        """What who() will ask, for who asks ahead."""
        given = self._key()
        if given is None:
            return (self.request.session.question(),)  # type: ignore[attr-defined]
        return keys.owner_question(given, keys.PLUGIN_API), api_keys.question(given)

    def proof(self, user: User) -> proofs.Proof:
        if self.key is not None:
            return proofs.of_api_key(user, key_id=self.key.pk, scopes=self.key.scopes, where=self.where)
        return proofs.of_plugin_api(user, where=self.where)

    def check_key(self) -> None:
        """For what a key cannot ask: a wrong one is refused all the same."""
        given = self._key()
        if given is not None and self._owner_of(given) is None:
            raise not_logged_in()

    def _key(self) -> str | None:
        if self.version < 3:
            return None
        given = value_of(self.request, PREFIX + "api_key")
        if given is not None:
            return given
        bearer = _BEARER.fullmatch(self.request.headers.get("Authorization", ""))
        return bearer[1] if bearer else None

    def demand_nonce(self, user: User, action: str) -> None:
        """Raises Refusal unless a session's request carries the nonce of this action, in the query string."""
        nonce = self.request.GET.get("_wpnonce", "")
        if self.cookie and _sent_by_another_page(self.request):
            raise Refusal(MOVE, "Another site's page sent this request. Nothing was done.")
        if self.cookie and not nonces.is_good_nonce(self.request, user, f"wallets-{action}", nonce):
            raise Refusal(MOVE, "Possible request forgery detected. Please reload and try again.")


def value_of(request: HttpRequest, name: str) -> str | None:
    """A parameter from the query or the body; a PHP array counts as an empty text."""
    query, body = request.GET.get(name), request.POST.get(name)
    found = body if query is None else query
    if found is None and any(key.startswith(name + "[") for key in (*request.GET, *request.POST)):
        return ""
    return found


def _sent_by_another_page(request: HttpRequest) -> bool:
    """What a browser itself says of a link, picture, form or prefetch of another page. Programs say nothing."""
    said = request.headers
    elsewhere = said.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    return elsewhere or "prefetch" in said.get("Sec-Purpose", "")


def absint(text: str) -> int:
    found = _WHOLE.match(text)
    return int((found[1] + "0" * int(found[2] or 0))[:18]) if found else 0


def not_logged_in() -> Refusal:
    return Refusal(NOT_LOGGED_IN, "Must be logged in or specify a valid API key", status=403)


def allow(user: User, *capabilities: Capability) -> None:
    """Raises Refusal -107 when one is missing."""
    if not all(may(user, each) for each in capabilities):
        raise Refusal(NOT_ALLOWED, "Not allowed")
