"""Every secret of the tests carries one word; whatever the site says anywhere during a run is searched for it.

Searched, in this process: log records of every level with their tracebacks, the reports that Django makes of
exceptions, rows of the audit trail and of the admin's log, what is queued, mails, answers to the test client; and of
child processes all that they printed. A test after which the word was seen somewhere fails, and so does the run.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, cast

import pytest

MARKER = "Kanarienvogel"
AROUND = 80
_FORMAT = logging.Formatter("%(levelname)s %(name)s: %(message)s")


@dataclass
class Watch:
    """Where the word was seen. looked: how many texts of each kind were searched."""

    seen: list[str] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)

    def look(self, kind: str, text: str) -> None:
        self.looked[kind] = self.looked.get(kind, 0) + 1
        at = text.find(MARKER)
        if at >= 0:
            self.seen.append(f"{kind}: …{text[max(0, at - AROUND) : at + AROUND]}…")


_watches = [Watch()]


def look(kind: str, text: str) -> None:
    _watches[-1].look(kind, text)


@contextmanager
def watching() -> Iterator[Watch]:
    """What is seen inside counts for this watch, not for the run."""
    _watches.append(Watch())
    try:
        yield _watches[-1]
    finally:
        _watches.pop()


# -- where it listens --


def _hear_logs() -> None:
    """Records below a logger's own level as well, which then go no further."""
    is_enabled, handle = logging.Logger.isEnabledFor, logging.Logger.handle

    def heard(self: logging.Logger, record: logging.LogRecord) -> None:
        look("log", _FORMAT.format(record))
        record.exc_text = None
        if is_enabled(self, record.levelno):
            handle(self, record)

    logging.Logger.isEnabledFor = lambda self, level: level >= logging.DEBUG  # type: ignore[method-assign]
    logging.Logger.handle = heard  # type: ignore[method-assign]


def _hear_site() -> None:
    from django.contrib.admin.models import LogEntry
    from django.core.mail import EmailMessage
    from django.core.signals import got_request_exception
    from django.db.models.signals import post_save
    from django.test import Client
    from django_q.signals import pre_enqueue

    from accounts.models import AuditEvent

    def row(*, instance: Any, **_: Any) -> None:
        look("trail", repr([getattr(instance, one.attname) for one in instance._meta.concrete_fields]))

    def report(*, request: Any = None, **_: Any) -> None:
        look_at_exception(request)

    def queued(*, task: Any, **_: Any) -> None:
        look("queue", repr(task))

    for model in (AuditEvent, LogEntry):
        post_save.connect(row, sender=model, weak=False)
    got_request_exception.connect(report, weak=False)
    pre_enqueue.connect(queued, weak=False)
    _wrap(EmailMessage, "send", lambda mail, _: look("mail", mail.message().as_string()))
    _wrap(Client, "request", lambda _, answer: look("answer", _text_of(answer)), after=True)


def look_at_exception(request: Any = None) -> None:
    """The report that Django would make of the exception being handled, in both of its forms."""
    from django.views.debug import get_exception_reporter_class

    reporter = cast("Any", get_exception_reporter_class(request))(request, *sys.exc_info())
    look("report", reporter.get_traceback_text())
    look("report", reporter.get_traceback_html())


def _text_of(answer: Any) -> str:
    body = "" if getattr(answer, "streaming", False) else answer.content.decode(errors="replace")
    return "\n".join([*(f"{name}: {value}" for name, value in answer.headers.items()), body])


def _wrap(owner: type, name: str, tell: Any, *, after: bool = False) -> None:
    plain = getattr(owner, name)

    @wraps(plain)
    def told(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not after:
            tell(self, None)
        result = plain(self, *args, **kwargs)
        if after:
            tell(self, result)
        return result

    setattr(owner, name, told)


def look_at_log(path: Path) -> None:
    """What a child process printed."""
    if path.exists():
        look("child", path.read_text(errors="replace"))


# -- the plugin --


def pytest_configure(config: pytest.Config) -> None:
    _hear_logs()


def pytest_sessionstart(session: pytest.Session) -> None:
    _hear_site()


@pytest.fixture(autouse=True)
def no_secret_is_told() -> Iterator[None]:
    watch, before = _watches[0], len(_watches[0].seen)
    yield
    assert watch.seen[before:] == [], "a secret was told"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Also what was seen between tests, where no test could be blamed."""
    if _watches[0].seen:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("\nsecrets were told:", *_watches[0].seen, sep="\n", file=sys.stderr)
