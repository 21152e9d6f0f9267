"""A backup of a test's ledger, taken and put back as docs/running.md says."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from ledger.services import rules
from tests.support.components import needs
from tests.support.databases import Database, close_all

__all__ = ["Backup"]


class Backup:
    """Made now; restore() puts the whole ledger back to this moment. No process may be using it then."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.file = database.folder / "backup"
        close_all()
        if database.engine == "sqlite":
            with closing(sqlite3.connect(self._ledger)) as source, closing(sqlite3.connect(self.file)) as copy:
                source.backup(copy)
        else:
            self._run("pg_dump", "--format=custom", f"--file={self.file}", f"--dbname={self._dsn(self._name)}")

    def restore(self) -> None:
        close_all()
        rules._kept.clear()  # as in a process that is started anew
        if self.database.engine == "sqlite":
            for suffix in ("-wal", "-shm"):
                Path(f"{self._ledger}{suffix}").unlink(missing_ok=True)
            self._ledger.write_bytes(self.file.read_bytes())
            return
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {self._name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {self._name}".encode())
        self._run("pg_restore", "--exit-on-error", f"--dbname={self._dsn(self._name)}", str(self.file))

    @property
    def _ledger(self) -> Path:
        return self.database.folder / "ledger.sqlite3"

    @property
    def _name(self) -> str:
        return urlsplit(self.database.url).path.rsplit("/", 1)[1]

    def _dsn(self, name: str) -> str:
        parts = urlsplit(self.database.url)
        folder, user = parts.path.rsplit("/", 1)[0].replace("//", "/"), parse_qs(parts.query)["user"][0]
        return f"host={folder} user={user} dbname={name}"

    def _run(self, program: str, *args: str) -> None:
        done = subprocess.run([needs("postgres").parent / program, *args], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
