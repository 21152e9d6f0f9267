"""Runs everything and writes bench/results.json. ROWS= (default 1,000,000): the deepest history that is filled."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("WALLETS_TEST_ROOT", tempfile.mkdtemp(prefix="wallets-bench-"))
os.environ.setdefault("WALLETS_DATA_DIR", os.environ["WALLETS_TEST_ROOT"] + "/data")
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from bench import api, api3, banano, books, crediting, forknote, http, ledger, litecoin, lnbits, pages, world  # noqa: E402  # noqa: E402
from bench.report import Report, say  # noqa: E402
from tests.support import databases  # noqa: E402
from tests.support.databases import Database  # noqa: E402
from tests.support.postgresql import Cluster  # noqa: E402


def on_postgresql(report: Report, rows: int, lightning: lnbits.Rates | None) -> None:
    cluster = Cluster(durable=True)
    folder = Path(os.environ["WALLETS_TEST_ROOT"]) / "postgresql"
    folder.mkdir(parents=True)
    try:
        cluster.execute("CREATE DATABASE bench")
        databases.use(databases.postgresql_aliases(cluster.url("bench")))
        databases.migrate()
        database = Database("postgresql", folder, cluster.url("bench"))
        say("a site with its members")
        made = world.populate()
        world.install_reference()
        ledger.commit_cost(report, "PostgreSQL, fsync on")
        reference = ledger.moves(report, cluster, database, "bench", made)
        ledger.bytes_a_move(report)
        ledger.fees(report, database, made)
        ledger.shapes(report, database, made)
        http.moves(report, database, made, reference)
        api3.run(report, database)
        banano.run(report)
        forknote.run(report)
        crediting.run(report, database)
        litecoin.run(report, database)
        lnbits.run(report, database, lightning)
        ledger.reads(report, made, rows)
        api.reads(report, database, made)
        pages.run(report, database)
    finally:
        databases.close_all()
        cluster.remove()


def on_sqlite(report: Report, lightning: lnbits.Rates | None) -> None:
    folder = Path(os.environ["WALLETS_TEST_ROOT"]) / "sqlite"
    databases.use(databases.sqlite_aliases(folder))
    databases.migrate()
    made, database = world.populate(), Database("sqlite", folder)
    ledger.sqlite_writers(report, database, made)
    ledger.group_commit(report, database, made)
    lnbits.run(report, database, lightning)
    lived_in = Path(os.environ["WALLETS_TEST_ROOT"]) / "lived-in"
    databases.use(databases.sqlite_aliases(lived_in))
    databases.migrate()
    books.run(report, lived_in)


def main() -> int:
    rows = int(os.environ.get("ROWS") or 1_000_000)
    report = Report([])
    lightning = lnbits.theirs()
    on_postgresql(report, rows, lightning)
    on_sqlite(report, lightning)
    report.write()
    print(report.table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
