"""The database's own guards over the books: one SQL file per engine, put back after every migration.

Django rebuilds an SQLite table to alter it and drops the table's triggers without a word; a trigger that
names a table under rebuilding also stops the rebuild. So guards go before a migration and come back after.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

LEDGER: Final = "default"
_NAME: Final = re.compile(r"(?:TRIGGER|CONSTRAINT) (guard_[a-z_]+)")
_FUNCTION: Final = re.compile(r"FUNCTION ((?:guard|ledger)_[a-z_]+)\(.*?AS \$\$(.*)\$\$", re.DOTALL)


def statements(vendor: str) -> list[str]:
    """Every statement that puts the guards in place; on PostgreSQL the function that posts is one of them."""
    files = sorted(Path(__file__).parent.glob(f"{vendor}*.sql"))
    return [part.strip() for path in files for part in path.read_text().split("\n---\n")]


def wanted(vendor: str) -> set[str]:
    """The names of every trigger and constraint the guards consist of."""
    return set(_NAME.findall("\n".join(statements(vendor))))


def _definitions(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname, 'on' FROM pg_trigger WHERE tgname LIKE 'guard%%' AND tgenabled IN ('O', 'A')"
                " UNION SELECT conname, 'on' FROM pg_constraint WHERE conname LIKE 'guard%%'"
            )
        else:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard%%'")
        return dict(cursor.fetchall())


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Guards that should stand in this database and do not, or were altered."""
    found = _definitions(connection)
    absent = wanted(connection.vendor) - set(found)
    if connection.vendor == "postgresql":
        absent |= _altered_functions(connection)
    else:
        meant = {_NAME.findall(part)[0]: part.rstrip(";") for part in statements("sqlite")}
        absent |= {name for name, text in meant.items() if name in found and found[name].rstrip(";") != text}
    return sorted(absent)


def _altered_functions(connection: BaseDatabaseWrapper) -> set[str]:
    meant = dict(_FUNCTION.findall(part)[0] for part in statements("postgresql") if _FUNCTION.search(part))
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE proname = ANY (%s)", [list(meant)])
        found = dict(cursor.fetchall())
    return {name for name, body in meant.items() if found.get(name) != body}


def apply(connection: BaseDatabaseWrapper) -> None:
    """Put every guard in place; may be repeated."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in _definitions(connection):
                cursor.execute(f'DROP TRIGGER "{name}"')
        for statement in statements(connection.vendor):
            cursor.execute(statement, None)


def drop_for_rebuild(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for name in _definitions(connection):
            cursor.execute(f'DROP TRIGGER "{name}"')


def drop_before_migrate(*, using: str, plan: list[Any], **_: Any) -> None:
    connection = connections[using]
    if using == LEDGER and plan and connection.vendor == "sqlite":
        drop_for_rebuild(connection)


def apply_after_migrate(*, using: str, **_: Any) -> None:
    connection = connections[using]
    if using == LEDGER and "ledger_posting" in connection.introspection.table_names():
        apply(connection)
