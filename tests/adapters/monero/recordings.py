"""Replies of real Monero daemons, kept in order with the calls they answer; played back, a call that differs fails.

To record anew, with Debian's package monero: RECORD_REPLIES=1 pytest tests/adapters/monero -k TestReal
"""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

from tests.devnet.proxy import Answered, DaemonLine, Exchange, Line, Proxy

FOLDER = Path(__file__).parent.parent / "replies" / "monero-0.18"
CHALLENGE = 'Digest qop="auth",algorithm=MD5,realm="monero-rpc",nonce="bm9uY2U=",stale=false'
LOGIN = re.compile(r'Digest .*username="site"')
_ID = re.compile(r'"id": ?(?:"[^"]*"|\d+)')


class Named:
    """A line whose exchanges tell which of the daemons was asked, and hold the body of plain paths too."""

    def __init__(self, name: str, line: Line) -> None:
        self._name, self._line = name, line

    def ask(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered:
        answered = self._line.ask(exchange, headers, body)
        name(exchange, self._name, body)
        return answered

    def close(self) -> None:
        self._line.close()


def name(exchange: Exchange, daemon: str, body: bytes) -> None:
    if not exchange.method:
        exchange.method, exchange.params = exchange.path, json.loads(body)
    exchange.path = daemon


def proxy_of(daemon: str, port: int) -> Proxy:
    return Proxy(lambda: Named(daemon, DaemonLine(port)))


def write(path: Path, exchanges: list[Exchange]) -> None:
    """Without the first halves of logins: each connection makes its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as out:
        for one in exchanges:
            if one.status != 401:
                call = {"on": one.path, "method": one.method, "params": one.params}
                # The body as text: its numbers must come back with the very digits the daemon wrote.
                out.write(json.dumps({**call, "body": one.body.decode()}) + "\n")


class Playback:
    """Answers calls from a file, each once, in the order of the file, and only to whom logs in as recorded."""

    def __init__(self, path: Path) -> None:
        self._left = [json.loads(line) for line in path.read_text().splitlines()]
        self._lock = threading.Lock()
        self.wrong: list[str] = []

    def proxy(self, daemon: str) -> Proxy:
        return Proxy(lambda: _PlayedLine(self, daemon))

    def answer(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered:
        given = {key.lower(): value for key, value in headers.items()}.get("authorization", "")
        if exchange.path == "daemon":
            assert given == "", "monerod has no login"
        elif not LOGIN.match(given):
            return 401, {"WWW-Authenticate": CHALLENGE}, b""
        with self._lock:
            return self._take(exchange, body)

    def _take(self, exchange: Exchange, body: bytes) -> Answered:
        asked = {"on": exchange.path, "method": exchange.method, "params": exchange.params}
        recorded = self._left[0] if self._left else {}
        if any(recorded.get(key) != value for key, value in asked.items()):
            self.wrong.append(f"asked {asked}, recorded { ({key: recorded.get(key) for key in asked}) }")
            return 500, {}, b"not recorded"
        self._left.pop(0)
        number = json.dumps(json.loads(body).get("id"))
        return 200, {}, _ID.sub(f'"id": {number}', recorded["body"], count=1).encode()

    def check(self) -> None:
        assert not self.wrong, "\n".join(self.wrong)
        assert not self._left, f"{len(self._left)} recorded calls were not made, first {self._left[0]['method']}"


class _PlayedLine:
    def __init__(self, playback: Playback, daemon: str) -> None:
        self._playback, self._daemon = playback, daemon

    def ask(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered:
        name(exchange, self._daemon, body)
        return self._playback.answer(exchange, headers, body)

    def close(self) -> None:
        """A connection ends; the recording goes on."""
