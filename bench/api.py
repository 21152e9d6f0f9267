"""Reads of the REST API by a key, over HTTP, for the person whose account has the deepest history."""

from __future__ import annotations

import http.client
import time

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db import connection

from accounts import api_keys
from accounts import proof as proofs
from accounts.models import User
from bench.report import Report, say
from bench.world import World
from ledger.models import Account, Kind
from tests.support.databases import Database
from tests.support.live import LiveSite

TIMES = 200
OPERATIONS = 100_000
GOAL = 50  # milliseconds
PATHS = {
    "me": "me", "accounts": "accounts", "limits": "limits", "operations": "operations?limit=25",
    "operations_deep": "operations?limit=25&before=1000", "events": "events?limit=100",
}  # fmt: skip


def reads(report: Report, database: Database, world: World) -> None:
    """The slowest of twenty (p95) of each read, on one connection that is kept."""
    account = Account.objects.filter(coin=world.coin, kind=Kind.USER).order_by("-version")[0]
    owner = User.objects.get(pk=account.owner_id)
    headers = {"Authorization": f"Bearer {_key(owner)}"}
    _operations(account, owner)
    site = LiveSite(database, workers=1, threads=2, WALLETS_API_READS="1000000", LOG_LEVEL="ERROR")
    try:
        for name, path in PATHS.items():
            _read(report, site.port, headers, name, path, account.version)
        _catch_up(report, site.port, headers, account.version)
    finally:
        site.stop()


def _key(owner: User) -> str:
    owner.groups.add(Group.objects.get(name="Holders"))
    EmailAddress.objects.get_or_create(user=owner, email=owner.email, primary=True, verified=True)
    proof = proofs.make(owner, proofs.Factor.PASSWORD, where="")
    return api_keys.make_key(user=owner, name="bench", scopes=["read"], proof=proof, key="bench")[1]


def _operations(account: Account, owner: User) -> None:
    """What a busy shop has: incoming transfers, one statement for all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_operation (user_id, account_id, coin_id, kind, incoming, status, gross, fee,"
            " needs_user_confirm, needs_admin_confirm, user_confirm, admin_confirm, version, confirm_digest, retries,"
            " reason, tags, comment, note, address, extra, txid, confirmations, payment_hash, created_at, updated_at)"
            " SELECT %s, %s, %s, 'move', true, 'done', 5, 0, false, false, false, false, 1, '', 0, '', '', '', '', '',"
            " '', '', 0, '', now() - n * interval '5 min', now() FROM generate_series(1, %s) n",
            [owner.pk, account.pk, account.coin_id, OPERATIONS],
        )
        cursor.execute("ANALYZE ledger_operation")


def _read(report: Report, port: int, headers: dict[str, str], name: str, path: str, depth: int) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    samples = sorted(_timed(line, path, headers) for _ in range(TIMES + 5))
    line.close()
    slow = samples[int(len(samples) * 0.95)]
    report.add(f"api_{name}_p95", slow, "ms", goal=GOAL, better="less",
               conditions=f"PostgreSQL, the reader has {depth} postings and {OPERATIONS} operations")  # fmt: skip


def _catch_up(report: Report, port: int, headers: dict[str, str], depth: int) -> None:
    """A program that reads a long history for the first time: each page is written as it is read."""
    line, after, samples = http.client.HTTPConnection("127.0.0.1", port, timeout=60), 100, []
    for _ in range(TIMES):
        samples.append(_timed(line, f"events?limit=100&after={after}", headers))
        after += 100
    line.close()
    slow = sorted(samples)[int(len(samples) * 0.95)]
    say(f"first reading of {after} events of {depth}")
    report.add("api_events_first_time_p95", slow, "ms", goal=GOAL, better="less",
               conditions="PostgreSQL, pages of 100 that nobody read before")  # fmt: skip


def _timed(line: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> float:
    started = time.perf_counter()
    line.request("GET", f"/api/v1/{path}", headers=headers)
    answer = line.getresponse()
    text = answer.read()
    assert answer.status == 200, text[:300]
    return (time.perf_counter() - started) * 1000
