"""Starts a stand-in as a program of its own and steers it."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

from tests.support.processes import PYTHON, Child, wait_for

HOST = "127.0.0.1"


class StandIn:
    """`url` is walletd, `daemon_url` the daemon. Every control of Machine is a method here: standin.mine(blocks=2)."""

    def __init__(self, dialect: str, folder: Path, *more: str) -> None:
        self.dialect = dialect
        ports = folder / "ports.json"
        ports.unlink(missing_ok=True)
        args = [PYTHON, "-m", "tests.nodes.forknote", "--dialect", dialect, "--ports", ports, *more]
        self.child = Child(args, log=folder / "standin.log")
        wait_for("the stand-in's ports", lambda: ports.exists() or not self.child.running)
        assert self.child.running, self.child.output()
        self.port, self.daemon_port, self._control_port = json.loads(ports.read_text())
        self.url = f"http://{HOST}:{self.port}"
        self.daemon_url = f"http://{HOST}:{self.daemon_port}"

    def close(self) -> None:
        self.child.kill()

    def __getattr__(self, name: str) -> Any:
        def do(**values: Any) -> Any:
            return self.control(name, values)

        return do

    def control(self, name: str, values: dict[str, Any]) -> Any:
        said = json.loads(self._post(self._control_port, "/control", json.dumps({"do": name, "with": values})))
        assert "error" not in said, said["error"]
        return said["result"]

    def raw(self, body: str, *, verb: str = "POST", path: str = "/json_rpc") -> str:
        """One request to walletd as it is; its answer as it is."""
        return self._post(self.port, path, body, verb)

    def ask(self, method: str, **params: Any) -> Any:
        """The result of one call, or its error object."""
        said = json.loads(self.raw(json.dumps({"jsonrpc": "2.0", "id": "1", "method": method, "params": params})))
        return said["result"] if "result" in said else said["error"]

    def _post(self, port: int, path: str, body: str, verb: str = "POST") -> str:
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        try:
            connection.request(verb, path, body.encode())
            return connection.getresponse().read().decode()
        finally:
            connection.close()
