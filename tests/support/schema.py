"""Changes of the tables as `manage.py migrate` makes them, for tests that take something away."""

from __future__ import annotations

from django.db import connection, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation

from ledger import guards


def change(*operations: Operation) -> None:
    """On SQLite the guards go first, for a table under rebuilding has none; whoever wants them puts them back."""
    if connection.vendor == "sqlite":
        guards.drop_for_rebuild(connection)
    state = MigrationExecutor(connection).loader.project_state()
    migration = migrations.Migration("by_a_test", "ledger")
    setattr(migration, "operations", list(operations))  # noqa: B010 - an instance of its own, not the class
    with connection.schema_editor() as editor:
        migration.apply(state, editor)


def drop_constraints(model: str, *names: str) -> None:
    change(*[migrations.RemoveConstraint(model, name) for name in names])
