"""Many threads, one commit: on SQLite a commit waits for the disk, and only one transaction writes at a time.

Whoever comes while a commit is under way joins the next one. Nobody is told of success before the disk has it.
PostgreSQL does the same by itself.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.db import DatabaseError, connection, transaction
from django.utils import translation

T = TypeVar("T")
MOST: Final = 64  # services in a commit


@dataclass(slots=True, eq=False)
class _Job:
    do: Callable[[], Any]
    language: str | None = field(default_factory=translation.get_language)  # its caller's, for what it refuses
    turn: threading.Event = field(default_factory=threading.Event)
    done: bool = False
    value: Any = None
    error: BaseException | None = None

    def answer(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


class _Line:
    """The threads of this process that want to write: the first of them works for all who wait."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._led = False

    def join(self, do: Callable[[], T]) -> T:
        job = _Job(do)
        with self._guard:
            self._waiting.append(job)
            leads, self._led = not self._led, True
        if not leads:
            job.turn.wait()
        while not job.done:  # this thread leads now
            self._work()
        return job.answer()  # type: ignore[no-any-return]

    def _work(self) -> None:
        with self._guard:
            jobs = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            _commit(jobs)
        finally:
            with self._guard:
                following = self._waiting[0] if self._waiting else None
                self._led = following is not None
            for job in jobs:
                job.done = True
                job.turn.set()
            if following is not None:
                following.turn.set()


def _commit(jobs: list[_Job]) -> None:
    """Each in a savepoint of its own: a refusal takes back its own work alone. Where all of it is refused at its
    commit, each is tried by itself, so that one cannot spoil the others."""
    try:
        with transaction.atomic(durable=True):
            for job in jobs:
                _run(job)
            if transaction.get_rollback():
                raise DatabaseError("the database gave up the transaction")
    except BaseException as error:  # noqa: BLE001 - told to its caller
        for job in jobs:
            job.value, job.error = None, error
            if len(jobs) > 1:
                job.error = None
                _commit([job])


def _run(job: _Job) -> None:
    try:
        with transaction.atomic(), translation.override(job.language):
            job.value = job.do()
    except BaseException as error:  # noqa: BLE001 - told to its caller
        job.error = error


_lines: dict[str, _Line] = {}


def together(do: Callable[[], T]) -> T:
    """do() in a transaction of its own, or on SQLite in one it shares with others that come at the same moment.

    Returns or raises what it did, once that is committed. `do` may run in another thread; it opens no durable
    transaction. Raises RuntimeError inside a transaction, as a durable one does.
    """
    if connection.in_atomic_block:
        raise RuntimeError("this commits by itself and cannot be part of a transaction")
    if connection.vendor != "sqlite":
        with transaction.atomic(durable=True):
            return do()
    return _lines.setdefault(str(connection.settings_dict["NAME"]), _Line()).join(do)
