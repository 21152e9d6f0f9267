"""Runs everything and writes bench/results.json.

ROWS= (default 10,000,000): the deepest history that is filled. OPS= (default 100,000): operations of the site whose
books are checked. ONLY=ledger,http: these parts alone; the others keep the rows that an earlier run wrote.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

os.environ.setdefault("WALLETS_TEST_ROOT", tempfile.mkdtemp(prefix="wallets-bench-"))
os.environ.setdefault("WALLETS_DATA_DIR", os.environ["WALLETS_TEST_ROOT"] + "/data")
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django
from django.conf import settings

django.setup()

from bench import (  # noqa: E402
    api,
    api3,
    banano,
    books,
    crediting,
    forknote,
    http,
    ledger,
    litecoin,
    lnbits,
    pages,
    world,
)
from bench.report import Report, minutes, say  # noqa: E402
from tests.support import databases  # noqa: E402
from tests.support.databases import Database  # noqa: E402
from tests.support.postgresql import Cluster  # noqa: E402

Part = Callable[[], None]
ON_POSTGRESQL = (
    "ledger", "http", "api3", "banano", "forknote", "crediting", "litecoin", "lnbits", "reads", "api", "pages"
)  # fmt: skip
ON_SQLITE = ("sqlite", "lnbits_sqlite", "books")
BESIDE_LNBITS = {"lnbits", "lnbits_sqlite"}


def run_parts(report: Report, parts: Mapping[str, Part], wanted: set[str]) -> None:
    """One after the other. One that breaks is a missed row of its own; the others go on."""
    for name, part in parts.items():
        if name in wanted:
            say(f"--- {name}")
            try:
                part()
            except Exception as error:
                report.broke(name, error)


def on_postgresql(report: Report, rows: int, lightning: lnbits.Rates | None, wanted: set[str]) -> None:
    cluster = Cluster(durable=True)
    folder = Path(os.environ["WALLETS_TEST_ROOT"]) / "postgresql"
    folder.mkdir(parents=True)
    try:
        cluster.execute("CREATE DATABASE bench")
        databases.use(databases.postgresql_aliases(cluster.url("bench")))
        databases.migrate()
        database = Database("postgresql", folder, cluster.url("bench"))
        settings.GENERATION_FILE = folder / "generation"  # where the servers it starts look for it
        say("a site with its members")
        made = world.populate()
        world.install_reference()
        reference = http.Reference(cluster, "bench", made)
        parts = {
            "ledger": lambda: ledger.on_postgresql(report, cluster, database, "bench", made),
            "http": lambda: http.moves(report, database, made, reference),
            "api3": lambda: api3.run(report, database),
            "banano": lambda: banano.run(report),
            "forknote": lambda: forknote.run(report),
            "crediting": lambda: crediting.run(report, database),
            "litecoin": lambda: litecoin.run(report, database),
            "lnbits": lambda: lnbits.run(report, database, lightning, cluster.child.process.pid),
            "reads": lambda: ledger.reads(report, made, rows),
            "api": lambda: api.reads(report, database, made),
            "pages": lambda: pages.run(report, database),
        }
        run_parts(report, parts, wanted)
    finally:
        databases.close_all()
        cluster.remove()


def on_sqlite(report: Report, lightning: lnbits.Rates | None, wanted: set[str]) -> None:
    folder = Path(os.environ["WALLETS_TEST_ROOT"]) / "sqlite"
    databases.use(databases.sqlite_aliases(folder))
    databases.migrate()
    settings.GENERATION_FILE = folder / "generation"
    made, database = world.populate(), Database("sqlite", folder)
    parts = {
        "sqlite": lambda: ledger.on_sqlite(report, database, made),
        "lnbits_sqlite": lambda: lnbits.run(report, database, lightning),
        "books": lambda: books.run(report, Path(os.environ["WALLETS_TEST_ROOT"]) / "lived-in"),
    }
    run_parts(report, parts, wanted)


def main() -> int:
    rows = int(os.environ.get("ROWS") or 10_000_000)
    wanted = set(filter(None, os.environ.get("ONLY", "").split(","))) or {*ON_POSTGRESQL, *ON_SQLITE}
    if unknown := wanted - {*ON_POSTGRESQL, *ON_SQLITE}:
        sys.exit(f"ONLY= knows no part called {', '.join(sorted(unknown))}")
    databases.run_root().mkdir(parents=True, exist_ok=True)  # where simulated chains lie
    report = Report([])
    lightning = lnbits.theirs() if wanted & BESIDE_LNBITS else None
    if wanted & BESIDE_LNBITS and lightning is None:
        report.broke("lnbits_reference", RuntimeError("no LNbits here: python -m tests.lnbits.server makes one"))
    if wanted & set(ON_POSTGRESQL):
        on_postgresql(report, rows, lightning, wanted)
    if wanted & set(ON_SQLITE):
        on_sqlite(report, lightning, wanted)
    if not os.environ.get("ONLY"):
        report.add("bench_minutes", minutes(), "min", goal=30, better="less", conditions=f"every part, {rows} rows")
    report.write(keep=bool(os.environ.get("ONLY")))
    print(report.table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
