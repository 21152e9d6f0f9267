"""kill -9 of writers and of the whole PostgreSQL server: every acknowledged key stands in the books exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, transaction

from ledger import posting, verify
from ledger.models import Coin, Kind, Transaction
from tests.support import databases
from tests.support.databases import Database, close_all
from tests.support.factories import make_user
from tests.support.live import child_environment
from tests.support.postgresql import Cluster
from tests.support.processes import PYTHON, Child, wait_for

PER_ROUND = 60


def people_with_money() -> None:
    coin = Coin.objects.create(symbol="CRS", name="Crash", decimals=8)
    hot = posting.account(coin, Kind.HOT)
    for number in range(6):
        person = make_user(f"person{number}")
        with transaction.atomic():
            posting.post(
                kind="deposit", scope="crash", key=f"d{number}", request={},
                legs=[posting.Leg(hot, posting.account(coin, Kind.USER, owner_id=person.pk), 10**9)],
            )  # fmt: skip


def writers(database: Database, notes: Path, count: int, round_number: int) -> list[Child]:
    environment = child_environment(database)
    return [
        Child(
            [PYTHON, "-m", "tests.ledger.crash_writer", f"r{round_number}w{number}", notes],
            log=database.folder / f"writer{number}.log", env=environment,
        )
        for number in range(count)
    ]  # fmt: skip


def acknowledged(notes: Path) -> list[str]:
    return notes.read_text().split() if notes.exists() else []


def more_than(notes: Path, count: int) -> bool:
    return len(acknowledged(notes)) > count


def everything_acknowledged_is_there_once(notes: Path) -> int:
    keys = acknowledged(notes)
    held = list(Transaction.objects.filter(scope="crash", kind="move").values_list("key", flat=True))
    assert len(held) == len(set(held))
    assert set(keys) - set(held) == set()
    assert verify.verify().problems == []
    return len(keys)


@pytest.mark.both_databases
def test_writers_killed_in_the_middle_lose_nothing_they_acknowledged(site, tmp_path):
    people_with_money()
    notes = tmp_path / "acknowledged"
    for number in range(3):
        before = len(acknowledged(notes))
        running = writers(site, notes, 2, number)
        wait_for("moves", partial(more_than, notes, before + PER_ROUND), seconds=60)
        for child in running:
            child.kill()
        assert everything_acknowledged_is_there_once(notes) > before


@pytest.fixture
def durable(django_db_blocker, tmp_path) -> Iterator[tuple[Cluster, Database]]:
    """A PostgreSQL that syncs every commit, and a migrated database of its own in it."""
    with django_db_blocker.unblock():
        cluster = Cluster(durable=True)
        try:
            cluster.execute("CREATE DATABASE crash")
            databases.use(databases.postgresql_aliases(cluster.url("crash")))
            databases.migrate()
            yield cluster, Database("postgresql", tmp_path, cluster.url("crash"))
        finally:
            close_all()
            cluster.remove()


def test_a_killed_server_loses_nothing_it_acknowledged(durable, tmp_path):
    cluster, database = durable
    people_with_money()
    notes = tmp_path / "acknowledged"
    running = writers(database, notes, 3, 0)
    try:
        for _ in range(3):
            before = len(acknowledged(notes))
            wait_for("moves", partial(more_than, notes, before + PER_ROUND), seconds=60)
            cluster.crash()
            close_all()
            cluster.start()
            assert everything_acknowledged_is_there_once(notes) > before
    finally:
        for child in running:
            child.kill()
    assert connection.vendor == "postgresql"
