"""The database's own refusal to change or drop a line of the audit trail; put back after every migration.

One change is let through: the details of a line are erased, once, while its digest stays.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.models import AuditEvent, AuditSeal

TABLE: Final = AuditEvent._meta.db_table
SEALS: Final = AuditSeal._meta.db_table
KEPT: Final = ("id", "at", "who_id", "about_id", "what", "digest")
_ERASED: Final = "NEW.object = '' AND NEW.ip IS NULL AND NEW.salt = '' AND {empty}"
_ERASURE: Final = f"OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL AND {_ERASED}"


def _sqlite() -> dict[str, str]:
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in KEPT)
    erasure = _ERASURE.format(empty="NEW.data = '{}'")
    refuse = "BEGIN SELECT RAISE(ABORT, 'audit events are only added'); END"
    return {
        "audit_no_update": f"BEFORE UPDATE ON {TABLE} WHEN NOT ({same} AND {erasure}) {refuse}",
        "audit_no_delete": f"BEFORE DELETE ON {TABLE} {refuse}",
        "audit_seal_no_update": f"BEFORE UPDATE ON {SEALS} {refuse}",
        "audit_seal_no_delete": f"BEFORE DELETE ON {SEALS} {refuse}",
    }


def _postgresql() -> dict[str, str]:
    old, new = (", ".join(f"{side}.{name}" for name in KEPT) for side in ("OLD", "NEW"))
    erasure = _ERASURE.format(empty="NEW.data = '{}'::jsonb")
    refuse = "EXECUTE FUNCTION audit_only_added()"
    changed = f"NOT (({new}) IS NOT DISTINCT FROM ({old}) AND {erasure})"
    return {
        "audit_only_added": f"BEFORE UPDATE ON {TABLE} FOR EACH ROW WHEN ({changed}) {refuse}",
        "audit_no_delete": f"BEFORE DELETE ON {TABLE} FOR EACH ROW {refuse}",
        "audit_no_truncate": f"BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT {refuse}",
        "audit_seal_only_added": f"BEFORE UPDATE OR DELETE ON {SEALS} FOR EACH ROW {refuse}",
        "audit_seal_no_truncate": f"BEFORE TRUNCATE ON {SEALS} FOR EACH STATEMENT {refuse}",
    }


_FUNCTION: Final = (
    "CREATE OR REPLACE FUNCTION audit_only_added() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'audit events are only added'; END $$"
)


def _wanted(vendor: str) -> dict[str, str]:
    return _postgresql() if vendor == "postgresql" else _sqlite()


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Guards that should stand in this database and do not, or were altered."""
    wanted = _wanted(connection.vendor)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND NOT tgisinternal")
            found = {name for (name,) in cursor.fetchall()}
            cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'audit_only_added'")
            bodies = cursor.fetchall()
            if bodies != [(_FUNCTION.split("$$")[1],)]:
                return sorted(wanted)
            return sorted(set(wanted) - found)
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        texts = dict(cursor.fetchall())
    return sorted(name for name, text in wanted.items() if texts.get(name) != f"CREATE TRIGGER {name} {text}")


def drop(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for name, text in _wanted(connection.vendor).items():
            on = f" ON {SEALS if SEALS in text else TABLE}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def apply_after_migrate(*, using: str, **_: Any) -> None:
    connection = connections[using]
    if not {TABLE, SEALS} <= set(connection.introspection.table_names()):
        return
    drop(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for name, text in _wanted(connection.vendor).items():
            cursor.execute(f"CREATE TRIGGER {name} {text}")
