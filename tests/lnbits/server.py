"""A real LNbits 1.6.2 on make-believe money (FakeWallet, SQLite), on a loopback port, for tests.

It lives in an environment of its own, outside the repository: $LNBITS_TEST_HOME, or the user's cache directory.
To make it: python -m tests.lnbits.server
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.devnet.processes import Processes, free_port
from tests.devnet.rpc import HOST

VERSION = "1.6.2"
# LNbits 1.6.2 does not start with a newer bitstring: its bolt11 needs a class that is gone there.
REQUIREMENTS = (f"lnbits=={VERSION}", "bitstring==4.3.1")
PYTHONS = ("python3.11", "python3.12", "python3.10")
PASSWORD = "correct-horse-1"


def home() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("LNBITS_TEST_HOME") or Path(cache) / "wallets-tests") / f"lnbits-{VERSION}"


def _mark() -> Path:
    return home() / ".complete"


def install() -> None:
    """Makes the environment anew. Raises CalledProcessError, or RuntimeError without a Python that LNbits can use."""
    usable = [found for name in PYTHONS if (found := _works(name))]
    if not usable:
        raise RuntimeError(f"LNbits {VERSION} needs Python 3.10, 3.11 or 3.12")
    shutil.rmtree(home(), ignore_errors=True)
    home().parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([usable[0], "-m", "venv", str(home())], check=True)
    subprocess.run([str(home() / "bin" / "pip"), "install", "--quiet", *REQUIREMENTS], check=True)
    _mark().touch()


def _works(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        return ""
    return (
        found if subprocess.run([found, "-c", "import venv"], capture_output=True, check=False).returncode == 0 else ""
    )


def ensure() -> None:
    """Installs it where it is missing. Raises as install() does."""
    if not _mark().exists():
        install()


def need() -> None:
    """Skips with what is missing; on a CI machine LNbits is installed, and a failure to do so is a failure."""
    if not _mark().exists() and os.environ.get("CI") != "true":
        pytest.skip(f"needs LNbits {VERSION} in {home()}: run python -m tests.lnbits.server")
    ensure()


@dataclass(frozen=True)
class Keys:
    """One wallet of the server."""

    id: str
    admin: str
    invoice: str


class LnbitsServer:
    """One server with its superuser. The directory is its memory: start() after stop() knows everything."""

    def __init__(self, directory: Path, **settings: str) -> None:
        """settings: of LNbits itself, in the place of those that make its money up."""
        self.directory = directory
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._processes = Processes(directory)
        self._token = ""
        self._settings = settings

    def start(self, *, install: bool = True) -> None:
        """Waits until it answers. install: with a first superuser, without whom it redirects everything."""
        package = next(home().glob("lib/python3*/site-packages/lnbits"))
        with contextlib.suppress(FileExistsError):
            (self.directory / "lnbits").symlink_to(package)  # it reads its static files from where it starts
        settings = {
            "LNBITS_ADMIN_UI": "true",
            "LNBITS_BACKEND_WALLET_CLASS": "FakeWallet",
            "LNBITS_DATA_FOLDER": str(self.directory / "data"),
            "LNBITS_EXTENSIONS_PATH": str(self.directory),
            "LNBITS_RATE_LIMIT_NO": "1000000",
            "LNBITS_AUDIT_ENABLED": "false",
            "AUTH_SECRET_KEY": "for-tests-only",
            "DEBUG": "false",
            **self._settings,
        }
        python = str(home() / "bin" / "python")
        serve = ["-m", "uvicorn", "lnbits.__main__:app", "--host", HOST, "--port", str(self.port)]
        command = [*(f"{name}={value}" for name, value in settings.items()), python, *serve]
        where = ["--app-dir", str(self.directory), "--no-access-log"]
        (self.directory / "data").mkdir(exist_ok=True)
        self._processes.spawn("lnbits", self.port, ["env", *command, *where], self._probe)
        if install and not self._token:
            self._become_superuser()

    def stop(self, *, kill: bool = False) -> None:
        self._processes.end("lnbits", kill=kill)

    def _probe(self) -> None:
        """Any HTTP answer will do: before it is installed it redirects everything."""
        self.call("GET", "/api/v1/health")

    def _become_superuser(self) -> None:
        person = {"username": "admin", "password": PASSWORD, "password_repeat": PASSWORD}
        self._token = self.must("PUT", "/api/v1/auth/first_install", person)["access_token"]

    def new_wallet(self, name: str, sats: int = 0) -> Keys:
        """A wallet of a new account, with money from nowhere."""
        made = self.must("POST", "/api/v1/account", {"name": name})
        keys = Keys(made["id"], made["adminkey"], made["inkey"])
        # Without a currency: else the server asks for its price, offline for seconds, at each payment.
        self.must("PATCH", "/api/v1/wallet", {"currency": ""}, key=keys.admin)
        if sats:
            self.must("PUT", "/users/api/v1/balance", {"id": keys.id, "amount": sats}, token=True)
        return keys

    def must(self, method: str, path: str, body: Any = None, *, key: str = "", token: bool = False) -> Any:
        status, data = self.call(method, path, body, key=key, token=token)
        assert status in (200, 201), f"{method} {path}: HTTP {status}: {data}"
        return data

    def call(self, method: str, path: str, body: Any = None, *, key: str = "", token: bool = False) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if key:
            headers["X-Api-Key"] = key
        if token:
            headers["Authorization"] = f"Bearer {self._token}"
        line = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            line.request(method, path, json.dumps(body) if body is not None else None, headers)
            reply = line.getresponse()
            raw = reply.read()
        finally:
            line.close()
        try:
            return reply.status, json.loads(raw)
        except ValueError:
            return reply.status, None


@pytest.fixture(scope="session")
def lnbits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LnbitsServer]:
    """One server per test process; each test makes wallets of its own."""
    need()
    server = LnbitsServer(tmp_path_factory.mktemp("lnbits"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    install()
    print(f"LNbits {VERSION} stands ready in {home()}")
