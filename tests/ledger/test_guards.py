from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, migrations, models, transaction
from django.db.migrations.state import ProjectState
from django.db.models.signals import post_migrate, pre_migrate

from ledger import guards
from ledger.models import PolicyRule, RuleSet
from ledger.services import policy_sets
from tests.support.factories import make_manager
from tests.support.policy import add_rules, in_force
from wallets_site.base.clock import now


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


@pytest.mark.parametrize("model", ["account", "posting", "transaction", "queue", "dispatch", "ruleset", "policyrule"])
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


# Rules that were published ----------------------------------------------------------------------------
BLOCK = {"verdict": "block", "destination": "external"}


def rules_now():
    return list(RuleSet.objects.order_by("pk").values()), list(PolicyRule.objects.order_by("pk").values())


REWRITES = {
    "a rule is loosened": lambda made: made.rules.update(verdict="allow"),
    "a rule is renamed": lambda made: made.rules.update(name="x"),
    "a rule is deleted": lambda made: made.rules.all()._raw_delete("default"),
    "a rule is added": lambda made: add_rules(made, {"verdict": "allow"}),
    "a rule leaves for a draft": lambda made: made.rules.update(rule_set=RuleSet.objects.get(state="draft")),
    "a rule comes from a draft": lambda made: PolicyRule.objects.filter(rule_set__state="draft").update(rule_set=made),
    "it is a draft again": lambda made: RuleSet.objects.filter(pk=made.pk).update(state="draft"),
    "it counts from another moment": lambda made: RuleSet.objects.filter(pk=made.pk).update(effective_at=now()),
    "somebody else published it": lambda made: RuleSet.objects.filter(pk=made.pk).update(published_by=made.drafted_by),
    "its editors are forgotten": lambda made: RuleSet.objects.filter(pk=made.pk).update(editors=[]),
    "its replay is beautified": lambda made: RuleSet.objects.filter(pk=made.pk).update(replay={"judged": 9}),
    "it ends without a time": lambda made: RuleSet.objects.filter(pk=made.pk).update(state="ended"),
    "it is deleted": lambda made: RuleSet.objects.filter(pk=made.pk)._raw_delete("default"),
    "one appears published": lambda made: RuleSet.objects.create(
        state="published", drafted_by=made.drafted_by, published_by=made.drafted_by, published_at=now(),
        effective_at=now(),
    ),
}  # fmt: skip


@pytest.mark.both_databases
@pytest.mark.parametrize("state", ["published", "ended"])
def test_a_published_version_of_the_rules_is_never_rewritten(site, manager, state):
    made = in_force(manager, BLOCK)
    if state == "ended":
        in_force(make_manager("second"), BLOCK)
        made.refresh_from_db()
    add_rules(RuleSet.objects.create(drafted_by=make_manager("third")), {"verdict": "allow", "name": "drafted"})
    made.drafted_by = make_manager("thief")
    before = rules_now()

    for name, rewrite in REWRITES.items():
        refused = ""
        try:
            with transaction.atomic():
                rewrite(made)
        except IntegrityError as error:
            refused = str(error)
        assert "guard: " in refused, name
        assert rules_now() == before, name


@pytest.mark.both_databases
def test_a_draft_is_changed_and_thrown_away_and_a_published_version_replaced(site, manager):
    made = RuleSet.objects.create(drafted_by=manager)
    add_rules(made, BLOCK, BLOCK)
    made.rules.filter(position=2).delete()
    made.rules.update(name="x")
    RuleSet.objects.filter(pk=made.pk).update(note="y")
    made.rules.all().delete()
    made.delete()
    assert rules_now() == ([], [])

    first = in_force(manager, BLOCK)
    in_force(manager, BLOCK)
    first.refresh_from_db()
    assert (first.state, policy_sets.in_force() == first) == ("ended", False)


@pytest.mark.postgresql
def test_published_rules_are_not_emptied_at_a_stroke(site, manager):
    in_force(manager, BLOCK)
    before = rules_now()
    for table in ("ledger_ruleset", "ledger_policyrule"):
        with pytest.raises(IntegrityError, match="guard"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table} CASCADE")
    assert rules_now() == before
