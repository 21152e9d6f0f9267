"""The WordPress API v3 over HTTP, as shares of an empty Django view under the same server in the same run."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from accounts import keys
from accounts.models import User
from bench.clients import Line, get, milliseconds, rate
from bench.http import cpu_of
from bench.report import Report, middle, say
from bench.world import RICH
from ledger import posting
from ledger.models import Account, Coin, Kind, Operation, SiteSettings
from ledger.services import site_settings
from tests.support.databases import Database
from tests.support.factories import make_user
from tests.support.live import LiveSite
from tests.support.money import address_of, chores_now, make_coin

CLIENTS = 4
ROUNDS = 3
SECONDS = 4
DEEP = 100_000
SHALLOW = 100
TIMES = 150
HINTS = 150  # below what one address may say at once
WHERE = "gunicorn 2 x 4 threads, 4 clients"
Request = Callable[[int, int], bytes]


@dataclass
class People:
    deep: User  # 100,000 rows
    shallow: User  # 100 rows
    other: User  # none
    payers: list[User]  # one for each client, who pays payee0, payee1...
    coin: Coin


def populate() -> People:
    coins = [make_coin("BTA"), make_coin("LTB")]
    deep, shallow, other = (make_user(name) for name in ("deep", "shallow", "other"))
    payers = [make_user(f"payer{number}") for number in range(CLIENTS)]
    for number in range(CLIENTS):
        make_user(f"payee{number}")
    site_settings.current()
    SiteSettings.objects.update(confirm_move_user=False)
    for coin in coins:
        chores_now(coin)
        for person in (deep, shallow, other):
            address_of(person, coin)
        hot = posting.account(coin, Kind.HOT)
        for person in (deep, shallow, *payers):
            account = posting.account(coin, Kind.USER, owner_id=person.pk)
            with transaction.atomic():
                posting.post(kind="deposit", scope="bench3", key=f"{coin.pk}-{person.pk}", request={},
                             legs=[posting.Leg(hot, account, RICH)])  # fmt: skip
    return People(deep, shallow, other, payers, coins[0])


def fill(people: People, person: User, rows: int) -> None:
    """Moves to `other`, a second apart, as a life on the site leaves them."""
    account = Account.objects.get(coin=people.coin, kind=Kind.USER, owner=person)
    for _ in range(0, rows, 10_000):
        Operation.objects.bulk_create(
            Operation(
                user=person, account=account, coin=people.coin, kind="move", incoming=False, status="done",
                gross=100_000_000, fee=100, counterpart=people.other, tags="move", comment="thank you",
            )
            for _ in range(min(rows, 10_000))
        )  # fmt: skip
    with connection.cursor() as cursor:
        table = "ledger_operation"
        cursor.execute(f"VACUUM ANALYZE {table}" if connection.vendor == "postgresql" else f"ANALYZE {table}")


def by_key(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {keys.show_key(user, keys.PLUGIN_API)}"}


def by_cookie(user: User) -> dict[str, str]:
    """A session as a sign-in leaves it."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from wallets_site.sessions import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {"Cookie": f"session={session.session_key}"}


def query(action: str, headers: dict[str, str], **values: str) -> bytes:
    pairs = {"__wallets_apiversion": "3", "__wallets_action": action}
    pairs |= {name if name[0] == "_" else f"__wallets_{name}": text for name, text in values.items()}
    return get("/?" + "&".join(f"{name}={text}" for name, text in pairs.items()), headers=headers)


def listing(headers: dict[str, str], first: int = 0) -> bytes:
    return query("get_transactions", headers, symbol="BTA", tx_count="10", tx_from=str(first))


def nonce(site: LiveSite, headers: dict[str, str]) -> str:
    import json

    line = http.client.HTTPConnection("127.0.0.1", site.port)
    line.request("GET", "/wallets/api3/get_nonces", headers=headers)
    return str(json.loads(line.getresponse().read())["nonces"]["do_move"])


def _move(site: LiveSite, headers: dict[str, str], payee: str) -> bytes:
    good = nonce(site, headers) if "Cookie" in headers else ""
    return query("do_move", headers, symbol="BTA", move_toaccount=payee, move_amount="0.00000005", _wpnonce=good)


def rates(report: Report, database: Database, people: People) -> None:
    """Each action beside the empty view, by key and by cookie, in turn."""
    empty = LiveSite(database, workers=2, threads=4, application="bench.empty", ready="/")
    site = LiveSite(database, workers=2, threads=4)
    try:
        asked: dict[str, tuple[Request, bytes]] = {}
        for name, headers_of in (("key", by_key), ("cookie", by_cookie)):
            headers = headers_of(people.shallow)
            coins, rows = query("get_coins_info", headers), listing(headers)
            moves = [_move(site, headers_of(payer), f"payee{place}") for place, payer in enumerate(people.payers)]
            asked[f"get_coins_info_{name}"] = (lambda _c, _n, request=coins: request, b'"LTB"')
            asked[f"get_transactions_{name}"] = (lambda _c, _n, request=rows: request, b'"move-')
            asked[f"do_move_{name}"] = (lambda client, _n, requests=moves: requests[client], b'"success"')
        _compare(report, empty, site, asked, database.engine)
    finally:
        site.stop()
        empty.stop()


def _compare(
    report: Report, empty: LiveSite, site: LiveSite, asked: dict[str, tuple[Request, bytes]], engine: str
) -> None:
    nothing = get("/")
    references, found = [], {name: [0.0] * 0 for name in asked}
    for make, wanted in asked.values():
        rate(site.port, make, clients=CLIENTS, seconds=1, wanted=wanted)
    for number in range(ROUNDS):
        references.append(rate(empty.port, lambda _c, _n: nothing, clients=CLIENTS, seconds=SECONDS))
        for name, (make, wanted) in asked.items():
            found[name].append(rate(site.port, make, clients=CLIENTS, seconds=SECONDS, wanted=wanted))
        shown = ", ".join(f"{name} {values[-1]:.0f}/s" for name, values in found.items())
        say(f"round {number + 1}: empty view {references[-1]:.0f}/s, {shown}")
    for name, values in found.items():
        ratio = middle([value / reference for value, reference in zip(values, references, strict=True)])
        goal = 0.10 if name.startswith("do_move") else 0.12
        report.add(f"api3_{name}", middle(values), "answers/s", against="empty view", ratio=ratio, goal=goal,
                   conditions=f"{engine}, {WHERE}")  # fmt: skip


def depth(report: Report, database: Database, people: People) -> None:
    """The same questions of people with 100,000, 100 and no rows."""
    site = LiveSite(database, workers=1, threads=4)
    try:
        requests = {}
        for person in (people.deep, people.shallow, people.other):
            headers = by_key(person)
            requests[f"coins {person.username}"] = query("get_coins_info", headers)
            requests[f"rows {person.username}"] = listing(headers)
        requests["rows 90000"] = listing(by_key(people.deep), 90_000)
        took = milliseconds(site.port, requests, times=TIMES)
    finally:
        site.stop()
    where = f"{database.engine}, one client, median of {TIMES}"
    for name, at, beside, goal in (
        ("get_coins_info_at_100k", "coins deep", "coins shallow", 1.2),
        ("get_coins_info_of_others", "coins other", "coins shallow", 1.2),
        ("get_transactions_at_100k", "rows deep", "rows shallow", 1.2),
        ("get_transactions_of_others", "rows other", "rows shallow", 1.2),
        ("get_transactions_from_90000", "rows 90000", "rows deep", 5),
    ):
        report.add(f"api3_{name}", took[at], "ms", against=beside, ratio=took[at] / took[beside], goal=goal,
                   better="less", conditions=where)  # fmt: skip


def hints(report: Report, database: Database) -> None:
    """What a notification costs the web server, beside an empty view; each of them is a new one."""
    empty = LiveSite(database, workers=1, threads=4, application="bench.empty", ready="/")
    site = LiveSite(database, workers=1, threads=4)
    try:
        costs = []
        for number in range(ROUNDS):
            first = number * HINTS
            paths = [f"/wallets/api3/notify/BTA/wallet/{first + each:064x}" for each in range(HINTS)]
            costs.append(_milliseconds_of_cpu(site, paths) - _milliseconds_of_cpu(empty, ["/"] * 10 * HINTS))
    finally:
        site.stop()
        empty.stop()
    report.add("api3_notify_cpu", middle(costs), "ms of server CPU over an empty view", goal=2, better="less",
               conditions=f"{database.engine}, one client, {HINTS} notifications a round")  # fmt: skip


def _milliseconds_of_cpu(site: LiveSite, paths: list[str]) -> float:
    line = Line(site.port)
    line.ask(get(paths[0]))
    before = cpu_of(site.child.process.pid)
    for path in paths:
        line.ask(get(path))
    line.close()
    return (cpu_of(site.child.process.pid) - before) / len(paths) * 1000


def run(report: Report, database: Database) -> None:
    people = populate()
    fill(people, people.shallow, SHALLOW)
    rates(report, database, people)
    hints(report, database)
    fill(people, people.deep, DEEP)
    depth(report, database, people)
