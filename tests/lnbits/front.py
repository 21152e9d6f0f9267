"""A door in front of an LNbits server, real or a stand-in, that can be shut, lied through or lose an answer."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
Answered = tuple[int, bytes]


@dataclass
class Call:
    method: str
    path: str
    key: str = field(repr=False)
    body: Any
    status: int = 0

    @property
    def pays(self) -> bool:
        return isinstance(self.body, dict) and self.body.get("out") is True


Upstream = Callable[[Call], Answered]


def forward_to(port: int) -> Upstream:
    """Passes each call on to the server that listens on this port."""

    def answer(call: Call) -> Answered:
        line = http.client.HTTPConnection(HOST, port, timeout=60)
        try:
            raw = json.dumps(call.body) if call.body is not None else None
            line.request(call.method, call.path, raw, {"X-Api-Key": call.key, "Content-Type": "application/json"})
            reply = line.getresponse()
            return reply.status, reply.read()
        finally:
            line.close()

    return answer


class Front:
    """calls: those that reached the server, in order."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.calls: list[Call] = []
        self.shut = False
        self.instead: Callable[[Call], Answered | None] | None = None  # None from it: pass the call on
        self.lose_answer_to: Callable[[Call], bool] | None = None  # once
        self.lose: Callable[[Call], bool] | None = None  # once; the server never hears of it
        self._server = _Server((HOST, 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.port = int(self._server.server_address[1])
        self.url = f"http://{HOST}:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def heal(self) -> None:
        self.shut, self.instead, self.lose_answer_to, self.lose = False, None, None, None

    def always(self, status: int, body: object) -> None:
        """One answer to everything. body: text as it is, anything else as JSON."""
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.instead = lambda call: (status, raw)

    def take(self, call: Call) -> Answered | None:
        """The answer; None: hang up without one."""
        if self.shut:
            return None
        if self.lose is not None and self.lose(call):
            self.lose = None
            return None
        answer = self.instead(call) if self.instead is not None else None
        if answer is None:
            answer = self.upstream(call)
            call.status = answer[0]
            self.calls.append(call)
        if self.lose_answer_to is not None and self.lose_answer_to(call):
            self.lose_answer_to = None
            return None
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is no news."""


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            body = json.loads(raw) if raw else None
            answer = front.take(Call(self.command, self.path, self.headers.get("X-Api-Key", ""), body))
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])
            self.wfile.flush()

        do_GET = do_POST = do_PUT = _serve

    return Handler
