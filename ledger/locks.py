"""Every lock there is. Rows are locked in one order — wallets, dispatches, withdrawals, deposits, operations,
addresses, accounts — and within a table by primary key, so that no two transactions wait for each other.

On SQLite a transaction holds the only write lock from BEGIN on, and the row locks say nothing.
"""

from __future__ import annotations

import fcntl
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from ledger.models import (
    Address,
    Adjustment,
    Brake,
    CoinWallet,
    Deposit,
    Dispatch,
    Freeze,
    Hold,
    Operation,
    Queue,
    RuleSet,
    SiteSettings,
    Switch,
    Withdrawal,
)
from ledger.models.site import ONE
from wallets_site.base.errors import NotFound


class LockedAccount(NamedTuple):
    id: int
    coin_id: int
    debits: int
    credits: int
    version: int

    @property
    def balance(self) -> int:
        return self.credits - self.debits


def accounts(ids: Iterable[int]) -> dict[int, LockedAccount]:
    """Lock these accounts in one statement, lowest id first, and read what stands in them.

    Written out: this is every payment's second statement, and building it anew costs more than running it.
    """
    wanted = sorted(set(ids))
    marks = ", ".join(["%s"] * len(wanted))
    lock = " FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, coin_id, debits, credits, version FROM ledger_account"  # noqa: S608 - marks are placeholders
            f" WHERE id IN ({marks}) ORDER BY id{lock}",
            wanted,
        )
        rows = cursor.fetchall()
    return {
        pk: LockedAccount(pk, coin, int(debits), int(credits), version) for pk, coin, debits, credits, version in rows
    }


def coin_wallet(wallet_id: int) -> CoinWallet:
    return (
        CoinWallet.objects.select_for_update(no_key=True, of=("self",))
        .select_related("coin", "wallet")
        .get(wallet_id=wallet_id)
    )


def dispatch(pk: int) -> Dispatch:
    return Dispatch.objects.select_for_update(no_key=True).get(pk=pk)


def withdrawals(*, dispatch: Dispatch) -> list[Withdrawal]:
    rows = Withdrawal.objects.select_for_update(no_key=True, of=("self",)).filter(dispatch=dispatch)
    return list(rows.select_related("operation").order_by("pk"))


def withdrawals_by_id(ids: Iterable[int]) -> list[Withdrawal]:
    rows = Withdrawal.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=list(ids))
    return list(rows.select_related("operation", "coin").order_by("pk"))


def deposits(wallet_id: int, txids: Iterable[str]) -> list[Deposit]:
    rows = Deposit.objects.select_for_update(no_key=True, of=("self",)).filter(wallet_id=wallet_id, txid__in=set(txids))
    return list(rows.select_related("address__account", "operation").order_by("pk"))


def operation_with_pair(pk: int) -> list[Operation]:
    """The operation and, of a move, its other half, lower id first."""
    rows = Operation.objects.select_for_update(no_key=True, of=("self",)).filter(Q(pk=pk) | Q(pair_id=pk))
    return list(rows.select_related("coin", "account", "user").order_by("pk"))


def freeze(pk: int) -> Freeze:
    return Freeze.objects.select_for_update(no_key=True).get(pk=pk)


def hold(pk: int) -> Hold:
    return Hold.objects.select_for_update(no_key=True, of=("self",)).select_related("coin").get(pk=pk)


def switch(pk: int) -> Switch | None:
    return Switch.objects.select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()


def site_settings() -> SiteSettings:
    return SiteSettings.objects.select_for_update(no_key=True).get(pk=ONE)


def rule_set(pk: int) -> RuleSet | None:
    return RuleSet.objects.select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()


def adjustment(pk: int) -> Adjustment:
    """Raises NotFound."""
    rows = Adjustment.objects.select_for_update(no_key=True, of=("self",)).select_related("debit", "credit")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such adjustment.")
    return found


def open_brake(coin_id: int) -> Brake | None:
    return Brake.objects.select_for_update(no_key=True).filter(coin_id=coin_id, released_at=None).first()


def pooled_address(wallet_id: int) -> Address | None:
    """The oldest address nobody has; two who ask at once get two."""
    rows = Address.objects.select_for_update(
        no_key=True, skip_locked=connection.features.has_select_for_update_skip_locked
    )
    return rows.filter(wallet_id=wallet_id, account=None, amount=None).order_by("pk").first()


def queued(account_id: int, most: int) -> QuerySet[Queue]:
    rows = Queue.objects.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    return rows.filter(account_id=account_id).order_by("pk")[:most]


@contextmanager
def one_moment() -> Iterator[None]:
    """All reads inside see the database as it stood at the first; writers go on meanwhile. Nothing may be written."""
    if connection.in_atomic_block:
        yield
        return
    usual = getattr(connection, "transaction_mode", None)
    if connection.vendor == "sqlite":
        connection.transaction_mode = None  # type: ignore[attr-defined]  # a reader takes no writer's turn
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.transaction_mode = usual  # type: ignore[attr-defined]


@contextmanager
def exclusive(name: str) -> Iterator[bool]:
    """Whether this process may do the work called `name`: nobody else does it now.

    Spares double work; correctness never rests on it. The system gives it back when a process dies:
    an advisory lock of the PostgreSQL session, or a lock on a file beside an SQLite ledger.
    """
    if connection.vendor == "postgresql":
        with _advisory(zlib.crc32(name.encode())) as taken:
            yield taken
        return
    folder = Path(settings.DATABASES["default"]["NAME"]).parent / "locks"
    folder.mkdir(exist_ok=True, mode=0o700)
    with (folder / name).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextmanager
def _advisory(number: int) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(7341, %s)", [number - 2**31])
        taken = bool(cursor.fetchone()[0])
    try:
        yield taken
    finally:
        if taken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(7341, %s)", [number - 2**31])
