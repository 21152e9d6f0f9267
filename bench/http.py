"""A move over HTTP: our REST API behind gunicorn, a session and CSRF included."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from pathlib import Path

from django.db import transaction

from accounts.models import User
from bench.ledger import ROUNDS, SECONDS
from bench.report import Report, middle, say
from bench.world import RICH, World
from ledger import posting
from ledger.models import Kind
from tests.support.databases import Database
from tests.support.factories import PASSWORD, make_user
from tests.support.live import LiveSite

CLIENTS = 8


def moves(report: Report, database: Database, world: World, reference: float) -> None:
    make_user("bob")
    alice = User.objects.get(username="alice")
    account = posting.account(world.coin, Kind.USER, owner_id=alice.pk)
    with transaction.atomic():
        posting.post(kind="deposit", scope="bench", key="alice", request={},
                     legs=[posting.Leg(posting.account(world.coin, Kind.HOT), account, RICH)])  # fmt: skip
    site = LiveSite(database, workers=2, threads=4, WALLETS_API_WRITES="10000000", LOG_LEVEL="ERROR")
    try:
        headers = _session(site)
        _hammer(site.port, headers, 1, "warm")
        rates, cpu = [], []
        for number in range(ROUNDS):
            before = cpu_of(site.child.process.pid)
            count, seconds = _hammer(site.port, headers, SECONDS, f"r{number}")
            rates.append(count / seconds)
            cpu.append((cpu_of(site.child.process.pid) - before) / count * 1000)
            say(f"HTTP round {number + 1}: {rates[-1]:.0f}/s")
    finally:
        site.stop()
    where = "PostgreSQL, gunicorn 2 x 4 threads, 8 clients, one sender with a session, REST"
    report.add("http_move", middle(rates), "moves/s", against="pgbench", ratio=middle(rates) / reference, goal=0.22,
               conditions=where)  # fmt: skip
    report.add("http_move_cpu", middle(cpu), "ms of server CPU", goal=1.3, better="less", conditions=where)


def _session(site: LiveSite) -> dict[str, str]:
    visitor = site.visitor()
    assert visitor.submit("/accounts/login/", login="alice@example.com", password=PASSWORD).ok
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', visitor.get("/").text)
    assert token
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.get_dict().items())
    return {"Cookie": cookies, "X-CSRFToken": token[1], "Referer": site.url + "/", "Content-Type": "application/json"}


def _hammer(port: int, headers: dict[str, str], seconds: int, name: str) -> tuple[int, float]:
    """(moves that were made, seconds) by clients that keep their connection."""
    counts = [0] * CLIENTS
    body = json.dumps({"coin": "BEN", "to": "bob", "amount": "0.00000005"})

    def client(place: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        ends, number = time.monotonic() + seconds, 0
        while time.monotonic() < ends:
            number += 1
            line.request("POST", "/api/v1/sends", body, {**headers, "Idempotency-Key": f"{name}-{place}-{number}"})
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
