"""Somebody's newest rows of a table that everybody's rows share, by the index that begins with the person."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from django.db.models import BigIntegerField, F, Func, Model, QuerySet, Value
from django.db.models.lookups import LessThan

M = TypeVar("M", bound=Model)
_COUNT: Final = BigIntegerField()


class _Pair(Func):
    """Two values that the database compares as one: (user, id) < (7, 400)."""

    template = "(%(expressions)s)"
    arg_joiner = ", "
    output_field = _COUNT


def newest_of(rows: QuerySet[M, Any], user_id: int, before: int | None = None) -> QuerySet[M, Any]:
    """This person's rows, newest first; before: only those with a lower id.

    A plain `user = 7 ORDER BY id DESC` lets the database walk the table's end and skip everybody else's rows, which it
    does for whoever owns many: as many as others wrote since. Asked for a range of people, in their order, it has to
    take the index on (user, id).
    """
    mine = rows.filter(user_id__gte=user_id, user_id__lte=user_id)
    if before is not None:
        mine = mine.filter(LessThan(_Pair(F("user_id"), F("pk")), _Pair(Value(user_id), Value(before))))
    return mine.order_by("-user_id", "-pk")
