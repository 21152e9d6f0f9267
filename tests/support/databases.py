"""Databases for tests: migrated once as a template, and each test works on its own copy.

Nothing is ever flushed: the books are append-only and their triggers forbid it. SQLite copies are
copied files; PostgreSQL copies are CREATE DATABASE … TEMPLATE in a cluster of the run's own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from django_q.conf import Conf

from adapters import registry
from tests.support.postgresql import Cluster
from wallets_site.databases import postgresql, sqlite

SQLITE_FILES = ("ledger", "queue", "cache")
TEMPLATE = "wallets_template"
ALIASES = {"ledger": "default", "queue": "queue", "cache": "cache"}


def run_root() -> Path:
    """This process's part of the run's scratch directory."""
    return Path(os.environ["WALLETS_TEST_ROOT"]) / os.environ.get("PYTEST_XDIST_WORKER", "main")


def sqlite_aliases(folder: Path) -> dict[str, dict[str, Any]]:
    """As wallets_site/settings.py arranges an embedded site."""
    return {
        alias: sqlite(folder / f"{name}.sqlite3", synchronous="FULL" if name == "ledger" else "NORMAL")
        for name, alias in ALIASES.items()
    }


def postgresql_aliases(url: str) -> dict[str, dict[str, Any]]:
    return {"default": postgresql(environ.Env.db_url_config(url), pool=8)}


def close_all(*, pools: bool = True) -> None:
    """Every connection of this thread, and the process's pools, whichever thread filled them."""
    for connection in connections.all(initialized_only=True):
        connection.close()
    held = vars(PostgreSQL)["_connection_pools"]
    for alias in list(held) if pools else []:
        held.pop(alias).close()


def use(aliases: dict[str, dict[str, Any]]) -> None:
    """From now on the process speaks to these databases, in every thread that opens a connection."""
    close_all()
    current = connections.settings
    for alias in list(current):
        with contextlib.suppress(AttributeError):  # this thread never opened it
            del connections[alias]
    current.clear()
    current.update(connections.configure_settings(aliases))
    Conf.ORM = "queue" if "queue" in aliases else "default"
    ContentType.objects.clear_cache()
    vars(registry._open).clear()


def migrate() -> None:
    for alias in connections.settings:
        call_command("migrate", database=alias, verbosity=0)
        call_command("createcachetable", database=alias, verbosity=0)
    close_all()


@dataclass(frozen=True)
class Database:
    """One test's own databases. `environment` points a child process at the very same ones."""

    engine: str
    folder: Path
    url: str = ""

    @property
    def environment(self) -> dict[str, str]:
        return {"WALLETS_DATA_DIR": str(self.folder), "DATABASE_URL": self.url}


class Templates:
    """Made on first use, one of each engine for the whole run of this process."""

    def __init__(self) -> None:
        self.folder = run_root()
        self.cluster: Cluster | None = None
        self._numbers = itertools.count(1)
        self._sqlite: Path | None = None

    def sqlite(self) -> Path:
        if self._sqlite is None:
            made = self.folder / "template"
            use(sqlite_aliases(made))
            migrate()
            self._sqlite = made
        return self._sqlite

    def postgresql(self) -> Cluster:
        if self.cluster is None:
            self.cluster = Cluster()
            self.cluster.execute(f"CREATE DATABASE {TEMPLATE}")
            use(postgresql_aliases(self.cluster.url(TEMPLATE)))
            migrate()
        return self.cluster

    @contextmanager
    def copy(self, engine: str) -> Iterator[Database]:
        """A fresh copy in use; given back and removed at the end, whatever still holds it."""
        make = {"sqlite": self._copy_sqlite, "postgresql": self._copy_postgresql}[engine]
        before = settings.GENERATION_FILE
        with make(self.folder / f"site{next(self._numbers)}") as database:
            settings.GENERATION_FILE = database.folder / "generation"  # where its child processes find it as well
            try:
                yield database
            finally:
                settings.GENERATION_FILE = before

    @contextmanager
    def _copy_sqlite(self, folder: Path) -> Iterator[Database]:
        template = self.sqlite()
        folder.mkdir(parents=True)
        for name in SQLITE_FILES:
            shutil.copy(template / f"{name}.sqlite3", folder)
        use(sqlite_aliases(folder))
        try:
            yield Database("sqlite", folder)
        finally:
            close_all()
            shutil.rmtree(folder)

    @contextmanager
    def _copy_postgresql(self, folder: Path) -> Iterator[Database]:
        cluster = self.postgresql()
        name = f"{folder.name}_{threading.get_native_id()}"
        folder.mkdir(parents=True)
        cluster.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        use(postgresql_aliases(cluster.url(name)))
        try:
            yield Database("postgresql", folder, cluster.url(name))
        finally:
            close_all()
            cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")
            shutil.rmtree(folder)

    def remove(self) -> None:
        close_all()
        if self.cluster is not None:
            self.cluster.remove()
        shutil.rmtree(self.folder, ignore_errors=True)
