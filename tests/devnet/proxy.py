"""A proxy in front of a daemon that the product cannot tell from it, with faults on demand.

It forwards headers and bodies as they are and keeps one upstream connection for each of its own, so that
digest logins, which live on a connection, work through it.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Protocol

from tests.devnet.rpc import HOST

WARMING_UP = b'{"result":null,"error":{"code":-28,"message":"Loading block index..."},"id":null}'
UPSTREAM_SECONDS = 120
Kind = Literal["drop", "swallow", "delay", "answer", "cut"]
Answered = tuple[int, dict[str, str], bytes]  # status, headers, body


@dataclass
class Fault:
    """What to do with calls of `method` ("" means any), `times` times (0: always).

    drop: the daemon does it, its answer is lost. swallow: the daemon never hears of it. delay: it hears of it
    after `seconds`. answer: `status` and `body` instead. cut: half of the daemon's answer, then the end.
    """

    kind: Kind
    method: str = ""
    times: int = 1
    seconds: float = 0
    status: int = 200
    body: bytes = b""
    used: int = 0

    def fits(self, method: str) -> bool:
        return self.method in ("", method) and (self.times == 0 or self.used < self.times)


@dataclass
class Exchange:
    """One call that reached the proxy."""

    path: str
    method: str
    params: Any
    status: int = 0
    body: bytes = field(default=b"", repr=False)


class Line(Protocol):
    """One connection to whatever answers behind the proxy."""

    def ask(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered: ...

    def close(self) -> None: ...


class DaemonLine:
    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=UPSTREAM_SECONDS)

    def ask(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered:
        if self._ended():
            self._connection.close()  # opens anew; a login that lived on it is gone, as on the daemon itself
        self._connection.request("POST", exchange.path, body, headers)
        answer = self._connection.getresponse()
        raw = answer.read()
        login = answer.getheader("WWW-Authenticate")
        return answer.status, {"WWW-Authenticate": login} if login else {}, raw

    def _ended(self) -> bool:
        """Whether the daemon closed the idle connection: it has something to read, which is its end."""
        line = self._connection.sock
        return line is not None and bool(select.select([line], [], [], 0)[0])

    def close(self) -> None:
        self._connection.close()


class Proxy:
    def __init__(self, connect: Callable[[], Line], *, keep: bool = True) -> None:
        """connect: called for each connection that comes in. keep: whether `exchanges` grows with every call."""
        self.keep = keep
        self.exchanges: list[Exchange] = []  # those that were passed on, in order
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._server = _Server((HOST, 0), _handler(self, connect))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.port = int(self._server.server_address[1])
        self.url = f"http://{HOST}:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # -- faults --

    def drop_reply(self, method: str, times: int = 1) -> None:
        self._add(Fault("drop", method, times))

    def swallow(self, method: str = "", times: int = 1) -> None:
        self._add(Fault("swallow", method, times))

    def cut_reply(self, method: str = "", times: int = 1) -> None:
        self._add(Fault("cut", method, times))

    def delay(self, method: str, seconds: float, times: int = 1) -> None:
        self._add(Fault("delay", method, times, seconds))

    def answer(self, body: bytes, *, status: int = 200, method: str = "", times: int = 0) -> None:
        self._add(Fault("answer", method, times, status=status, body=body))

    def rubbish(self, method: str = "", times: int = 0) -> None:
        self.answer(b"<html>Bad gateway", status=502, method=method, times=times)

    def warming_up(self) -> None:
        self.answer(WARMING_UP, status=500)

    def unauthorised(self) -> None:
        self.answer(b"", status=401)

    def error(self, code: int, message: str, method: str = "", times: int = 0) -> None:
        body = {"result": None, "error": {"code": code, "message": message}, "id": None}
        self.answer(json.dumps(body).encode(), status=500, method=method, times=times)

    def heal(self) -> None:
        with self._lock:
            self._faults.clear()

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def take(self, method: str) -> Fault | None:
        with self._lock:
            fault = next((one for one in self._faults if one.fits(method)), None)
            if fault is not None:
                fault.used += 1
            return fault

    @property
    def waiting_faults(self) -> int:
        """Those that no call has met yet."""
        with self._lock:
            return sum(one.used < one.times for one in self._faults)

    def calls(self, method: str) -> list[Exchange]:
        return [one for one in self.exchanges if one.method == method]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is no news."""


def _handler(proxy: Proxy, connect: Callable[[], Line]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body in one packet

        def setup(self) -> None:
            super().setup()
            self.line = connect()

        def finish(self) -> None:
            self.line.close()
            super().finish()

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            exchange = Exchange(self.path, *_call_of(body))
            fault = proxy.take(exchange.method)
            kind = fault.kind if fault is not None else ""
            if fault is not None and kind == "answer":
                return self._give(fault.status, {}, with_id(fault.body, body))
            if kind == "swallow":
                return self._hang_up()
            if fault is not None and kind == "delay":
                time.sleep(fault.seconds)
            exchange.status, headers, exchange.body = self.line.ask(exchange, dict(self.headers.items()), body)
            if proxy.keep:
                proxy.exchanges.append(exchange)
            if kind == "drop":
                return self._hang_up()
            if kind == "cut":
                return self._cut(exchange.body)
            return self._give(exchange.status, headers, exchange.body)

        def _give(self, status: int, headers: dict[str, str], raw: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
            self.wfile.flush()

        def _cut(self, raw: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw[: len(raw) // 2])
            self._hang_up()

        def _hang_up(self) -> None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    return Handler


def _call_of(body: bytes) -> tuple[str, Any]:
    try:
        data = json.loads(body)
        return str(data["method"] if "method" in data else data["action"]), data.get("params")
    except (ValueError, KeyError, TypeError):
        return "", None


def with_id(answer: bytes, asked: bytes) -> bytes:
    """Our answer with the id of the call, where it is a JSON-RPC answer."""
    try:
        data, call = json.loads(answer), json.loads(asked)
        return json.dumps({**data, "id": call["id"]}).encode()
    except (ValueError, KeyError, TypeError):
        return answer


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """A proxy in front of the daemon that listens on this port."""
    made = Proxy(lambda: DaemonLine(port))
    try:
        yield made
    finally:
        made.close()
