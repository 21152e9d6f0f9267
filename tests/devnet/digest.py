"""The tests' own client of Monero's daemons: JSON-RPC, plain paths, digest login on one connection."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import re
import secrets
from typing import Any

from tests.devnet.rpc import CALL_SECONDS, HOST, CallError, DevnetError


class DigestRpc:
    """monero-wallet-rpc binds the nonce of its login to the TCP connection: both halves travel on one."""

    def __init__(self, port: int, user: str = "", password: str = "") -> None:
        self.port, self.user, self.password = port, user, password

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def __call__(self, method: str, timeout: int = CALL_SECONDS, /, **params: Any) -> Any:
        asked = {"jsonrpc": "2.0", "id": "0", "method": method, "params": params}
        data = self.post("/json_rpc", asked, timeout)
        if data.get("error"):
            raise CallError(method, data["error"])
        return data.get("result")

    def post(self, path: str, body: Any, timeout: int = CALL_SECONDS) -> Any:
        headers = {"Content-Type": "application/json"}
        raw = json.dumps(body)
        with contextlib.closing(http.client.HTTPConnection(HOST, self.port, timeout=timeout)) as connection:
            for _ in range(2):
                connection.request("POST", path, raw, headers)
                answer = connection.getresponse()
                given = answer.read()
                if answer.status != 401 or "Authorization" in headers or not self.user:
                    break
                headers["Authorization"] = self._login(answer.getheader("WWW-Authenticate") or "", path)
        if not given.startswith(b"{"):
            raise DevnetError(f"HTTP {answer.status} from {self.url}{path}")
        return json.loads(given)

    def _login(self, challenge: str, path: str) -> str:
        asked = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
        once = secrets.token_hex(8)
        secret = _md5(self.user, asked["realm"], self.password)
        response = _md5(secret, asked["nonce"], "00000001", once, "auth", _md5("POST", path))
        return (
            f'Digest username="{self.user}", realm="{asked["realm"]}", nonce="{asked["nonce"]}", uri="{path}", '
            f'algorithm=MD5, qop=auth, nc=00000001, cnonce="{once}", response="{response}"'
        )


def _md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode()).hexdigest()
