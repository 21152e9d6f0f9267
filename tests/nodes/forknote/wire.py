"""The JSON-RPC of walletd with all its habits: 200 for everything, ids echoed as they were written, integers only,
unknown parameters ignored, and a number for each error that depends on the version."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LARGEST = 2**63 - 1
_ID = re.compile(r'"id"\s*:\s*("(?:[^"\\]|\\.)*")')

SNAKE_CODES = {
    "Bad address": 7, "Wrong amount": 9, "Sum overflow": 10, "The destination is empty": 11,
    "Transaction fee is too small": 17, "MixIn count is too big": 6, "Transaction size is too big": 8,
    "Invalid argument": 22, "Numerical argument out of domain": 33,
    "Network error": 3, "Node is busy": 4, "Internal node error": 5, "Error in request parameters": 6,
    "Can't connect to daemon": 7, "Internal error occurred": 5, "The wallet is in wrong state": 3,
}  # fmt: skip
CAMEL_CODES = {
    **SNAKE_CODES,
    "Bad address": 8, "Wrong amount": 10, "Sum overflow": 11, "The destination is empty": 12,
    "Transaction fee is too small": 18, "MixIn count is below the required minimum": 7,
    "Transaction size is too big": 9, "Object not found": 24, "Requested wallet not found": 25,
    "Requested object not found": 4, "Wrong block id format": 3, "Wrong key format": 1, "Wrong payment id format": 30,
    "Wrong transaction extra format": 31, "Duplicate key": 5, "Address already exists": 21,
    "Transaction transfer impossible": 16, "Impossible to cancel transaction": 13, "Index is out of range": 20,
    "Wrong parameters passed": 23, "Change address required": 26, "Change address not found": 27, "File exists": 17,
}  # fmt: skip


class WireError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class DomainError(Exception):
    """An error with an application code. code: where the text alone does not tell it."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


PARSE = WireError(-32700, "Parse error")
INVALID = WireError(-32600, "Invalid Request")
NO_METHOD = WireError(-32601, "Method not found")


# -- parameters --


class _Missing:
    pass


MISSING = _Missing()


@dataclass(frozen=True)
class Param:
    name: str
    read: Callable[[Any], Any]
    default: Any = MISSING


def whole(value: Any) -> int:
    """An integer as 64 bits take it: a larger one is the largest, a negative one wraps around."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise INVALID
    return min(value, LARGEST) % 2**64


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise INVALID
    return value


def texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise INVALID
    return [text(one) for one in value]


def payment_ids(value: Any) -> list[str]:
    found = texts(value)
    if not all(is_hex64(one) for one in found):
        raise INVALID
    return [one.lower() for one in found]


def transfers(value: Any) -> list[tuple[str, int]]:
    """An object instead of a list is not refused but read wrongly."""
    if isinstance(value, dict):
        return [("", 0)]
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise INVALID
    return [(text(one.get("address")), whole(one.get("amount"))) for one in value]


def is_hex64(value: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{64}", value) is not None


def read_params(specs: tuple[Param, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for spec in specs:
        if spec.name in given:
            found[spec.name] = spec.read(given[spec.name])
        elif isinstance(spec.default, _Missing):
            raise INVALID
        else:
            found[spec.name] = spec.default
    return found


# -- requests and answers --


@dataclass(frozen=True)
class Method:
    run: Callable[..., dict[str, Any]]
    params: tuple[Param, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """lenient: a call without params is as good as one with an empty object. no_method: what a request without a
    method is answered, by what stands there instead."""

    name: str
    methods: Mapping[str, Method]
    codes: Mapping[str, int]
    lenient: bool
    no_method: Callable[[Any], WireError]
    domain_code: int = -32000
    password: str = ""


def answer(dialect: Dialect, body: bytes) -> bytes:
    raw = body.decode("utf-8", "replace")
    try:
        request = _parse(raw)
    except ValueError:
        return _body({"error": _error(PARSE), "id": None, "jsonrpc": "2.0"})
    if not isinstance(request, dict):
        return _body({"error": {"code": -32001, "message": "JsonValue type is not OBJECT"}})
    said: dict[str, Any] = {"jsonrpc": "2.0"}
    if "id" in request:
        said["id"] = request["id"]
    try:
        said["result"] = _run(dialect, request)
    except WireError as error:
        said["error"] = _error(error)
    except DomainError as error:
        code = error.code if error.code is not None else dialect.codes[error.message]
        data = {"application_code": code}
        said["error"] = {"code": dialect.domain_code, "data": data, "message": error.message}
    return _with_raw_id(_body(said), request, raw)


def _run(dialect: Dialect, request: dict[str, Any]) -> dict[str, Any]:
    if dialect.password and request.get("password") != dialect.password:
        raise WireError(-32604, "Invalid or no rpc password")
    name = request.get("method")
    if not isinstance(name, str):
        raise dialect.no_method(name)
    method = dialect.methods.get(name)
    if method is None:
        raise NO_METHOD
    if "params" not in request:
        given: Any = {} if dialect.lenient or not method.params else None
    else:
        given = request["params"]
    if not isinstance(given, dict):
        if method.params or dialect.lenient:
            raise INVALID
        given = {}
    return method.run(**read_params(method.params, given))


def _parse(raw: str) -> Any:
    """The first JSON value; what follows it is ignored."""

    def number(found: str) -> float:
        if "e" in found.lower():
            raise ValueError("exponent")
        return float(found)

    value, _ = json.JSONDecoder(parse_float=number).raw_decode(raw.lstrip())
    return value


def _error(error: WireError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message}


def _body(said: dict[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def _with_raw_id(body: bytes, request: dict[str, Any], raw: str) -> bytes:
    """A text id comes back letter by letter as it was written, escapes included."""
    found = _ID.search(raw)
    if not isinstance(request.get("id"), str) or found is None:
        return body
    written = json.dumps(request["id"]).encode()
    return body.replace(b'"id":' + written, b'"id":' + found[1].encode(), 1)
