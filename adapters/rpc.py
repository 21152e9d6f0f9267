"""JSON-RPC over HTTP, and strict reading of what comes back.

Errors are taken from the body whatever the HTTP status: litecoind sends them with 500, 404 and 400,
other daemons with 200. Numbers with a point become Decimal, never binary floating point.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

from adapters.base import NodeDown
from wallets_site.base import net

Auth = Literal["basic", "digest", "none"]

READ_SECONDS = 10
LARGEST_ANSWER = 64 << 20  # listsinceblock of a busy wallet answers everything at once
LONGEST_MESSAGE = 200
LONGEST_NUMBER = 60  # digits
LOWEST, HIGHEST = -(2**63), 2**64 - 1  # every number of these daemons has 64 bits


class RpcError(NodeDown):
    """The node answered with an error object.

    A NodeDown, because an error that its caller does not know by its code proves nothing.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message or f"error {code}")
        self.code = code
        self.message = message


class JsonRpc:
    """One node endpoint, for one thread. Neither repr nor an exception holds the password."""

    def __init__(self, url: str, *, user: str = "", password: str = "", auth: Auth = "basic") -> None:
        self._url = url.rstrip("/")
        self._numbers = itertools.count(1)
        self._deadline: float | None = None
        self._client = net.Client(auth=_login(auth, user, password), largest=LARGEST_ANSWER)
        self._unsaid = _forms_of(user, password) if password else ()

    def __repr__(self) -> str:
        return "JsonRpc()"

    def close(self) -> None:
        self._client.close()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """All calls inside share this time; the outermost limit counts."""
        if self._deadline is not None:
            yield
            return
        self._deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = None

    def call(
        self,
        method: str,
        params: Sequence[Any] | Mapping[str, Any] = (),
        *,
        path: str = "",
        read_seconds: float = READ_SECONDS,
    ) -> Any:
        """The `result` of one call. Raises RpcError for an error body, NodeDown for anything else."""
        number = next(self._numbers)
        asked = {"jsonrpc": "2.0", "id": number, "method": method, "params": _plain(params)}
        answer = self._post(path, json.dumps(asked).encode(), read_seconds)
        try:
            return _result(method, number, answer)
        except RpcError as error:
            raise RpcError(error.code, self._without_secrets(error.message)) from None

    def _without_secrets(self, text: str) -> str:
        """What a node says back of the password it was given goes into no log and onto no page."""
        for secret in self._unsaid:
            text = text.replace(secret, "(not shown)")
        return text

    def post(self, path: str, body: Any, *, read_seconds: float = READ_SECONDS) -> Any:
        """The JSON that a plain (not JSON-RPC) endpoint of the same daemon answers."""
        answer = self._post(path, json.dumps(body).encode(), read_seconds)
        _refuse_strangers(answer)
        return parse(answer.body)

    def _post(self, path: str, body: bytes, read_seconds: float) -> net.Answer:
        answer = self._send(path, body, read_seconds)
        if answer.status == 401:
            # A digest login is bound to its connection; a 401 means nothing was done, so asking again is safe.
            self._client.renew()
            answer = self._send(path, body, read_seconds)
        return answer

    def _send(self, path: str, body: bytes, read_seconds: float) -> net.Answer:
        left = self._left(read_seconds * 2)
        try:
            return self._client.post(self._url + path, body, read_seconds=min(read_seconds, left), total_seconds=left)
        except net.NetError as error:
            raise NodeDown(f"the node does not answer: {error}") from None

    def _left(self, wanted: float) -> float:
        if self._deadline is None:
            return wanted
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise NodeDown("the node is too slow: the time for this step is over")
        return min(wanted, left)


def _login(auth: Auth, user: str, password: str) -> AuthBase | None:
    if auth == "none" or not (user or password):
        return None
    made = HTTPDigestAuth if auth == "digest" else HTTPBasicAuth
    return made(user.encode(), password.encode()) if auth == "basic" else made(user, password)


def _forms_of(user: str, password: str) -> tuple[str, ...]:
    """A password as it is, and as it stands in the header of a basic login."""
    return password, b64encode(f"{user}:{password}".encode()).decode()


def _plain(params: Sequence[Any] | Mapping[str, Any]) -> Any:
    return dict(params) if isinstance(params, Mapping) else list(params)


def _refuse_strangers(answer: net.Answer) -> None:
    if answer.status == 401:
        raise NodeDown("the node refuses our user name or password (HTTP 401)")
    if answer.status == 403:
        raise NodeDown("the node forbids us this call (HTTP 403): check its list of allowed addresses and methods")


def _result(method: str, number: int, answer: net.Answer) -> Any:
    _refuse_strangers(answer)
    body = parse(answer.body, status=answer.status)
    if not isinstance(body, dict):
        raise NodeDown(f"{method}: the answer is not JSON-RPC (HTTP {answer.status})")
    error = body.get("error")
    if error is not None:
        raise _error(method, error)
    if "result" not in body or body.get("id") != number:
        raise NodeDown(f"{method}: the answer is not JSON-RPC (HTTP {answer.status})")
    return body["result"]


def _error(method: str, error: Any) -> NodeDown:
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return NodeDown(f"{method}: the node answered with an error that cannot be read")
    return RpcError(code, str(error.get("message") or "").split("\n")[0][:LONGEST_MESSAGE])


def parse(body: bytes, *, status: int = 200) -> Any:
    """JSON with exact numbers. Raises NodeDown for rubbish: cut short, too deep, NaN, endless digits."""
    try:
        return json.loads(body, parse_float=_exact, parse_int=_whole, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise NodeDown(f"the node's answer cannot be read (HTTP {status})") from None


def _exact(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("number too long")
    try:
        return Decimal(text)
    except ArithmeticError:  # an exponent of more than 18 digits
        raise ValueError("number too large") from None


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("number too long")
    return int(text)


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def atomic(value: Any, decimals: int) -> int:
    """A node's amount in coins as atomic units, sign kept. Raises NodeDown where it is not exact."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * _power(decimals)
    if not isinstance(value, Decimal):
        raise NodeDown("the node's answer has something else where an amount should be")
    sign, digits, exponent = value.as_tuple()
    shift = int(exponent) + decimals
    if abs(shift) > LONGEST_NUMBER:
        raise NodeDown("the node's answer has an impossible amount")
    number = int("".join(map(str, digits)) or "0")
    if shift < 0 and number % _power(-shift):
        raise NodeDown("the node's answer has an amount with too many decimals")
    number = number * _power(shift) if shift >= 0 else number // _power(-shift)
    return -number if sign else number


def _power(exponent: int) -> int:
    return int(10**exponent)


def coins(amount: int, decimals: int) -> str:
    """Atomic units as the exact text nodes take: 150000000 with 8 decimals is "1.50000000"."""
    if decimals == 0:
        return str(amount)
    digits = str(abs(amount)).rjust(decimals + 1, "0")
    return f"{'-' if amount < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"


def short_coins(amount: int | None, decimals: int) -> str:
    """The same without needless zeros; "" for no amount."""
    text = "" if amount is None else coins(amount, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


class Reply:
    """A JSON object of a node, read field by field; every wrong type is a NodeDown, never a TypeError."""

    __slots__ = ("_data", "_what")

    def __init__(self, data: Any, what: str) -> None:
        if not isinstance(data, dict):
            raise NodeDown(f"{what}: unexpected answer")
        self._data: dict[str, Any] = data
        self._what = what

    def __contains__(self, key: str) -> bool:
        return self._data.get(key) is not None

    def _wrong(self, key: str) -> NodeDown:
        return NodeDown(f"{self._what}: unexpected answer at {key!r}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self._data.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key)
        return value

    def whole(self, key: str, default: int | None = None) -> int:
        value = self._data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not LOWEST <= value <= HIGHEST:
            raise self._wrong(key)
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key)
        return value

    def amount(self, key: str, decimals: int) -> int:
        found = atomic(self._data.get(key), decimals)
        if not LOWEST <= found <= HIGHEST:
            raise self._wrong(key)
        return found

    def part(self, key: str) -> Reply:
        return Reply(self._data.get(key), f"{self._what}.{key}")

    def texts(self, key: str) -> list[str]:
        """A list of texts; an absent key is an empty list."""
        value = self._data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key)
        return value

    def wholes(self, key: str) -> list[int]:
        """A list of whole numbers; an absent key is an empty list."""
        value = self._data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, int) and not isinstance(one, bool) for one in value):
            raise self._wrong(key)
        return value

    def parts(self, key: str) -> list[Reply]:
        """A list of objects; an absent key is an empty list."""
        return replies(self._data.get(key, []), f"{self._what}.{key}")


def replies(data: Any, what: str) -> list[Reply]:
    if not isinstance(data, list):
        raise NodeDown(f"{what}: unexpected answer")
    return [Reply(item, what) for item in data]


def hex_text(value: Any, what: str, length: int | None = None) -> str:
    """Lower-case hex of that many digits (any even number when None); anything else is a NodeDown."""
    if not isinstance(value, str) or (len(value) % 2 if length is None else len(value) != length):
        raise NodeDown(f"{what}: unexpected answer")
    if not value or not all(digit in "0123456789abcdef" for digit in value):
        raise NodeDown(f"{what}: unexpected answer")
    return value
