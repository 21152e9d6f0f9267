"""A scratch PostgreSQL (or SQLite) site with many members, and the ways to move money on it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction

from accounts.models import User
from ledger import posting
from ledger.models import Account, Coin, Kind
from tests.support.factories import make_user
from tests.support.postgresql import USER, Cluster

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = 2000
RICH = 10**15


@dataclass
class World:
    coin: Coin
    first: int  # the members' accounts are numbered from here on without a gap
    fees: Account


def populate(people: int = PEOPLE) -> World:
    coin = Coin.objects.create(symbol="BEN", name="Bench", decimals=8)
    hot, fees = posting.account(coin, Kind.HOT), posting.account(coin, Kind.FEE_INCOME)
    make_user("alice")
    User.objects.bulk_create([User(email=f"u{number}@example.com") for number in range(people)])
    owners = list(User.objects.filter(email__startswith="u").order_by("pk").values_list("pk", flat=True))
    Account.objects.bulk_create([Account(coin=coin, owner_id=pk, kind=Kind.USER, shared=False) for pk in owners])
    accounts = list(Account.objects.filter(kind=Kind.USER).order_by("pk"))
    for start in range(0, people, 500):
        with transaction.atomic():
            for account in accounts[start : start + 500]:
                posting.post(
                    kind="deposit", scope="bench", key=f"d{account.pk}", request={},
                    legs=[posting.Leg(hot, account, RICH)],
                )  # fmt: skip
    assert accounts[-1].pk - accounts[0].pk == people - 1
    return World(coin, accounts[0].pk, fees)


def pgbench(
    cluster: Cluster, database: str, world: World, *, clients: int, seconds: int, fee: int = 0, hot: bool = False
) -> float:
    """Moves per second of the reference."""
    payer = str(world.first) if hot else f"random({world.first}, {world.first + PEOPLE // 2 - 1})"
    script = (
        f"\\set payer {payer}\n\\set payee random({world.first + PEOPLE // 2}, {world.first + PEOPLE - 1})\n"
        f"SELECT bench_move(:payer, :payee, 5, {world.fees.pk}, {fee});\n"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = [cluster.binaries / "pgbench", "-n", "-M", "prepared", "-c", clients, "-j", 2, "-T", seconds,
                   "-f", file.name, "-h", cluster.home, "-U", USER, database]  # fmt: skip
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])


def ours(environment: dict[str, str], world: World, *, processes: int, threads: int, seconds: int, fee: int = 0,
         mode: str = "spread") -> list[dict[str, float]]:  # fmt: skip
    """One line of figures from each process that moved money through post()."""
    command = [sys.executable, "-m", "bench.mover", str(world.first), str(PEOPLE), str(world.fees.pk), str(threads),
               str(seconds), str(fee), mode]  # fmt: skip
    started = [
        subprocess.Popen([*command, str(number)], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    answers = [process.communicate()[0] for process in started]
    assert all(process.returncode == 0 for process in started), answers
    return [dict(_pair(item) for item in answer.split()) for answer in answers]


def _pair(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    return name, float(value)


def install_reference() -> None:
    with connection.cursor() as cursor:
        cursor.execute((ROOT / "bench" / "reference.sql").read_text())
