"""The ledger's figures: moves, fees, a hot sender, batches, reads at depth, bytes, SQLite."""

from __future__ import annotations

import time
from collections.abc import Callable

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


def moves(report: Report, cluster: Cluster, database: Database, name: str, world: World) -> float:
    """post() beside pgbench, interleaved; the median of the rounds' ratios. The reference's median, moves/s."""
    environment = child_environment(database)
    references, ratios, rates, cpu = [], [], [], []
    for number in range(ROUNDS):
        reference = worlds.pgbench(cluster, name, world, clients=8, seconds=SECONDS)
        answers = worlds.ours(environment, world, processes=2, threads=4, seconds=SECONDS)
        references.append(reference)
        rates.append(rate(answers))
        ratios.append(rates[-1] / reference)
        cpu += [answer["cpu_ms"] for answer in answers]
        say(f"round {number + 1}: pgbench {reference:.0f}/s, post() {rates[-1]:.0f}/s, {ratios[-1]:.2f}")
    where = "PostgreSQL, fsync on, 8 clients, no fee"
    report.add("post", middle(rates), "moves/s", against="pgbench", ratio=middle(ratios), goal=0.5, conditions=where)
    report.add("post_cpu", middle(cpu), "ms of Python CPU a move", goal=0.6, better="less", conditions=where)
    return middle(references)


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


def commit_cost(report: Report) -> None:
    """What the disk asks for one commit."""
    samples = []
    for _ in range(200):
        with transaction.atomic():
            Coin.objects.filter(symbol="BEN").update(position=1)
            started = time.perf_counter()
        samples.append((time.perf_counter() - started) * 1000)
    report.add("commit", middle(samples), "ms", conditions="PostgreSQL, fsync on, median of 200")


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
