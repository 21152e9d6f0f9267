"""Replies of a real daemon, kept in order with the calls they answer; played back, a call that differs fails.

To record anew, with litecoind installed: RECORD_REPLIES=1 pytest tests/adapters/test_bitcoinlike_contract.py
"""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from pathlib import Path

from tests.devnet.proxy import Answered, Exchange

REPLIES = Path(__file__).parent / "replies"


def write(path: Path, exchanges: list[Exchange]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as out:
        for one in exchanges:
            call = {"path": one.path, "method": one.method, "params": one.params, "status": one.status}
            # The body as text: its numbers must come back with the very digits the daemon wrote.
            out.write(json.dumps({**call, "body": one.body.decode()}) + "\n")


class Playback:
    """Answers calls from a file, each once, in the order of the file, and only to whom logs in as `user`. One for all
    connections of a proxy."""

    user = "site"

    def __init__(self, path: Path) -> None:
        self._left = [json.loads(line) for line in path.read_text().splitlines()]
        self._lock = threading.Lock()
        self.wrong: list[str] = []

    def ask(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered:
        login = {key.lower(): value for key, value in headers.items()}.get("authorization", "")
        if not b64decode(login.removeprefix("Basic ")).startswith(f"{self.user}:".encode()):
            self.wrong.append(f"{exchange.method} came without its login")
            return 401, {}, b""
        with self._lock:
            asked = {"path": exchange.path, "method": exchange.method, "params": exchange.params}
            recorded = self._left[0] if self._left else {}
            if any(recorded.get(key) != value for key, value in asked.items()):
                self.wrong.append(f"asked {asked}, recorded { ({key: recorded.get(key) for key in asked}) }")
                return 500, {}, b"not recorded"
            self._left.pop(0)
        number = json.dumps(json.loads(body)["id"])
        before, mark, _ = str(recorded["body"]).rpartition('"id":')
        answer = f"{before}{mark}{number}}}" if mark else str(recorded["body"])
        return int(recorded["status"]), {}, answer.encode()

    def close(self) -> None:
        """A connection ends; the recording goes on."""

    def check(self) -> None:
        assert not self.wrong, "\n".join(self.wrong)
        assert not self._left, f"{len(self._left)} recorded calls were not made, first {self._left[0]['method']}"
