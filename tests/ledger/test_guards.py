from __future__ import annotations

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState
from django.db.models.signals import post_migrate, pre_migrate

from ledger import guards


def _alter(table_model: str):
    """Run one migration that alters a table of the ledger, as `manage.py migrate` would."""
    from django.apps import apps
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    state: ProjectState = executor.loader.project_state()
    migration = migrations.Migration("guard_test", "ledger")
    field = migrations.AddField(table_model, "scribble", models.CharField(max_length=5, default="x"))
    setattr(migration, "operations", [field])  # noqa: B010 - an instance of its own, not the class
    config = apps.get_app_config("ledger")
    pre_migrate.send(sender=config, app_config=config, using="default", plan=[(migration, False)], verbosity=0)
    with connection.schema_editor() as editor:
        migration.apply(state, editor)
    without = guards.missing(connection)
    post_migrate.send(sender=config, app_config=config, using="default", plan=[(migration, False)], verbosity=0)
    return without


@pytest.mark.both_databases
def test_every_guard_stands_in_a_migrated_database(site):
    assert guards.missing(connection) == []
    assert len(guards.wanted(connection.vendor)) >= 17


@pytest.mark.parametrize("model", ["account", "posting", "transaction", "queue", "dispatch"])
def test_a_migration_that_rebuilds_a_table_leaves_every_guard_in_place(site, model):
    without = _alter(model)

    assert without != [], "the migration was meant to take the guards away"
    assert guards.missing(connection) == []


def test_a_guard_that_was_dropped_or_altered_is_missed(site):
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER guard_posting_update")
        cursor.execute("DROP TRIGGER guard_posting_delete")
        cursor.execute("CREATE TRIGGER guard_posting_delete BEFORE DELETE ON ledger_posting BEGIN SELECT 1; END")

    assert guards.missing(connection) == ["guard_posting_delete", "guard_posting_update"]


@pytest.mark.postgresql
def test_a_guard_that_was_switched_off_is_missed(site):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_posting DISABLE TRIGGER guard_posting_change")

    assert guards.missing(connection) == ["guard_posting_change"]


@pytest.mark.both_databases
def test_putting_guards_back_may_be_repeated(site):
    guards.apply(connection)
    guards.apply(connection)

    assert guards.missing(connection) == []


@pytest.mark.postgresql
@pytest.mark.parametrize("name", ["guard_posting_agrees()", "ledger_post"])
def test_a_guarding_function_that_was_rewritten_is_missed(site, name):
    with connection.cursor() as cursor:
        if name == "ledger_post":
            cursor.execute("ALTER FUNCTION ledger_post RENAME TO ledger_post_of_old")
        else:
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {name} RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
            )

    assert guards.missing(connection) == [name.removesuffix("()")]
