"""walletd's JSON-RPC and the daemon's, with strict reading. Every call of either is a method name and an object."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.base import NodeDown
from adapters.forknote.options import ForknoteOptions
from adapters.forknote.verdicts import WRONG_PASSWORD, WalletdError
from adapters.rpc import JsonRpc, Reply

PATH = "/json_rpc"
READ_SECONDS = 20
LONGEST_MESSAGE = 200
Params = Mapping[str, Any]


class Client:
    """One walletd and its daemon, for one thread."""

    def __init__(self, options: ForknoteOptions) -> None:
        self._wallet = JsonRpc(_base(options.url), user=options.user, password=options.password)
        self._daemon = JsonRpc(_base(options.daemon_url), auth="none") if options.daemon_url else None
        self._password = options.json_password
        self._number = 0
        self._answering_since: float | None = None

    def __repr__(self) -> str:
        return "Client()"

    def close(self) -> None:
        self._wallet.close()
        if self._daemon is not None:
            self._daemon.close()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        with self._wallet.within(seconds), self._daemon.within(seconds) if self._daemon else contextlib.nullcontext():
            yield

    @property
    def answering_seconds(self) -> float:
        """How long walletd has answered every call of this object."""
        return 0 if self._answering_since is None else time.monotonic() - self._answering_since

    def ask(self, method: str, params: Params | None = None, *, read_seconds: float = READ_SECONDS) -> Reply:
        """The `result` object. Raises WalletdError for an error object, NodeDown for anything else.

        params always goes as an object: null and arrays are refused, and unknown names ignored without a word.
        """
        return Reply(self.raw(method, params, read_seconds=read_seconds), method)

    def raw(self, method: str, params: Params | None = None, *, read_seconds: float = READ_SECONDS) -> Any:
        """The `result` as it came."""
        try:
            answer = self._call(self._wallet, method, params or {}, read_seconds)
        except NodeDown:
            self._answering_since = None
            raise
        if self._answering_since is None:
            self._answering_since = time.monotonic()
        return _result(method, answer)

    def ask_daemon(self, method: str, params: Any = None) -> Any:
        if self._daemon is None:
            raise NodeDown("daemon_url is not configured: this walletd cannot tell the height of the chain itself.")
        self._number += 1
        body = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": {} if params is None else params}
        answer = self._daemon.post(PATH, body)
        return _result(f"daemon {method}", _checked(f"daemon {method}", answer, self._number))

    def _call(self, rpc: JsonRpc, method: str, params: Params, read_seconds: float) -> dict[str, Any]:
        self._number += 1
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": dict(params)}
        if self._password:
            body["password"] = self._password
        return _checked(method, rpc.post(PATH, body, read_seconds=read_seconds), self._number)


def _base(url: str) -> str:
    return url.rstrip("/").removesuffix(PATH)


def _checked(method: str, answer: Any, number: int) -> dict[str, Any]:
    """An answer of JSON-RPC to this very call. walletd sends 200 for everything and no Content-Type."""
    if not isinstance(answer, dict) or ("error" in answer) == ("result" in answer):
        raise NodeDown(f"{method}: the answer is not JSON-RPC")
    if "result" in answer and answer.get("id") != number:
        raise NodeDown(f"{method}: the answer belongs to another call")
    return answer


def _result(method: str, answer: dict[str, Any]) -> Any:
    if "result" in answer:
        return answer["result"]
    error = answer["error"]
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        raise NodeDown(f"{method}: walletd answered with an error that cannot be read")
    if code == WRONG_PASSWORD:
        raise NodeDown("walletd refuses our rpc-password.")
    raise WalletdError(code, str(error.get("message") or "").split("\n")[0][:LONGEST_MESSAGE])
