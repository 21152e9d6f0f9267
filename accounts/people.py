"""A person read in one question together with what they may do: for paths where each question counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from accounts.capabilities import Capability, Standing, remember
from accounts.models import User

COLUMNS: Final = tuple(field.attname for field in User._meta.concrete_fields)
WIDTH: Final = len(COLUMNS) + 2


class _Listed(Subquery):
    """The one column of a subquery as a list; on SQLite, which has none, as texts joined by commas."""

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, template="ARRAY(%(subquery)s)")

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, template="(SELECT group_concat(codename) FROM (%(subquery)s))")


def columns(ref: str = "pk", prefix: str = "") -> tuple[Any, ...]:
    """What values_list() must ask for so that read() can make a person of it.

    ref: the field that holds the person's number; prefix: the way to the person's own fields.
    """
    person = OuterRef(OuterRef(ref))
    own = User.user_permissions.through.objects.filter(user_id=person).values("permission_id")
    by_group = Group.permissions.through.objects.filter(group__user=person).values("permission_id")
    held = Permission.objects.filter(
        Q(pk__in=own) | Q(pk__in=by_group), content_type__app_label=User._meta.app_label, codename__in=list(Capability)
    )
    proven = EmailAddress.objects.filter(user_id=OuterRef(ref), email=F("user__email"), primary=True, verified=True)
    return (*(prefix + name for name in COLUMNS), _Listed(held.order_by().values("codename")), Exists(proven))


def holding(capability: Capability) -> QuerySet[User]:
    """Active people who may do this, as may() says."""
    wanted = {"permission__content_type__app_label": User._meta.app_label, "permission__codename": capability.value}
    own = User.user_permissions.through.objects.filter(user_id=OuterRef("pk"), **wanted)
    by_group = Group.permissions.through.objects.filter(group__user=OuterRef("pk"), **wanted)
    return User.objects.filter(Q(is_superuser=True) | Exists(own) | Exists(by_group), is_active=True)


def read(row: Sequence[Any]) -> User:
    """The person a row of columns() begins with; what they may do is remembered with the object, and is fresh."""
    user = User.from_db("default", COLUMNS, row[: len(COLUMNS)])
    said, proven = row[len(COLUMNS) : WIDTH]
    names = said.split(",") if isinstance(said, str) else said or ()
    remember(user, Standing(frozenset(names), bool(proven)))
    return user
