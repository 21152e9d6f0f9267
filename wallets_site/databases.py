"""How the site speaks to its databases: engine options that money depends on, and what lives where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import models

QUEUE_APP = "django_q"


def sqlite(path: Path, *, synchronous: str) -> dict[str, Any]:
    """WAL, one writer at a time from BEGIN on, and guards that INSERT OR REPLACE cannot slip past."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        "ENGINE": "wallets_site.sqlite",
        "NAME": str(path),
        "CONN_MAX_AGE": 600,  # opening it costs more than most requests
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                f"PRAGMA journal_mode=WAL;PRAGMA synchronous={synchronous};"
                "PRAGMA foreign_keys=ON;PRAGMA recursive_triggers=ON;PRAGMA journal_size_limit=67108864;"
            ),
        },
    }


def postgresql(config: dict[str, Any], *, pool: int) -> dict[str, Any]:
    """psycopg 3 with its own pool; a pooled connection must not be kept by Django as well."""
    options = {**config.get("OPTIONS", {}), "pool": {"min_size": 1, "max_size": pool, "timeout": 20}}
    return {**config, "ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0, "OPTIONS": options}


def read_only(config: dict[str, Any]) -> None:
    """From now on whatever would write is refused by the database itself."""
    options = config["OPTIONS"]
    if "sqlite" in config["ENGINE"]:
        options["init_command"] += "PRAGMA query_only=ON;"
        del options["transaction_mode"]  # it takes no turn among those who write
    else:
        more = "-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"
        options["options"] = f"{options.get('options', '')} {more}".strip()


_inherited: list[Any] = []  # kept, so that nothing of them is closed by being forgotten


def forget_inherited() -> None:
    """For a process that was forked just now: its parent's PostgreSQL connections and pools are its parent's alone.

    They are not closed: that would end the parent's session (psycopg 3, Django 5.2).
    """
    from django.db import connections
    from django.db.backends.postgresql.base import DatabaseWrapper

    pools = vars(DatabaseWrapper)["_connection_pools"]
    _inherited.append(dict(pools))
    pools.clear()
    for held in connections.all(initialized_only=True):
        if isinstance(held, DatabaseWrapper):
            _inherited.append(held)
            del connections[held.alias]


class Router:
    """Embedded sites keep the queue and the cache in files of their own, away from the ledger's writer."""

    def _home(self, app_label: str) -> str:
        from django.conf import settings

        wanted = {QUEUE_APP: "queue", "django_cache": "cache", "wallets_site": "cache"}.get(app_label, "default")
        return wanted if wanted in settings.DATABASES else "default"

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return self._home(model._meta.app_label)

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        return self._home(model._meta.app_label)

    def allow_relation(self, first: models.Model, second: models.Model, **hints: Any) -> bool:
        return self._home(first._meta.app_label) == self._home(second._meta.app_label)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return self._home(app_label) == db
