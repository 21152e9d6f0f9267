"""Our LNbits API beside a real LNbits 1.6.2 on the same machine in the same run: read a wallet, ask for an invoice, pay
one inside. Ours on the engine that is in use; then the same of a purse with 100,000 payments.

A round makes at most MADE invoices a client and pays them all before the next begins: one account has room for 1,000
open ones here. The same rule holds for both servers. What a history costs its purse is told by rounds in turn: one of
it, one of a purse beside it that has none. What it costs others is told by the processor time of the site and of its
database, for those two runs cannot take turns.
"""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from accounts import keys
from accounts.models import User
from adapters.models import Wallet
from bench.clients import Line
from bench.http import cpu_of
from bench.report import Report, middle, say
from ledger import posting
from ledger.models import Address, Coin, Invoice, Kind, Operation, Purse
from ledger.services import purses
from tests.lnbits.server import LnbitsServer, home
from tests.support.databases import Database, run_root
from tests.support.factories import make_user
from tests.support.lightning import lightning_coin
from tests.support.live import LiveSite
from wallets_site.base.clock import now

CLIENTS = 4
ROUNDS = 3
TURNS = 5
SECONDS = 3
MADE = 100  # invoices of a client in a round: those of all clients have room in one account
DEEP = 100_000
RICH = 10**15
GOALS = {"wallet": 2.0, "invoice": 4.0, "payment": 10.0}
Rates = dict[str, float]
Work = Callable[[Line, "Desk", int], bool]


@dataclass(frozen=True)
class Desk:
    """One server, and for each client the keys of a payer and of a payee."""

    port: int
    prefix: str
    pairs: list[tuple[str, str]]
    parents: tuple[int, ...] = ()  # processes whose children serve it


@dataclass(frozen=True)
class Found:
    """Of each action: requests a second, and CPU-ms a request of the processes that serve it."""

    rates: Rates
    costs: Rates


def _hammer(desk: Desk, work: Work) -> tuple[float, float]:
    """Requests a second of all clients together, and CPU-ms of each. A client works until its time or work is over."""
    counts = [0] * len(desk.pairs)
    ends = time.monotonic() + SECONDS

    def client(place: int) -> None:
        line = Line(desk.port)
        while time.monotonic() < ends and work(line, desk, place):
            counts[place] += 1
        line.close()

    started, before = time.monotonic(), sum(map(cpu_of, desk.parents))
    with ThreadPoolExecutor(len(desk.pairs)) as pool:
        list(pool.map(client, range(len(desk.pairs))))  # a client that fails ends the run
    rate = sum(counts) / (time.monotonic() - started)
    return rate, (sum(map(cpu_of, desk.parents)) - before) * 1000 / sum(counts)


def _say(line: Line, desk: Desk, key: str, method: str, path: str, body: Any = None) -> bytes:
    raw = "" if body is None else json.dumps(body)
    head = (
        f"{method} {desk.prefix}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return line.ask((head + raw).encode())


def measure(desk: Desk, name: str) -> Found:
    """The middle of some rounds."""
    return _middle([_round(desk, f"{name}, round {number + 1}") for number in range(ROUNDS)])


def _middle(rounds: list[Found]) -> Found:
    return Found(
        {action: middle([each.rates[action] for each in rounds]) for action in GOALS},
        {action: middle([each.costs[action] for each in rounds]) for action in GOALS},
    )


def _round(desk: Desk, name: str) -> Found:
    """Each action once; all that it asks for is paid at its end."""
    open_ones: list[list[str]] = [[] for _ in desk.pairs]

    def read(line: Line, desk: Desk, place: int) -> bool:
        return bool(_say(line, desk, desk.pairs[place][0], "GET", "/api/v1/wallet"))

    def ask(line: Line, desk: Desk, place: int) -> bool:
        if len(open_ones[place]) >= MADE:
            return False
        body = {"out": False, "amount": 5, "memo": "bench"}
        said = json.loads(_say(line, desk, desk.pairs[place][1], "POST", "/api/v1/payments", body))
        open_ones[place].append(said["bolt11"])
        return True

    def pay(line: Line, desk: Desk, place: int) -> bool:
        if not open_ones[place]:
            return False
        body = {"out": True, "bolt11": open_ones[place].pop()}
        said = _say(line, desk, desk.pairs[place][0], "POST", "/api/v1/payments", body)
        assert b'"status":"success"' in said, said[:300]
        return True

    found = {action: _hammer(desk, work) for action, work in (("wallet", read), ("invoice", ask), ("payment", pay))}
    say(f"{name}: " + ", ".join(f"{action} {rate:.0f}/s" for action, (rate, _) in found.items()))
    while any(open_ones):
        _hammer(desk, pay)
    return Found(
        {action: rate for action, (rate, _) in found.items()}, {action: cost for action, (_, cost) in found.items()}
    )


def theirs() -> Rates | None:
    if not (home() / ".complete").exists():
        return None
    server = LnbitsServer(Path(tempfile.mkdtemp(prefix="bench-lnbits-")))
    try:
        server.start()
        pairs = [(server.new_wallet("payer", 10**6).admin, server.new_wallet("payee").admin) for _ in range(CLIENTS)]
        return measure(Desk(server.port, "", pairs), "LNbits 1.6.2 on SQLite").rates
    finally:
        server.stop()


def run(report: Report, database: Database, reference: Rates | None, *parents: int) -> None:
    """parents: processes whose children are the database server's."""
    run_root().mkdir(parents=True, exist_ok=True)
    coin = lightning_coin()
    Wallet.objects.update(state=Wallet.State.OK)
    people = [make_user(f"{name}{place}") for place in range(CLIENTS) for name in ("lnpayer", "lnpayee")]
    made = [purses.open_purse(user=person, name="bench") for person in people]
    for purse in made[::2]:
        with transaction.atomic():
            posting.post(kind="deposit", scope="bench-ln", key=purse.ident, request={},
                         legs=[posting.Leg(posting.account(coin, Kind.HOT), purse.account, RICH)])  # fmt: skip
    shown = [_admin_key(purse, person) for purse, person in zip(made, people, strict=True)]
    pairs = list(zip(shown[::2], shown[1::2], strict=True))
    site = LiveSite(database, workers=2, threads=4)
    where = f"{database.engine}, gunicorn 2 x 4 threads, {CLIENTS} clients"
    try:
        for action, value in measure(Desk(site.port, "/lnbits", pairs), f"ours on {database.engine}").rates.items():
            ratio = value / reference[action] if reference else None
            report.add(f"lnbits_{action}_{database.engine}", value, "requests/s", ratio=ratio, conditions=where,
                       against="LNbits 1.6.2" if ratio else "", goal=GOALS[action] if ratio else None)  # fmt: skip
        serving = (site.child.process.pid, *parents)
        young, old = (Desk(site.port, "/lnbits", [pair] * CLIENTS, serving) for pair in pairs[:2])
        alone = measure(young, "one purse for all")
        for person, purse in zip(people[2:4], made[2:4], strict=True):
            _deepen(coin, person, purse)
        _tell_depth(report, database.engine, alone, young, old)
    finally:
        site.stop()


def _tell_depth(report: Report, engine: str, alone: Found, young: Desk, old: Desk) -> None:
    """deep: a purse with a history beside one without. crowded: one without, before and after others had a history."""
    turns = [(_round(young, f"no payments, turn {turn + 1}"), _round(old, f"{DEEP} payments, turn {turn + 1}"))
             for turn in range(TURNS)]  # fmt: skip
    where = f"{engine}, gunicorn 2 x 4 threads, {CLIENTS} clients, one purse for all, {TURNS} turns"
    beside, grown = _middle([first for first, _ in turns]), _middle([second for _, second in turns])
    for action in GOALS:
        deep = middle([first.rates[action] / second.rates[action] for first, second in turns])
        report.add(f"lnbits_{action}_deep_{engine}", grown.rates[action], "requests/s", ratio=deep, goal=1.2,
                   better="less", against="a purse without history", conditions=where)  # fmt: skip
        crowded = beside.costs[action] / alone.costs[action]
        report.add(f"lnbits_{action}_crowded_{engine}", beside.costs[action], "CPU-ms", ratio=crowded, goal=1.2,
                   better="less", against="an empty site", conditions=where)  # fmt: skip


def _admin_key(purse: Purse, user: User) -> str:
    return keys.purse_keys({purse.ident: user})[purse.ident][keys.PURSE_ADMIN]


def _deepen(coin: Coin, user: User, purse: Purse) -> None:
    """A history of this purse: half paid invoices, half payments, as years leave them."""
    wallet, past = coin.wallets.get(is_active=True).wallet, now() - timedelta(days=30)
    shared = {"user": user, "account": purse.account, "coin": coin, "kind": "move", "status": "done", "gross": 5000}
    for start in range(0, DEEP // 2, 5000):
        hashes = [secrets.token_hex(32) for _ in range(5000)]
        Operation.objects.bulk_create(Operation(incoming=False, payment_hash=name, **shared) for name in hashes)
        hashes = [secrets.token_hex(32) for _ in range(5000)]
        came = Operation.objects.bulk_create(Operation(incoming=True, payment_hash=name, **shared) for name in hashes)
        made = Address.objects.bulk_create(
            Address(coin=coin, wallet=wallet, account=purse.account, number=10**9 + user.pk * 10**6 + start + place,
                    address=f"old{name}", ref=name, amount=5000, expires_at=past)
            for place, name in enumerate(hashes)
        )  # fmt: skip
        Invoice.objects.bulk_create(
            Invoice(address=address, coin=coin, account=purse.account, payment_hash=name, inside=True, operation=row,
                    paid_at=past)
            for address, name, row in zip(made, hashes, came, strict=True)
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
