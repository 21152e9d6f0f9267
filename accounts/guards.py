"""The database's own refusal to change or drop a line of the audit trail; put back after every migration."""

from __future__ import annotations

from typing import Any, Final

from django.db import connections

from accounts.models import AuditEvent

TABLE: Final = AuditEvent._meta.db_table
SQLITE: Final = tuple(
    f"CREATE TRIGGER IF NOT EXISTS audit_no_{verb} BEFORE {verb} ON {TABLE} "
    "BEGIN SELECT RAISE(ABORT, 'audit events are only added'); END"
    for verb in ("update", "delete")
)
POSTGRESQL: Final = (
    "CREATE OR REPLACE FUNCTION audit_only_added() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'audit events are only added'; END $$",
    f"CREATE OR REPLACE TRIGGER audit_only_added BEFORE UPDATE OR DELETE ON {TABLE} "
    "FOR EACH ROW EXECUTE FUNCTION audit_only_added()",
)


def apply_after_migrate(*, using: str, **_: Any) -> None:
    connection = connections[using]
    if TABLE not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        for statement in POSTGRESQL if connection.vendor == "postgresql" else SQLITE:
            cursor.execute(statement)
