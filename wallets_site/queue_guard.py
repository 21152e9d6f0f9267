"""What the queue may carry: the names of our own tasks and numbers, as JSON. Nothing that is read there can run code.

django-q2 1.11 pickles what it queues, signed with SECRET_KEY, runs whatever function a package names, and keeps the
outcome of failures as pickles without a signature. Here a package of another shape is dropped unread, in every
process, and outcomes are kept nowhere: what is to be done stands in our own tables.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django_q import conf, core_signing, monitor, signing, status

from ledger.pokes import NAMES

FUNCTIONS: Final = frozenset(f"ledger.tasks.{name}" for name in NAMES)
MOST_BYTES: Final = 1000
MOST_IDS: Final = 4
LARGEST: Final = 2**63
_NAME: Final = re.compile(r"[a-z0-9-]{1,100}", re.ASCII)


class PokeSerializer:
    """Stands in for the pickles of django-q2."""

    @staticmethod
    def dumps(task: dict[str, Any]) -> bytes:
        """Raises BadSignature for what is no task of ours: then nothing is queued."""
        said = {name: value for name, value in task.items() if name not in ("kwargs", "ack_failure", "started")}
        if set(said) != {"id", "name", "func", "args"} or task.get("kwargs"):
            raise signing.BadSignature("only a task's name and numbers may be queued")
        packed = json.dumps({**said, "args": list(task["args"]), "started": str(task.get("started", ""))}).encode()
        PokeSerializer.loads(packed)
        return packed

    @staticmethod
    def loads(data: bytes) -> dict[str, Any]:
        """Raises BadSignature, which django-q2 answers by dropping the package."""
        try:
            found = json.loads(data) if len(data) <= MOST_BYTES else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not _is_ours(found):
            raise signing.BadSignature("this package is not one of ours")
        rest = {name: found[name] for name in ("id", "name", "func")}
        return {**rest, "args": tuple(found["args"]), "kwargs": {}, "started": _moment(found), "ack_failure": True}


def _is_ours(found: dict[str, Any]) -> bool:
    ids = found.get("args")
    return (
        set(found) == {"id", "name", "func", "args", "started"}
        and isinstance(found["func"], str)
        and found["func"] in FUNCTIONS
        and all(isinstance(found[name], str) and _NAME.fullmatch(found[name]) for name in ("id", "name"))
        and isinstance(ids, list)
        and len(ids) <= MOST_IDS
        and all(type(one) is int and 0 <= one < LARGEST for one in ids)
    )


def _moment(found: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(found["started"]))
    except ValueError:
        return None


def _loads(package: str) -> dict[str, Any]:
    """By the key of today or one before: what was queued under that is still done."""
    for key in (conf.Conf.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            found: dict[str, Any] = core_signing.loads(
                package, key=key, salt=conf.Conf.PREFIX, serializer=PokeSerializer
            )
        except signing.BadSignature:
            continue
        return found
    raise signing.BadSignature("this package is not one of ours")


def install() -> None:
    """In every process, those that enqueue and those of the cluster."""
    signing.PickleSerializer = PokeSerializer
    signing.SignedPackage.loads = staticmethod(_loads)
    monitor.save_task = lambda *_: None
    status.Stat.save = lambda _: None
