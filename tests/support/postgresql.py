"""A PostgreSQL cluster of the test run's own, in a scratch directory, reached by a unix socket."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests.support.components import needs
from tests.support.processes import Child, wait_for, working_in

USER = "wallets"
# Ordinary tests survive no power cut; crash tests ask for a durable cluster.
FAST = ("fsync=off", "synchronous_commit=on", "full_page_writes=off")
DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")


def _as_whom() -> list[str]:
    """PostgreSQL refuses to run as root: then its Debian user takes over, or nobody."""
    if os.geteuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    pytest.fail("root cannot run PostgreSQL and this machine has no user postgres or nobody", pytrace=False)


def _give_away(directory: Path) -> None:
    if os.geteuid() == 0:
        uid = next(int(part.split("=")[1]) for part in _as_whom() if part.startswith("--reuid="))
        os.chown(directory, uid, -1)


class Cluster:
    def __init__(self, *, durable: bool = False) -> None:
        self.binaries = needs("postgres").parent
        # Not under the run's own directory: that one is closed to other users, and a socket path is short.
        self.home = Path(tempfile.mkdtemp(prefix="wallets-pg-"))
        _give_away(self.home)
        self.settings = DURABLE if durable else FAST
        self._initialise()
        self.start()

    def _initialise(self) -> None:
        command = [self.binaries / "initdb", "--pgdata", self.home / "data", "--username", USER]
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        done = subprocess.run([*_as_whom(), *map(str, command), *options], capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        options = (*self.settings, "listen_addresses=", f"unix_socket_directories={self.home}", "max_connections=120")
        flags = [part for option in options for part in ("-c", option)]
        # The inner setpriv sets the death signal after the change of user, which clears it.
        signal_too = ["setpriv", "--pdeathsig", "INT"]
        command = [*_as_whom(), *signal_too, self.binaries / "postgres", "-D", self.home / "data", *flags]
        self.log = self.home.with_suffix(".log")
        self.child = Child(command, log=self.log, cwd=Path("/"))
        try:
            wait_for("PostgreSQL", self._answers, seconds=30)
        except AssertionError as error:
            self.child.kill()
            raise AssertionError(f"{error}\n{self.child.output()}") from None

    def _answers(self) -> bool:
        assert self.child.running, self.child.output()
        try:
            psycopg.connect(self.dsn("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def dsn(self, database: str) -> str:
        return f"host={self.home} user={USER} dbname={database}"

    def url(self, database: str) -> str:
        """As DATABASE_URL wants it."""
        return f"postgres:///{self.home}/{database}?user={USER}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def crash(self) -> None:
        """kill -9 of the whole server, as a power cut would.

        Each server process is a group of its own, and the next start is refused while one still holds the memory they
        share: all of them are gone when this returns.
        """
        self.child.kill()
        wait_for("the servers' end", self._all_killed)

    def _all_killed(self) -> bool:
        servers = working_in(self.home / "data")
        for pid in servers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not servers

    def remove(self) -> None:
        self.child.stop(signal.SIGINT)
        shutil.rmtree(self.home, ignore_errors=True)
        self.log.unlink(missing_ok=True)
