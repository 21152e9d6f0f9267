"""A move over HTTP: our REST API behind gunicorn, a session and CSRF included."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from accounts.models import User
from bench import world as worlds
from bench.ledger import ROUNDS, SECONDS
from bench.report import Report, middle, say
from bench.world import RICH, World
from ledger import posting
from ledger.models import Kind
from tests.support.databases import Database
from tests.support.factories import PASSWORD, make_user
from tests.support.live import LiveSite
from tests.support.postgresql import Cluster

CLIENTS = 8


@dataclass
class Reference:
    """pgbench running the same move."""

    cluster: Cluster
    name: str
    world: World

    def rate(self) -> float:
        return worlds.pgbench(self.cluster, self.name, self.world, clients=CLIENTS, seconds=SECONDS)


def moves(report: Report, database: Database, world: World, reference: Reference) -> None:
    """A round of ours beside one of the reference; the median of the rounds' ratios."""
    make_user("bob")
    payers = [make_user(f"sender{number}") for number in range(CLIENTS)]
    for payer in payers:
        account = posting.account(world.coin, Kind.USER, owner_id=payer.pk)
        with transaction.atomic():
            posting.post(kind="deposit", scope="bench", key=f"payer {payer.pk}", request={},
                         legs=[posting.Leg(posting.account(world.coin, Kind.HOT), account, RICH)])  # fmt: skip
    site = LiveSite(database, workers=2, threads=4, WALLETS_API_WRITES="10000000", LOG_LEVEL="ERROR")
    try:
        headers = [_session(site, payer) for payer in payers]
        _hammer(site.port, headers, 1, "warm")
        rates, ratios, cpu = [], [], []
        for number in range(ROUNDS):
            beside = reference.rate()
            before = cpu_of(site.child.process.pid)
            count, seconds = _hammer(site.port, headers, SECONDS, f"r{number}")
            rates.append(count / seconds)
            ratios.append(rates[-1] / beside)
            cpu.append((cpu_of(site.child.process.pid) - before) / count * 1000)
            say(f"HTTP round {number + 1}: {rates[-1]:.0f}/s, pgbench {beside:.0f}/s")
    finally:
        site.stop()
    where = "PostgreSQL, gunicorn 2 x 4 threads, 8 clients, each with a session of its own, REST"
    report.add("http_move", middle(rates), "moves/s", against="pgbench", ratio=middle(ratios), goal=0.22,
               conditions=where)  # fmt: skip
    report.add("http_move_cpu", middle(cpu), "ms of server CPU", goal=1.3, better="less", conditions=where)


def _session(site: LiveSite, payer: User) -> dict[str, str]:
    visitor = site.visitor()
    assert visitor.submit("/accounts/login/", login=payer.email, password=PASSWORD).ok
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', visitor.get("/").text)
    assert token
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.get_dict().items())
    return {"Cookie": cookies, "X-CSRFToken": token[1], "Referer": site.url + "/", "Content-Type": "application/json"}


def _hammer(port: int, headers: list[dict[str, str]], seconds: int, name: str) -> tuple[int, float]:
    """(moves that were made, seconds) by clients that keep their connection."""
    counts = [0] * CLIENTS
    body = json.dumps({"coin": "BEN", "to": "bob", "amount": "0.00000005"})

    def client(place: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        ends, number = time.monotonic() + seconds, 0
        while time.monotonic() < ends:
            number += 1
            line.request(
                "POST", "/api/v1/sends", body, {**headers[place], "Idempotency-Key": f"{name}-{place}-{number}"}
            )
            answer = line.getresponse()
            text = answer.read()
            assert answer.status == 201, text[:300]
            counts[place] += 1
        line.close()

    started = time.monotonic()
    threads = [threading.Thread(target=client, args=(place,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts), time.monotonic() - started


def cpu_of(parent: int) -> float:
    """Seconds of CPU that a process and its children have used."""
    total = 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if parent in (int(fields[1]), int(path.parent.name)):
            total += (int(fields[11]) + int(fields[12])) / 100
    return total
