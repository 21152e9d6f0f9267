"""The ledger's figures: moves, fees, a hot sender, batches, reads at depth, bytes, SQLite."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection, transaction

from bench import world as worlds
from bench.report import Report, middle, say
from bench.world import World
from ledger import queries, statements
from ledger.models import Account, Coin, Kind
from tests.support.databases import Database
from tests.support.live import child_environment
from tests.support.postgresql import Cluster

ROUNDS = 3
SECONDS = 5


def rate(answers: list[dict[str, float]]) -> float:
    return sum(answer["rate"] for answer in answers)


def on_postgresql(report: Report, cluster: Cluster, database: Database, name: str, world: World) -> None:
    commit_cost(report, "PostgreSQL, fsync on")
    moves(report, cluster, database, name, world)
    bytes_a_move(report)
    fees(report, database, world)
    shapes(report, database, world)


def on_sqlite(report: Report, database: Database, world: World) -> None:
    sqlite_writers(report, database, world)
    group_commit(report, database, world)


PORTABLE = {"WALLETS_PORTABLE_POSTING": "True"}


def moves(report: Report, cluster: Cluster, database: Database, name: str, world: World) -> None:
    """post() beside pgbench, both its roads, interleaved; the median of the rounds' ratios."""
    environment = child_environment(database)
    found = {road: _Found() for road in ("post", "post_portable")}
    for number in range(ROUNDS):
        reference = worlds.pgbench(cluster, name, world, clients=8, seconds=SECONDS)
        for road, more in (("post", {}), ("post_portable", PORTABLE)):
            answers = worlds.ours({**environment, **more}, world, processes=2, threads=4, seconds=SECONDS)
            found[road].rates.append(rate(answers))
            found[road].ratios.append(rate(answers) / reference)
            found[road].cpu += [answer["cpu_ms"] for answer in answers]
        say(f"round {number + 1}: pgbench {reference:.0f}/s, {found['post'].ratios[-1]:.2f} by one function,"
            f" {found['post_portable'].ratios[-1]:.2f} by single statements")  # fmt: skip
    for road, goal, cpu, how in (("post", 0.9, 0.2, "stored function"), ("post_portable", 0.5, 0.6, "portable path")):
        where = f"PostgreSQL, fsync on, 8 clients, no fee, {how}"
        seen = found[road]
        report.add(road, middle(seen.rates), "moves/s", against="pgbench", ratio=middle(seen.ratios), goal=goal,
                   conditions=where)  # fmt: skip
        report.add(f"{road}_cpu", middle(seen.cpu), "ms of Python CPU a move", goal=cpu, better="less",
                   conditions=where)  # fmt: skip


@dataclass
class _Found:
    rates: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def fees(report: Report, database: Database, world: World) -> None:
    """A fee on every move against none, 32 clients, interleaved."""
    environment = child_environment(database)
    ratios, rates = [], []
    for _ in range(ROUNDS):
        plain = rate(worlds.ours(environment, world, processes=4, threads=8, seconds=SECONDS))
        charged = rate(worlds.ours(environment, world, processes=4, threads=8, seconds=SECONDS, fee=1))
        rates.append(charged)
        ratios.append(1 - charged / plain)
    report.add("fee_on_every_move", middle(rates), "moves/s", against="no fee", ratio=middle(ratios), goal=0.15,
               better="less", conditions="PostgreSQL, 32 clients; ratio = share of the rate it costs")  # fmt: skip


def shapes(report: Report, database: Database, world: World) -> None:
    environment = child_environment(database)
    single = rate(worlds.ours(environment, world, processes=1, threads=1, seconds=SECONDS, mode="hot"))
    many = rate(worlds.ours(environment, world, processes=4, threads=8, seconds=SECONDS, mode="hot"))
    report.add("one_hot_sender", many, "moves/s", against="one client", ratio=many / single,
               conditions="PostgreSQL, 32 clients, one sender")  # fmt: skip
    batch = rate(worlds.ours(environment, world, processes=1, threads=1, seconds=SECONDS, mode="batch"))
    spread = rate(worlds.ours(environment, world, processes=1, threads=1, seconds=SECONDS))
    report.add("batches_of_1000", batch, "moves/s", against="one by one", ratio=batch / spread,
               conditions="PostgreSQL, 1 client, 1,000 moves a commit")  # fmt: skip


def commit_cost(report: Report, where: str) -> float:
    """What the disk asks for one commit, ms."""
    samples = []
    for number in range(200):
        with transaction.atomic():
            Coin.objects.filter(symbol="BEN").update(position=number)
            started = time.perf_counter()
        samples.append((time.perf_counter() - started) * 1000)
    report.add(f"commit_{connection.vendor}", middle(samples), "ms", conditions=f"{where}, median of 200")
    return middle(samples)


def bytes_a_move(report: Report) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_transaction WHERE kind = 'move'")
        (count,) = cursor.fetchone()
        cursor.execute(
            "SELECT sum(pg_total_relation_size(name::regclass))"
            " FROM unnest(ARRAY['ledger_transaction', 'ledger_posting']) name"
        )
        (size,) = cursor.fetchone()
    report.add("bytes_a_move", int(size) / count, "bytes", goal=700, better="less",
               conditions=f"PostgreSQL, transactions and postings with indexes, {count} moves")  # fmt: skip


def fill(world: World, rows: int) -> Account:
    """One account with `rows` postings, by INSERT ... SELECT with every guard on."""
    with connection.cursor() as cursor:
        account = Account.objects.filter(coin=world.coin, kind=Kind.USER).order_by("-pk")[0]
        hot = Account.objects.get(coin=world.coin, kind=Kind.HOT)
        start = account.version
        for begin in range(start, start + rows, 100_000):
            many = min(100_000, start + rows - begin)
            account.refresh_from_db()
            base = account.credits
            with transaction.atomic():
                cursor.execute(
                    "UPDATE ledger_account SET credits = credits + %s, version = version + %s WHERE id = %s",
                    [many, many, account.pk],
                )
                cursor.execute(
                    "WITH made AS (INSERT INTO ledger_transaction (kind, scope, key, request_hash, memo, created_at)"
                    " SELECT 'fill', 'fill', (%s + n)::text, '', '', now() FROM generate_series(1, %s) n"
                    " RETURNING id, key)"
                    " INSERT INTO ledger_posting (transaction_id, number, coin_id, debit_id, credit_id, amount,"
                    " credit_seq, credit_debits, credit_credits)"
                    " SELECT id, 0, %s, %s, %s, 1, key::bigint, %s, %s + key::bigint - %s FROM made"
                    " ORDER BY key::bigint",
                    [begin, many, world.coin.pk, hot.pk, account.pk, account.debits, base, begin],
                )
            say(f"filled {begin + many - start} of {rows} postings")
        cursor.execute("ANALYZE ledger_posting")
    account.refresh_from_db()
    return account


def timed(do: Callable[[], object], times: int = 60) -> float:
    """Median milliseconds of one call, the first five left out."""
    samples = []
    for number in range(times + 5):
        started = time.perf_counter()
        do()
        if number >= 5:
            samples.append((time.perf_counter() - started) * 1000)
    return middle(samples)


def reads(report: Report, world: World, rows: int) -> None:
    """Balance and pages of history while one account grows."""
    owner = Account.objects.filter(coin=world.coin, kind=Kind.USER).order_by("-pk")[0].owner
    assert owner is not None
    account, found = fill(world, 10_000), {}
    for size in sorted({10_000, min(rows, 1_000_000), rows}):
        if size > account.version:
            account = fill(world, size - account.version)
        balance = timed(lambda: queries.balance(owner, world.coin))
        first = timed(lambda account=account: statements.lines(account, limit=25))
        deepest = timed(lambda account=account: statements.lines(account, before=26, limit=25))
        found[size] = balance
        report.add(f"balance_at_{size}", balance, "ms", against="10000 postings", ratio=balance / found[10_000],
                   goal=1.2, better="less", conditions="PostgreSQL, one account")  # fmt: skip
        report.add(f"history_page_at_{size}", deepest, "ms", against="its first page", ratio=deepest / first, goal=2,
                   better="less", conditions="PostgreSQL, deepest page of 25")  # fmt: skip


def group_commit(report: Report, database: Database, world: World) -> None:
    """8 threads that share commits against 8 that do not, interleaved, and what one commit costs."""
    environment = child_environment(database)
    ratios, rates = [], []
    for _ in range(ROUNDS):
        plain = rate(worlds.ours(environment, world, processes=1, threads=8, seconds=SECONDS))
        grouped = rate(worlds.ours(environment, world, processes=1, threads=8, seconds=SECONDS, mode="grouped"))
        rates.append(grouped)
        ratios.append(grouped / plain)
    cost = commit_cost(report, "SQLite, WAL, synchronous FULL")
    report.add("sqlite_group_commit", middle(rates), "moves/s", against="one commit a move", ratio=middle(ratios),
               goal=3 if cost > 4 else 1.3, conditions=f"SQLite, 8 threads of a process, a commit costs {cost:.2f} ms",
               )  # fmt: skip


def sqlite_writers(report: Report, database: Database, world: World) -> None:
    environment = child_environment(database)
    single = rate(worlds.ours(environment, world, processes=1, threads=1, seconds=SECONDS))
    answers = worlds.ours(environment, world, processes=8, threads=1, seconds=2 * SECONDS)
    longest, errors = max(answer["longest"] for answer in answers), sum(answer["errors"] for answer in answers)
    where = "SQLite, WAL, synchronous FULL, 8 writer processes"
    report.add("sqlite_8_writers", rate(answers), "moves/s", against="one writer", ratio=rate(answers) / single,
               conditions=where)  # fmt: skip
    report.add("sqlite_errors", errors, "errors", goal=0, better="less", conditions=where)
    report.add("sqlite_longest_wait", longest, "s", goal=1, better="less", conditions=where)
