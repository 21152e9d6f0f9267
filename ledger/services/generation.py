"""How far this site has got, told twice: by a row of the database and by a file beside its keys.

The number grows in the same transaction as whatever must not happen again: a payment handed to the network, an
address given away, a number allotted. The file follows each commit, before the network hears of the payment. A
restored database is behind its file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max

from ledger.models import Generation, Transaction
from ledger.models.recovery import ONE
from wallets_site.base.ids import new_key


@dataclass(frozen=True, slots=True)
class Mark:
    """What the file says."""

    site: str
    number: int
    jumps: int


def row() -> Generation:
    """The one row, made on first use."""
    found = Generation.objects.filter(pk=ONE).first()
    if found is None:
        Generation.objects.bulk_create([Generation(pk=ONE, site=new_key())], ignore_conflicts=True)
        found = Generation.objects.get(pk=ONE)
    return found


def bump() -> None:
    """One further, inside the caller's transaction and as the last thing it locks; the file follows the commit."""
    if not Generation.objects.filter(pk=ONE).update(number=F("number") + 1):
        row()
        Generation.objects.filter(pk=ONE).update(number=F("number") + 1)
    transaction.on_commit(write)


def note_progress() -> None:
    """For the sweep: what was booked since it last looked counts as well."""
    newest = Transaction.objects.aggregate(newest=Max("pk"))["newest"] or 0
    with transaction.atomic():
        if row().noted < newest:
            Generation.objects.filter(pk=ONE).update(noted=newest)
            bump()


def read() -> Mark | None:
    """The file's word; None where there is none. A file that cannot be read as one counts as another site's."""
    try:
        text = Path(settings.GENERATION_FILE).read_text()
    except FileNotFoundError:
        return None
    try:
        site, number, jumps = text.split()
        return Mark(site, int(number), int(jumps))
    except ValueError:
        return Mark("", 0, 0)


def write(*, replace: bool = False) -> None:
    """Bring the file up to the database. It never goes back; another site's file is left alone unless `replace`."""
    made = row()
    with _alone():
        before = read()
        if before is not None and before.site != made.site and not replace:
            return
        if before is None or before.site != made.site:
            before = Mark(made.site, 0, 0)
        _store(Mark(made.site, max(made.number, before.number), max(made.jumps, before.jumps)))
    if not made.marked:
        Generation.objects.filter(pk=ONE).update(marked=True)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    path = Path(settings.GENERATION_FILE)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_name(path.name + ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _store(mark: Mark) -> None:
    """Durable before it takes the old one's place."""
    path = Path(settings.GENERATION_FILE)
    partial = path.with_name(path.name + ".new")
    with partial.open("w") as out:
        out.write(f"{mark.site} {mark.number} {mark.jumps}\n")
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
