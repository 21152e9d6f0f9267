"""A hash chain over the audit trail, made a little later so that no login and no payment waits for it.

Each block names its events, so one that commits late simply stands in a later block. The head leaves the database:
a log line and a file. Whoever kept one can later prove that the trail was rewritten.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts import guards
from accounts.audit import What, details_digest
from accounts.models import AuditEvent, AuditSeal
from wallets_site.base.clock import now
from wallets_site.base.runs import pack, unknown, unpack

log = logging.getLogger(__name__)

GENESIS: Final = "0" * 64
BLOCK: Final = 1000
LAG: Final = timedelta(seconds=15)  # what is younger may still have neighbours that have not committed
LATE_BLOCKS: Final = 20  # how many blocks back a latecomer is looked for
OVERDUE: Final = timedelta(hours=1)  # what is older and in no block was put in behind the chain's back
COLUMNS: Final = ("id", "at", "who_id", "about_id", "what", "digest")


def block_hash(previous: str, ids: Iterable[int]) -> str:
    """SHA-256 over the previous hash and the lasting part of every row, in order; missing rows change it too."""
    wanted = sorted(ids)
    sha = hashlib.sha256(f"{previous} {pack(wanted)}\n".encode())
    for start in range(0, len(wanted), BLOCK):
        rows = AuditEvent.objects.filter(pk__in=wanted[start : start + BLOCK]).order_by("pk")
        for pk, at, *rest in rows.values_list(*COLUMNS):
            sha.update(json.dumps([pk, at.isoformat(), *rest], separators=(",", ":")).encode() + b"\n")
    return sha.hexdigest()


def seal_pending(*, everything: bool = False) -> int:
    """Seal what is committed and old enough; how many blocks. everything: without waiting."""
    made = 0
    while True:
        latest = list(AuditSeal.objects.order_by("-number")[:LATE_BLOCKS])
        ids = _unsealed(latest, everything)
        if not ids or not _seal(latest[0] if latest else None, ids):
            return made
        made += 1


def _unsealed(latest: list[AuditSeal], everything: bool) -> list[int]:
    """The next ids to seal: latecomers among the last blocks first, then the following ones."""
    known = {number for seal in latest for number in unpack(seal.ids)}
    rows = AuditEvent.objects.filter(pk__gte=min(known, default=0)).order_by("pk")
    if not everything:
        rows = rows.filter(at__lt=now() - LAG)
    return unknown(rows.values_list("pk", flat=True).iterator(chunk_size=2 * BLOCK), known, BLOCK)


def _seal(previous: AuditSeal | None, ids: list[int]) -> bool:
    before, number = (previous.hash, previous.number + 1) if previous else (GENESIS, 1)
    digest = block_hash(before, ids)
    try:
        with transaction.atomic():
            AuditSeal.objects.create(number=number, ids=pack(ids), previous=before, hash=digest)
    except IntegrityError:  # another process made this block
        return False
    log.info("audit trail: block %s of %s events, head %s", number, len(ids), digest)
    path = Path(settings.AUDIT_SEAL_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as out:
        out.write(f"{now().isoformat()} {number} {digest}\n")
    return True


@dataclass
class Report:
    events: int = 0
    erased: int = 0
    sealed: int = 0
    blocks: int = 0
    head: str = GENESIS
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(*, head: str = "") -> Report:
    """Guards, every event's digest and the chain. head: one kept outside; it must be one of this chain's."""
    report = Report()
    report.problems += [f"guard missing in the database: {name}" for name in guards.missing(connection)]
    known = _check_blocks(report, head)
    forgotten = set(AuditEvent.objects.filter(what=What.PERSON_ERASED).values_list("about_id", flat=True))
    for row in AuditEvent.objects.order_by("pk").iterator(chunk_size=BLOCK):
        report.events += 1
        if row.erased_at is not None:
            report.erased += 1
            if row.about_id not in forgotten:
                report.problems.append(f"event {row.pk}: its details were erased, but nobody was forgotten")
        elif details_digest(row) != row.digest:
            report.problems.append(f"event {row.pk}: its details are not what was written")
        if row.pk not in known and row.at < now() - OVERDUE:
            report.problems.append(f"event {row.pk}: stands outside of the chain")
    return report


def _check_blocks(report: Report, head: str) -> set[int]:
    known: set[int] = set()
    previous, hashes = GENESIS, {GENESIS}
    for seal in AuditSeal.objects.order_by("number").iterator():
        report.blocks += 1
        ids = list(unpack(seal.ids))
        if seal.number != report.blocks or seal.previous != previous:
            report.problems.append(f"block {seal.number}: does not follow the block before it")
        if block_hash(seal.previous, ids) != seal.hash:
            report.problems.append(f"block {seal.number}: its {len(ids)} events are not what was sealed")
        if known.intersection(ids):
            report.problems.append(f"block {seal.number}: seals an event twice")
        known.update(ids)
        previous = seal.hash
        hashes.add(previous)
    report.sealed, report.head = len(known), previous
    if head and head not in hashes:
        report.problems.append(f"the head {head} is not in this chain: it was rewritten, or is another site's")
    return known
