"""A hash chain over committed transactions, made afterwards so that no payment waits for it.

Each block names its transactions, so one that commits late simply stands in a later block. The head leaves the
database: a log line, a file, a public page and a mail to auditors. Whoever kept one can later prove a rewrite.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from ledger import events, locks
from ledger.models import Event, Posting, Seal, Transaction
from wallets_site.base.clock import now
from wallets_site.base.runs import pack, unpack

log = logging.getLogger(__name__)

GENESIS: Final = "0" * 64
BLOCK: Final = 1000
LAG: Final = timedelta(seconds=15)  # what is younger may still have neighbours that have not committed
LATE_BLOCKS: Final = 20  # how many blocks back a latecomer is looked for
FIELDS: Final = ("id", "kind", "scope", "key", "request_hash", "actor_id", "memo", "reverses_id", "created_at")
LINES: Final = (
    "id", "transaction_id", "number", "coin_id", "debit_id", "credit_id", "amount", "debit_seq", "debit_debits",
    "debit_credits", "credit_seq", "credit_debits", "credit_credits",
)  # fmt: skip


def block_hash(previous: str, ids: Iterable[int]) -> str:
    """SHA-256 over the previous hash and every column of every row, in order of id; missing rows change it too."""
    wanted = sorted(ids)
    sha = hashlib.sha256(previous.encode())
    sha.update(pack(wanted).encode())
    for start in range(0, len(wanted), BLOCK):
        part = wanted[start : start + BLOCK]
        for row in Transaction.objects.filter(pk__in=part).order_by("pk").values_list(*FIELDS):
            sha.update(_line("T", row))
        for row in (
            Posting.objects.filter(transaction_id__in=part).order_by("transaction_id", "number").values_list(*LINES)
        ):
            sha.update(_line("P", row))
    return sha.hexdigest()


def _line(mark: str, row: tuple[object, ...]) -> bytes:
    texts = [value.isoformat() if hasattr(value, "isoformat") else value for value in row]
    return json.dumps([mark, *texts], separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def head() -> Seal | None:
    return Seal.objects.order_by("-number").first()


def seal_pending(*, everything: bool = False, while_true: Callable[[], bool] = lambda: True) -> int:
    """Seal what is committed and old enough; how many blocks. everything: without waiting, for a site that is still.
    while_true: asked before each block."""
    made = 0
    with locks.exclusive("seal") as mine:
        while mine and while_true():
            latest = list(Seal.objects.order_by("-number")[:LATE_BLOCKS])
            ids = _unsealed(latest, everything)
            if not ids:
                break
            _seal(latest[0] if latest else None, ids)
            made += 1
    return made


def _unsealed(latest: list[Seal], everything: bool) -> list[int]:
    """The next ids to seal: latecomers among the last blocks first, then the following ones."""
    known = {number for seal in latest for number in unpack(seal.ids)}
    low = min(known, default=0)
    rows = Transaction.objects.filter(pk__gte=low).order_by("pk")
    if not everything:
        rows = rows.filter(created_at__lt=now() - LAG)
    found: list[int] = []
    for pk in rows.values_list("pk", flat=True).iterator(chunk_size=2 * BLOCK):
        if pk not in known:
            found.append(pk)
            if len(found) == BLOCK:
                break
    return found


def _seal(previous: Seal | None, ids: list[int]) -> None:
    before, number = (previous.hash, previous.number + 1) if previous else (GENESIS, 1)
    digest = block_hash(before, ids)
    with transaction.atomic(durable=True):
        Seal.objects.create(number=number, ids=pack(ids), previous=before, hash=digest)
    log.info("sealed block %s of %s transactions: head %s", number, len(ids), digest)
    _keep_outside(number, digest)


def _keep_outside(number: int, digest: str) -> None:
    path = Path(settings.SEAL_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as out:
        out.write(f"{now().isoformat()} {number} {digest}\n")


def mail_head() -> bool:
    """Once a day (UTC) the newest head goes to everybody who may read the books; whether it went now."""
    newest = head()
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    with locks.exclusive("mail_head") as mine:
        if not mine or newest is None or Event.objects.filter(name="books_head", created_at__gte=today).exists():
            return False
        with transaction.atomic():
            events.emit("books_head", number=newest.number, hash=newest.hash)
    return True
