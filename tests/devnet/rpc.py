"""A JSON-RPC client of the tests' own, so that the product's client is never its own witness."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
from decimal import Decimal
from typing import Any

HOST = "127.0.0.1"
CALL_SECONDS = 120


class DevnetError(Exception):
    pass


class CallError(DevnetError):
    """The daemon answered with an error object."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error}")
        self.code = error.get("code")
        self.message = str(error.get("message"))


class Rpc:
    """Calls one endpoint with basic authentication; amounts come back as Decimal."""

    def __init__(self, port: int, path: str = "/", user: str = "", password: str = "") -> None:
        self.port, self.path, self.user, self.password = port, path, user, password

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}{self.path}"

    def __call__(self, method: str, *params: Any, timeout: int = CALL_SECONDS, **named: Any) -> Any:
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
        body = json.dumps({"jsonrpc": "2.0", "id": "0", "method": method, "params": named or params})
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("POST", self.path, body, headers)
            answer = connection.getresponse()
            raw = answer.read()
        if not raw.startswith(b"{"):
            raise DevnetError(f"HTTP {answer.status} from {self.url}")
        data = json.loads(raw, parse_float=Decimal)
        if data.get("error"):
            raise CallError(method, data["error"])
        return data.get("result")
