"""The only writer of balances, transactions and postings. No network, no mail, no waiting in here.

post() runs inside its caller's transaction and takes the same steps on both engines, a constant number of them:
insert the transaction (its unique key is the idempotency; a twin under way is waited for), lock the owned accounts
in id order, check, update their totals, insert the postings, queue what falls on shared accounts. On PostgreSQL one
stored function takes them all, unless WALLETS_PORTABLE_POSTING is set; on SQLite each is a statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from ledger import locks
from ledger.fields import MAX_AMOUNT, check_amount, to_database
from ledger.models import Account, Coin, Kind, Posting, Queue, Transaction
from ledger.models.books import OWNED
from wallets_site.base import crypto
from wallets_site.base.clock import now
from wallets_site.base.errors import IdempotencyConflict, InsufficientFunds
from wallets_site.base.prepared import Prepared, Question, ask

ROLL_UP_BATCH: Final = 2000
_POST: Final = (
    "SELECT outcome, made, available FROM ledger_post(%s, %s, %s, %s, %s, %s, %s, %s,"
    " %s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[])"
)
_MOVE: Final = (
    "SELECT outcome, made, sent, received, payer_account, payee_account FROM ledger_move(%s, %s, %s, %s, %s::bigint,"
    " %s::bigint, %s::bigint, %s, %s::bigint, %s, %s::numeric, %s::numeric, %s, %s, %s, %s::text[], %s::boolean[],"
    " %s::bigint, %s)"
)
_ANOTHER_LOOK: Final = "LE001"  # the functions' own SQLSTATE: what they wrote is gone again
_COLUMNS: Final = [field.attname for field in Account._meta.concrete_fields]
_OWNED_ACCOUNT: Final = Prepared(
    lambda coin, kind, number, owner: Account.objects.filter(
        coin_id=coin, kind=kind, number=number, owner_id=owner
    ).values_list(*_COLUMNS),
    coin=int, kind=str, number=int, owner=int,
)  # fmt: skip
_SHARED_ACCOUNT: Final = Prepared(
    lambda coin, kind, number: Account.objects.filter(
        coin_id=coin, kind=kind, number=number, owner=None
    ).values_list(*_COLUMNS),
    coin=int, kind=str, number=int,
)  # fmt: skip
_MADE_BEFORE: Final = Prepared(
    lambda scope, key: Transaction.objects.filter(scope=scope, key=key).values_list("id", "request_hash"),
    scope=str, key=str,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leg:
    """amount atomic units from `debit` to `credit`, two accounts of one coin."""

    debit: Account
    credit: Account
    amount: int


@dataclass(frozen=True, slots=True)
class Posted:
    """The transaction, and whether this call made it (False: the same key had made it before)."""

    id: int
    created: bool


@dataclass(slots=True)
class _Running:
    """An owned account's totals while its legs are applied."""

    debits: int
    credits: int
    version: int

    def apply(self, *, debit: int = 0, credit: int = 0) -> tuple[int, int, int]:
        self.debits += debit
        self.credits += credit
        self.version += 1
        return self.version, self.debits, self.credits


def account(coin: Coin, kind: Kind, *, owner_id: int | None = None, number: int = 0) -> Account:
    """The account, opened empty on first use. Safe when two open it at once."""
    found = known_account(coin, kind, owner_id=owner_id, number=number)
    if found is None:
        fresh = Account(coin=coin, kind=kind, owner_id=owner_id, number=number, shared=kind not in OWNED)
        Account.objects.bulk_create([fresh], ignore_conflicts=True)
        found = known_account(coin, kind, owner_id=owner_id, number=number)
        assert found is not None
    return found


def known_account(coin: Coin, kind: Kind, *, owner_id: int | None = None, number: int = 0) -> Account | None:
    """The account, if it was ever used."""
    asked = _OWNED_ACCOUNT if kind in OWNED else _SHARED_ACCOUNT
    row = asked.first(coin=coin.pk, kind=str(kind), number=number, owner=owner_id or 0)
    return None if row is None else Account.from_db(connection.alias, _COLUMNS, row)


def account_question(coin: Coin, owner_id: int, number: int) -> Question:
    """What known_account() of a person's account will ask, for who asks ahead."""
    return _OWNED_ACCOUNT(coin=coin.pk, kind=str(Kind.USER), number=number, owner=owner_id)


def find(*, scope: str, key: str, request: dict[str, Any]) -> int | None:
    """The transaction this key made before, or None; raises IdempotencyConflict when the request differs."""
    row = _MADE_BEFORE.first(scope=scope, key=key)
    if row is None:
        return None
    if row[1] != crypto.digest(request):
        raise IdempotencyConflict("This key was used before, for a different request. Use a fresh one.")
    return int(row[0])


def post(
    *,
    kind: str,
    scope: str,
    key: str,
    request: dict[str, Any],
    legs: Sequence[Leg],
    actor_id: int | None = None,
    memo: str = "",
    reverses_id: int | None = None,
) -> Posted:
    """Write one balanced event. Raises InsufficientFunds, IdempotencyConflict; then nothing was written.

    (scope, key) names the event for ever: the same call again answers with the first one's transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("post() needs the caller's transaction")
    _check_legs(legs)
    head = (kind, scope, key, crypto.digest(request), actor_id, memo, reverses_id)
    created = _post_in_one(head, legs) if by_functions() else _post_step_by_step(head, legs)
    if created is None:
        existing = find(scope=scope, key=key, request=request)
        assert existing is not None
        return Posted(existing, created=False)
    return Posted(created, created=True)


def by_functions() -> bool:
    """Whether the database has functions that post: PostgreSQL, unless WALLETS_PORTABLE_POSTING is set."""
    return connection.vendor == "postgresql" and not settings.WALLETS_PORTABLE_POSTING


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a move: whose account, and which of theirs."""

    owner_id: int
    number: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The rows that one statement wrote, by their numbers."""

    transaction_id: int
    sent_id: int
    received_id: int
    payer_account_id: int
    payee_account_id: int


def move(
    *, coin_id: int, payer: Side, payee: Side, amount: int, fee: int, scope: str, key: str, request: dict[str, Any],
    at: datetime, rules_version: int, address: str, comment: str, tags: str, topics: Sequence[tuple[str, bool]],
    key_id: int | None = None, payment_hash: str = "",
) -> Moved | None:  # fmt: skip
    """A move with its two operations and their events, as a transaction of its own in one round trip: what
    services.moves writes where nothing has to be counted or asked under the locks. by_functions() only.

    topics: (event, whether it is mailed) of the payer and of the payee. key_id: of the API key that asks, which has no
    bound for this coin, or nothing is written. payment_hash: of the invoice it pays, which is claimed with it; nothing
    is written for one that was paid, or whose maker waits for a webhook. rules_version: by which rules it was allowed.
    None: nothing was written. The key exists, too little is available, an account is not open yet, or the rules have
    changed: the caller takes the longer way, which says which.
    """
    check_amount(amount), check_amount(fee)
    names, mailed = zip(*topics, strict=True)
    values = [
        scope, key, crypto.digest(request), at, str(rules_version), str(coin_id), str(payer.owner_id), payer.number,
        str(payee.owner_id), payee.number, str(amount), str(fee), address, comment, tags, _array(names),
        _array(map(str, mailed)), None if key_id is None else str(key_id), payment_hash,
    ]  # fmt: skip
    try:
        row = ask(_MOVE, values)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == _ANOTHER_LOOK:
            return None
        raise
    return Moved(*row[1:]) if row is not None and row[0] == "made" else None


def rehearse(**what: Any) -> Posted:
    """post(**what) without writing anything: the same answer or the same refusal. A new one has id 0."""
    with transaction.atomic():
        posted = post(**what)
        transaction.set_rollback(True)
    return Posted(0, created=True) if posted.created else posted


def _check_legs(legs: Sequence[Leg]) -> None:
    if not legs:
        raise ValueError("a transaction has at least one leg")
    for leg in legs:
        if check_amount(leg.amount) == 0:
            raise ValueError("a posting moves more than zero")
        if leg.debit.pk == leg.credit.pk or leg.debit.coin_id != leg.credit.coin_id:
            raise ValueError("a posting joins two accounts of one coin")


# kind, scope, key, request hash, actor, memo, transaction it reverses
_Head = tuple[str, str, str, str, int | None, str, int | None]


def _post_in_one(head: _Head, legs: Sequence[Leg]) -> int | None:
    """By the function ledger_post (guards/postgresql_post.sql), in one round trip; None when the key exists."""
    owned = {side.pk for leg in legs for side in (leg.debit, leg.credit) if not side.shared}
    figures = (owned, [leg.debit.pk for leg in legs], [leg.credit.pk for leg in legs], [leg.amount for leg in legs])
    row = ask(_POST, [*head, now(), *(_array(map(str, figure)) for figure in figures)])
    assert row is not None
    outcome, made, available = row
    if outcome == "short":
        raise InsufficientFunds("There is not enough available.", available=str(int(available)))
    return None if outcome == "known" else int(made)


def _array(items: Iterable[str]) -> str:
    """Of numbers, flags or names, in none of which anything must be escaped: cheaper than the driver's own lists."""
    return "{" + ",".join(items) + "}"


def _post_step_by_step(head: _Head, legs: Sequence[Leg]) -> int | None:
    created = _insert_transaction(head)
    if created is not None:
        _apply(created, legs)
    return created


def _insert_transaction(head: _Head) -> int | None:
    """The new id, or None when (scope, key) exists."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_transaction (kind, scope, key, request_hash, actor_id, memo, reverses_id, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (scope, key) DO NOTHING RETURNING id",
            [*head, connection.ops.adapt_datetimefield_value(now())],
        )
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def _apply(transaction_id: int, legs: Sequence[Leg]) -> None:
    owned = {side.pk for leg in legs for side in (leg.debit, leg.credit) if not side.shared}
    before = locks.accounts(owned) if owned else {}
    running = {pk: _Running(row.debits, row.credits, row.version) for pk, row in before.items()}
    rows = [_row(transaction_id, number, leg, running) for number, leg in enumerate(legs)]
    for pk, totals in running.items():
        if totals.debits > totals.credits:
            available = before[pk].balance
            raise InsufficientFunds("There is not enough available.", available=str(available))
        if totals.credits > MAX_AMOUNT:
            raise ValueError("an account's turnover has outgrown 50 digits")
    if running:
        _update_accounts(running)
    ids = _insert_postings(rows)
    _queue(ids, legs)


def _row(transaction_id: int, number: int, leg: Leg, running: dict[int, _Running]) -> list[Any]:
    nothing = (None, None, None)
    debit = nothing if leg.debit.shared else running[leg.debit.pk].apply(debit=leg.amount)
    credit = nothing if leg.credit.shared else running[leg.credit.pk].apply(credit=leg.amount)
    vendor = connection.vendor
    totals = [
        value if value is None or index % 3 == 0 else to_database(value, vendor)
        for index, value in enumerate((*debit, *credit))
    ]
    return [
        transaction_id,
        number,
        leg.debit.coin_id,
        leg.debit.pk,
        leg.credit.pk,
        to_database(leg.amount, vendor),
        *totals,
    ]


def _update_accounts(running: dict[int, _Running]) -> None:
    vendor = connection.vendor
    ids = sorted(running)
    branches = " ".join("WHEN %s THEN %s" for _ in ids)
    cast = "CAST({} AS numeric)" if vendor == "postgresql" else "{}"
    columns, params = [], []
    for name, convert in (("debits", True), ("credits", True), ("version", False)):
        case = f"CASE id {branches} END"
        columns.append(f"{name} = {cast.format(case) if convert else case}")
        for pk in ids:
            value = getattr(running[pk], name)
            params += [pk, to_database(value, vendor) if convert else value]
    marks = ", ".join("%s" for _ in ids)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE ledger_account SET {', '.join(columns)} WHERE id IN ({marks})", [*params, *ids])  # noqa: S608


def _insert_postings(rows: Sequence[Sequence[Any]]) -> list[int]:
    marks = ", ".join(f"({', '.join('%s' for _ in row)})" for row in rows)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_posting (transaction_id, number, coin_id, debit_id, credit_id, amount,"  # noqa: S608
            " debit_seq, debit_debits, debit_credits, credit_seq, credit_debits, credit_credits)"
            f" VALUES {marks} RETURNING id, number",
            [value for row in rows for value in row],
        )
        return [pk for pk, _ in sorted(cursor.fetchall(), key=lambda item: item[1])]


def _queue(posting_ids: Sequence[int], legs: Sequence[Leg]) -> None:
    rows = [
        (posting_id, side, account.pk, to_database(leg.amount, connection.vendor))
        for posting_id, leg in zip(posting_ids, legs, strict=True)
        for side, account in ((Queue.Side.DEBIT, leg.debit), (Queue.Side.CREDIT, leg.credit))
        if account.shared
    ]
    if not rows:
        return
    marks = ", ".join("(%s, %s, %s, %s)" for _ in rows)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO ledger_queue (posting_id, side, account_id, amount) VALUES {marks}",  # noqa: S608
            [str(value) if isinstance(value, Queue.Side) else value for row in rows for value in row],
        )


def roll_up(account_id: int) -> int:
    """Bring one shared account up to date from its queue, at most ROLL_UP_BATCH rows; how many it took."""
    with transaction.atomic():
        rows = list(locks.queued(account_id, ROLL_UP_BATCH))
        if not rows:
            return 0
        held = locks.accounts([account_id])[account_id]
        debits = held.debits + sum(row.amount for row in rows if row.side == Queue.Side.DEBIT)
        credits = held.credits + sum(row.amount for row in rows if row.side == Queue.Side.CREDIT)
        Queue.objects.filter(pk__in=[row.pk for row in rows]).delete()
        _update_accounts({account_id: _Running(debits, credits, held.version + len(rows))})
    return len(rows)


def postings_of(transaction_id: int) -> list[Posting]:
    return list(Posting.objects.filter(transaction_id=transaction_id).order_by("number"))
