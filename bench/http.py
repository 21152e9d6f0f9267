"""A move over HTTP behind gunicorn: the WordPress API by key, and REST by key and by session."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from accounts import keys
from accounts.models import User
from bench import world as worlds
from bench.clients import get, rate
from bench.ledger import ROUNDS, SECONDS
from bench.report import Report, middle, say
from bench.world import RICH, World
from ledger import posting
from ledger.models import Kind, SiteSettings
from ledger.services import site_settings
from tests.api.callers import Program
from tests.support.databases import Database
from tests.support.factories import PASSWORD, make_user
from tests.support.live import LiveSite
from tests.support.postgresql import Cluster

CLIENTS = 8
Request = Callable[[int, int], bytes]


@dataclass
class Reference:
    """pgbench running the same move."""

    cluster: Cluster
    name: str
    world: World

    def rate(self) -> float:
        return worlds.pgbench(self.cluster, self.name, self.world, clients=CLIENTS, seconds=SECONDS)


def moves(report: Report, database: Database, world: World, reference: Reference) -> None:
    """A round of each way in beside one of the reference; the median of the rounds' ratios."""
    for number in range(CLIENTS):
        make_user(f"receiver{number}")
    site_settings.current()
    SiteSettings.objects.update(confirm_move_user=False)
    payers = [_payer(world, number) for number in range(CLIENTS)]
    site = LiveSite(database, workers=2, threads=4, WALLETS_API_WRITES="10000000", LOG_LEVEL="ERROR")
    try:
        ways = {
            "http_move": _by_plugin_key(payers),
            "http_move_rest": _by_rest([_key(payer) for payer in payers]),
            "http_move_session": _by_rest([_session(site, payer) for payer in payers]),
        }
        found = _rounds(site, ways, reference)
    finally:
        site.stop()
    said = {"http_move": "WordPress API with a key", "http_move_rest": "REST with a key",
            "http_move_session": "REST with a session"}  # fmt: skip
    for name, (rates, ratios, cpu) in found.items():
        where = f"PostgreSQL, gunicorn 2 x 4 threads, 8 clients, each a payer and a payee of its own, {said[name]}"
        first = name == "http_move"
        report.add(name, middle(rates), "moves/s", against="pgbench", ratio=middle(ratios),
                   goal=0.22 if first else None, conditions=where)  # fmt: skip
        report.add(f"{name}_cpu", middle(cpu), "ms of server CPU", goal=1.3 if first else None, better="less",
                   conditions=where)  # fmt: skip


def _rounds(
    site: LiveSite, ways: dict[str, tuple[Request, bytes]], reference: Reference
) -> dict[str, tuple[list[float], list[float], list[float]]]:
    found: dict[str, tuple[list[float], list[float], list[float]]] = {name: ([], [], []) for name in ways}
    for make, wanted in ways.values():
        rate(site.port, make, clients=CLIENTS, seconds=1, wanted=wanted)
    for number in range(ROUNDS):
        beside = reference.rate()
        for name, (make, wanted) in ways.items():
            before, began = cpu_of(site.child.process.pid), time.monotonic()
            managed = rate(site.port, make, clients=CLIENTS, seconds=SECONDS, wanted=wanted)
            count = managed * (time.monotonic() - began)
            rates, ratios, cpu = found[name]
            rates.append(managed)
            ratios.append(managed / beside)
            cpu.append((cpu_of(site.child.process.pid) - before) / count * 1000)
        shown = ", ".join(f"{name} {rates[-1]:.0f}/s" for name, (rates, _, _) in found.items())
        say(f"HTTP round {number + 1}: pgbench {beside:.0f}/s, {shown}")
    return found


def _payer(world: World, number: int) -> User:
    payer = make_user(f"sender{number}")
    account = posting.account(world.coin, Kind.USER, owner_id=payer.pk)
    with transaction.atomic():
        posting.post(kind="deposit", scope="bench", key=f"payer {payer.pk}", request={},
                     legs=[posting.Leg(posting.account(world.coin, Kind.HOT), account, RICH)])  # fmt: skip
    return payer


def _by_plugin_key(payers: list[User]) -> tuple[Request, bytes]:
    query = "__wallets_apiversion=3&__wallets_action=do_move&__wallets_symbol=BEN"
    made = [
        get(
            f"/?{query}&__wallets_move_toaccount=receiver{place}&__wallets_move_amount=0.00000005",
            headers={"Authorization": f"Bearer {keys.show_key(payer, keys.PLUGIN_API)}"},
        )
        for place, payer in enumerate(payers)
    ]
    return lambda place, _number: made[place], b'"success"'


def _by_rest(headers: list[dict[str, str]]) -> tuple[Request, bytes]:
    def make(place: int, number: int) -> bytes:
        body = json.dumps({"coin": "BEN", "to": f"receiver{place}", "amount": "0.00000005"})
        said = {**headers[place], "Content-Type": "application/json", "Content-Length": str(len(body)),
                "Idempotency-Key": f"{place}-{number}-{time.time_ns()}"}  # fmt: skip
        lines = ["POST /api/v1/sends HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {text}" for name, text in said.items())]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    return make, b'"done"'


def _key(payer: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {Program(payer, 'send').key}"}


def _session(site: LiveSite, payer: User) -> dict[str, str]:
    visitor = site.visitor()
    assert visitor.submit("/accounts/login/", login=payer.email, password=PASSWORD).ok
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', visitor.get("/").text)
    assert token
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.get_dict().items())
    return {"Cookie": cookies, "X-CSRFToken": token[1], "Referer": site.url + "/"}


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
