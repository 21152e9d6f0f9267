"""What tests hold of a running stand-in node."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from tests.nodes.banano.server import CONTROL
from tests.support.processes import PYTHON, Child, wait_for


class BananoNode:
    """A stand-in of its own; stop() ends the process."""

    def __init__(self, directory: Path) -> None:
        port_file = directory / "banano.port"
        args = (PYTHON, "-m", "tests.nodes.banano.server", port_file)
        self._child = Child(args, log=directory / "banano.log")
        wait_for("the Banano stand-in", lambda: port_file.exists() or not self._child.running)
        assert self._child.running, self._child.output()
        self.url = f"http://127.0.0.1:{port_file.read_text()}"

    def stop(self) -> None:
        self._child.stop()

    def do(self, what: str, /, **fields: Any) -> Any:
        """One of the server's test_ methods."""
        return self._post(CONTROL, {"do": what, **fields})

    def ask(self, action: str, **fields: Any) -> Any:
        """One RPC call, as any client makes it."""
        return self._post("/", {"action": action, **fields})

    def raw(self, body: bytes, *, method: str = "POST", path: str = "/") -> bytes:
        request = urllib.request.Request(self.url + path, body or None, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    def _post(self, path: str, fields: dict[str, Any]) -> Any:
        return json.loads(self.raw(json.dumps(fields).encode(), path=path))
