"""One request of LNbits' API: whose key came with it, and its JSON, read strictly and without floating point."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from accounts.audit import client_ip
from accounts.capabilities import Capability, may
from accounts.models import User
from ledger import money
from ledger.api.lnbits.answers import Refusal
from ledger.models import Coin, Purse
from ledger.services import purses
from wallets_site.base.errors import InvalidAmount

SAT: Final = 1000  # millisatoshi
MAX_BYTES: Final = 65_536
MAX_DEPTH: Final = 8


class Asked:
    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self._holder: purses.Holder | None = None
        self._body: dict[str, Any] | None = None

    # -- who --

    @property
    def key(self) -> str:
        """From the header, or `api-key` of the query, which the middleware has moved there."""
        return self.request.headers.get("X-Api-Key", "").strip()

    def holder(self) -> purses.Holder:
        """Whoever holds the key, of either kind. Raises Refusal: 401 without one, 404 for one of no wallet."""
        if self._holder is None:
            key = self.key
            if not key:
                raise Refusal(401, "No Api Key provided.")
            found = purses.holder_of(key)
            if found is None:
                raise Refusal(404, "Wallet not found.")
            if not may(found.user, Capability.USE_API):
                raise Refusal(403, "This account may not use API keys. Ask a manager of this site.")
            self._holder = found
        return self._holder

    def admin(self) -> purses.Holder:
        """The holder of an admin key. Raises Refusal 403 for an invoice key."""
        found = self.holder()
        if not found.may_pay:
            raise Refusal(403, "Admin key required.")
        return found

    @property
    def user(self) -> User:
        return self.holder().user

    @property
    def purse(self) -> Purse:
        return self.holder().purse

    @property
    def coin(self) -> Coin:
        return self.purse.account.coin

    @property
    def where(self) -> str:
        return client_ip(self.request)

    # -- what --

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object in the body, whatever its Content-Type says. Raises Refusal 400."""
        if self._body is None:
            self._body = _read(self.request)
        return self._body

    def text(self, name: str, *, longest: int, default: str = "") -> str:
        """A text of the body; absent, null and empty are the default. Raises Refusal 400."""
        value = self.body.get(name)
        if value is None or value == "":
            return default
        if not isinstance(value, str) or "\0" in value:
            raise Refusal(400, f"{name} must be a text.")
        if len(value) > longest:
            raise Refusal(400, f"{name} is too long: {longest} characters at most.")
        return value

    def required(self, name: str, *, longest: int) -> str:
        found = self.text(name, longest=longest)
        if not found:
            raise Refusal(400, f"{name} is missing.")
        return found

    def flag(self, name: str, default: bool) -> bool:
        value = self.body.get(name, default)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise Refusal(400, f"{name} must be true or false.")
        return value

    def whole(self, name: str) -> int | None:
        """A whole number, as such, as 5.0 or as text; None where there is none. Raises Refusal 400."""
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            value = _read_text(name, value)
        if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < 40 and value == int(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refusal(400, f"{name} must be a whole number.")
        return value

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        """A whole number of the query, brought within its bounds. Raises Refusal 400."""
        given = self.request.GET.get(name)
        if given is None or given == "":
            return default
        if not re.fullmatch(r"-?[0-9]{1,12}", given, re.ASCII):
            raise Refusal(400, f"{name} must be a whole number.")
        return max(least, min(most, int(given)))

    def query(self, name: str, *, longest: int = 700) -> str:
        return self.request.GET.get(name, "")[:longest].replace("\0", "")


def _read_text(name: str, text: str) -> int:
    try:
        return money.parse(text, 0)
    except InvalidAmount as error:
        raise Refusal(400, f"{name} must be a whole number.") from error


def _read(request: HttpRequest) -> dict[str, Any]:
    try:
        raw = request.body
    except RequestDataTooBig:
        raise Refusal(413, "The request is too large.") from None
    if len(raw) > MAX_BYTES:
        raise Refusal(413, "The request is too large.")
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_no_duplicates, parse_float=Decimal, parse_constant=_no_constant
        )
        _demand_shallow(value)
    except (ValueError, RecursionError, ArithmeticError):
        raise Refusal(400, "The request is not JSON.") from None
    if not isinstance(value, dict):
        raise Refusal(400, "The request must be a JSON object.")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _demand_shallow(value: Any, level: int = 1) -> None:
    if level > MAX_DEPTH:
        raise ValueError("nested too deeply")
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        _demand_shallow(child, level + 1)
