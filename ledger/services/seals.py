"""A hash chain over committed transactions, made afterwards so that no payment waits for it.

Each block names its transactions, so one that commits late simply stands in a later block. The head leaves the
database: a log line, a file, a public page and a mail to auditors. Whoever kept one can later prove a rewrite.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from ledger import events, locks
from ledger.models import Account, Coin, Event, Posting, Seal, Transaction
from wallets_site.base.clock import now
from wallets_site.base.runs import pack, size, unknown, unpack

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
NAMES: Final = ("id", "coin_id", "owner_id", "kind", "number", "shared")  # of an account: whose money it is
COINS: Final = ("id", "symbol", "decimals")
WITH_NAMES: Final = "n:"  # begins the ids of blocks that vouch for these as well; earlier ones did not


def ids_of(text: str) -> list[int]:
    """The transactions a seal's `ids` name. Raises ValueError where they are not written as a seal writes them."""
    runs = text.removeprefix(WITH_NAMES)
    if size(runs) > BLOCK:
        raise ValueError("more transactions than a block holds")
    return list(unpack(runs))


def block_hash(previous: str, ids: str, named: Iterable[int], sealed_at: datetime) -> str:
    """SHA-256 over the previous hash and every column of every row, in order of id; missing rows change it too.

    ids: as the seal keeps them; named: the same, unpacked. The accounts that the rows name and their coins are part
    of it (whose money an account holds, and what a unit of it is), and so is the moment of sealing.
    """
    wanted = sorted(named)
    sha = hashlib.sha256(previous.encode())
    sha.update(ids.encode())
    if ids.startswith(WITH_NAMES):
        sha.update(sealed_at.isoformat().encode())
    for start in range(0, len(wanted), BLOCK):
        part = wanted[start : start + BLOCK]
        for row in Transaction.objects.filter(pk__in=part).order_by("pk").values_list(*FIELDS):
            sha.update(_line("T", row))
        lines = Posting.objects.filter(transaction_id__in=part)
        accounts: set[int] = set()
        for row in lines.order_by("transaction_id", "number").values_list(*LINES):
            accounts.update(row[4:6])
            sha.update(_line("P", row))
        if ids.startswith(WITH_NAMES):
            _add_names(sha, accounts)
    return sha.hexdigest()


def _add_names(sha: hashlib._Hash, accounts: set[int]) -> None:
    coins: set[int] = set()
    for row in Account.objects.filter(pk__in=accounts).order_by("pk").values_list(*NAMES):
        coins.add(row[1])
        sha.update(_line("A", row))
    for coin in Coin.objects.filter(pk__in=coins).order_by("pk").values_list(*COINS):
        sha.update(_line("C", coin))


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
    known = {number for seal in latest for number in ids_of(seal.ids)}
    low = min(known, default=0)
    rows = Transaction.objects.filter(pk__gte=low).order_by("pk")
    if not everything:
        rows = rows.filter(created_at__lt=now() - LAG)
    return unknown(rows.values_list("pk", flat=True).iterator(chunk_size=2 * BLOCK), known, BLOCK)


def _seal(previous: Seal | None, ids: list[int]) -> None:
    before, number = (previous.hash, previous.number + 1) if previous else (GENESIS, 1)
    packed, moment = WITH_NAMES + pack(ids), now()
    digest = block_hash(before, packed, ids, moment)
    with transaction.atomic(durable=True):
        Seal.objects.create(number=number, ids=packed, previous=before, hash=digest, created_at=moment)
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
