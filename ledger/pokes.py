"""Pokes: "look at this now". They carry no truth; a lost one is made good by the periodic sweep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from wallets_site.base import throttle

NAMES: Final = ("beat", "sweep", "scan", "look", "pay", "chores", "books", "mail", "reconcile", "rates", "webhooks")
WAITING_SECONDS: Final = 60


def _flag(name: str, ids: tuple[int, ...]) -> str:
    return f"poke:{name}:{'-'.join(map(str, ids))}"


def enqueue(name: str, *ids: int) -> None:
    """Queue ledger.tasks.<name>(*ids) once this transaction commits; at most one of a kind waits at a time."""
    if name not in NAMES or not all(isinstance(item, int) for item in ids):
        raise ValueError(f"no such task: {name}{ids}")
    if settings.CLUSTER_ON:
        transaction.on_commit(lambda: _send(name, ids))


def _send(name: str, ids: tuple[int, ...]) -> None:
    from django_q.tasks import async_task

    if throttle.first(_flag(name, ids), WAITING_SECONDS):
        async_task(f"ledger.tasks.{name}", *ids)


def started(name: str, *ids: int) -> None:
    """The task begins: what happens from now on deserves a new poke."""
    cache.delete(_flag(name, ids))


def forget_all(ids: Iterable[int]) -> None:
    """A cluster died with what it had taken: every poke may be sent anew. ids: the wallets' numbers."""
    cache.delete_many([_flag(name, ()) for name in NAMES] + [_flag(name, (pk,)) for name in NAMES for pk in ids])
