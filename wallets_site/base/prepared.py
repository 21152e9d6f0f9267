"""Questions to the database that are built once: for hot paths, where building one costs more than its answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import count
from typing import Any, Final, TypeVar, cast

from django.conf import settings
from django.db import connection
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)
_PIECES: Final = re.compile(r"%%|%s|\b[0-9]{10}\b")
_FIRST_NUMBER: Final = 2_100_000_007  # stand-ins for numbers: 10 digits, as no other number of a statement has
_TEXT: Final = "\x01stand-in {}\x01"


@dataclass(frozen=True, slots=True)
class _Built:
    sql: str
    values: tuple[Any, ...]  # a name to fill in, or a _Fixed
    converters: list[tuple[int, tuple[list[Any], Any]]]
    width: int  # its columns

    def filled(self, values: dict[str, Any]) -> list[Any]:
        return [each.value if isinstance(each, _Fixed) else values[each] for each in self.values]


@dataclass(frozen=True, slots=True)
class _Fixed:
    value: Any


@dataclass(frozen=True, slots=True)
class Question:
    """One question with all it needs, that the request will ask: see ahead()."""

    prepared: Prepared
    values: dict[str, Any]


class _Ahead(threading.local):
    """What this thread asked ahead: the questions, in order, and their first rows."""

    answers: list[tuple[Question, Any]] | None = None


_ahead = _Ahead()


class Prepared:
    """A values_list() queryset with gaps, built on its first use and asked as often as wanted.

    make: builds the queryset from stand-ins for what changes: int for numbers (ids, and both ends of a slice as
    [first : first + count]), str for texts. It is called once for each kind of database.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], **gaps: type) -> None:
        self._make, self._gaps = make, gaps
        self._built: dict[str, _Built] = {}

    def __call__(self, **values: Any) -> Question:
        """The question, to be asked ahead together with others."""
        return Question(self, values)

    def rows(self, **values: Any) -> list[Any]:
        """The rows, their columns in the order of values_list()."""
        built = self._known()
        with _cursor() as cursor:
            cursor.execute(built.sql, built.filled(values))
            found = cursor.fetchall()
        return [_converted(row, built.converters) for row in found] if built.converters else list(found)

    def first(self, **values: Any) -> Any | None:
        if _ahead.answers is not None and not connection.in_atomic_block:
            for place, (question, row) in enumerate(_ahead.answers):
                if question.prepared is self and question.values == values:
                    del _ahead.answers[place]  # once: whoever asks again wants to know what changed
                    return row
        found = self.rows(**values)
        return found[0] if found else None

    def _known(self) -> _Built:
        return self._built.get(connection.vendor) or self._build()

    def _build(self) -> _Built:
        stand_ins = {
            name: _FIRST_NUMBER + 1_003 * 2**number if kind is int else _TEXT.format(name)
            for number, (name, kind) in enumerate(self._gaps.items())
        }
        compiler = self._make(**stand_ins).query.get_compiler(connection=connection)
        sql, given = compiler.as_sql()
        names = {value: name for name, value in stand_ins.items()}
        values: list[Any] = []
        rest = iter(given)

        def fill(piece: re.Match[str]) -> str:
            """Both what Django passes beside the statement and what it writes into it, as LIMIT and OFFSET."""
            if piece[0] == "%%":
                return "%%"
            value = next(rest) if piece[0] == "%s" else int(piece[0])
            values.append(names[value] if _is_known(value, names) else _Fixed(value))
            return "%s"

        text = _PIECES.sub(fill, sql)
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        built = _Built(text, tuple(values), list(converters.items()), len(compiler.select))
        self._built[connection.vendor] = built
        return built


@contextmanager
def ahead(*questions: Question | None) -> Iterator[None]:
    """Asks these in one round trip; until the outermost of these blocks ends, the first first() of each has its answer
    from here.

    For a request that knows what it is about to ask. Nothing is answered from here inside a transaction: what must be
    true under locks is asked there. Where a round trip costs nothing each is asked when its time comes.
    """
    wanted = [each for each in questions if each is not None]
    if len(wanted) < 2 or not _prepares() or connection.in_atomic_block:
        yield
        return
    fresh, outer = list(zip(wanted, _together(wanted), strict=True)), _ahead.answers
    if outer is not None:
        outer.extend(fresh)
        yield
        return
    try:
        _ahead.answers = fresh
        yield
    finally:
        _ahead.answers = None


def _together(questions: Sequence[Question]) -> Iterator[Any]:
    """The first row of each, or None."""
    parts = [each.prepared._known() for each in questions]
    values = [value for part, each in zip(parts, questions, strict=True) for value in part.filled(each.values)]
    with _cursor() as cursor:
        cursor.execute(_side_by_side(tuple(part.sql for part in parts)), values)
        row = cursor.fetchone()
    start = 0
    for part in parts:
        there, found = row[start], row[start + 1 : start + 1 + part.width]
        yield None if there is None else _converted(found, part.converters)
        start += 1 + part.width


@lru_cache
def _side_by_side(statements: tuple[str, ...]) -> str:
    """One statement of one row: of each whether it has a row, and that."""
    names = [f"answer_{number}" for number in range(len(statements))]
    shown = ", ".join(f"{name}.*" for name in names)
    joins = "".join(
        f" LEFT JOIN (SELECT TRUE, own.* FROM ({statement}) own LIMIT 1) {name} ON TRUE"  # noqa: S608 - built above
        for name, statement in zip(names, statements, strict=True)
    )
    return f"SELECT {shown} FROM (SELECT 1) one{joins}"  # noqa: S608 - names of our own


def columns_of(model: type[Model], prefix: str = "") -> list[str]:
    """What values_list() must ask for so that read() can make a row of this model of it."""
    return [prefix + field.attname for field in model._meta.concrete_fields]


def read(model: type[M], row: Sequence[Any]) -> tuple[M, Sequence[Any]]:
    """The object that a row begins with, and what follows it there."""
    names = columns_of(model)
    return model.from_db("default", names, row[: len(names)]), row[len(names) :]


def ask(sql: str, values: Sequence[Any]) -> Any | None:
    """The first row of a hand-written statement, which the server keeps prepared where it may."""
    with _cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()


def _prepares() -> bool:
    return connection.vendor == "postgresql" and settings.WALLETS_DB_PREPARE


def _cursor() -> Any:
    """On PostgreSQL one that prepares: the server keeps the plan, whose making costs more than most answers."""
    if not _prepares():
        return connection.cursor()
    connection.ensure_connection()
    return connection.make_cursor(_preparing()(connection.connection))


@cache
def _preparing() -> Any:
    """Of the driver, which a site on SQLite need not have."""
    from psycopg import RawCursor

    class Preparing(RawCursor[Any]):
        def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            line = cast("Any", self).connection
            line.prepare_threshold = 1  # only for this: whatever else runs here is one of a kind
            try:
                return super().execute(_numbered(query), params, prepare=True)
            finally:
                line.prepare_threshold = None

    return Preparing


@lru_cache(maxsize=1000)
def _numbered(sql: str) -> bytes:
    """The statement as the server reads it, $1 for the first %s: the driver would read a long one anew each time."""
    numbers = count(1)
    return re.sub("%[%s]", lambda piece: "%" if piece[0] == "%%" else f"${next(numbers)}", sql).encode()


def _is_known(value: Any, names: dict[Any, str]) -> bool:
    return isinstance(value, int | str) and value in names


def _converted(row: Any, converters: list[tuple[int, tuple[list[Any], Any]]]) -> list[Any]:
    """A row in Python's own forms, as the fields of its columns make them."""
    found = list(row)
    for place, (steps, expression) in converters:
        for step in steps:
            found[place] = step(found[place], expression, connection)
    return found


def insert(rows: Sequence[Model]) -> None:
    """Write new rows of one model in one statement, as save() would without its signals, and fill in their numbers."""
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    marks = ", ".join(["(" + ", ".join(["%s"] * len(fields)) + ")"] * len(rows))
    table, pk = connection.ops.quote_name(model._meta.db_table), connection.ops.quote_name(str(model._meta.pk.column))
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for row in rows for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES {marks} RETURNING {pk}", values)  # noqa: S608 - names
        numbers = sorted(number for (number,) in cursor.fetchall())
    for row, number in zip(rows, numbers, strict=True):
        row.pk = number
        row._state.adding, row._state.db = False, connection.alias
