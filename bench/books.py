"""A site that has lived: OPS= operations (default 100,000) made through its services, then its books are checked three
times: by ledger_verify, by hledger and by beancount."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.core.management import call_command
from django.db import transaction

from accounts import proof as proofs
from accounts.models import User
from bench.report import Report, say
from ledger import posting, verify
from ledger.models import Coin, Kind, Operation, Purpose
from ledger.services import holds, moves, reversals, seals
from tests.support import accountants, databases
from tests.support.factories import make_manager, make_user
from tests.support.money import charge
from tests.support.threads import at_once
from wallets_site.base.clock import now

PEOPLE = 40
THREADS = 4
REVERSED, HELD = 500, 200  # one in so many
DECIMALS = {"LTC": 8, "XMR": 12, "BAN": 29}


def run(report: Report, folder: Path) -> None:
    wanted = int(os.environ.get("OPS") or 100_000)
    databases.use(databases.sqlite_aliases(folder))
    databases.migrate()
    people, coins = _open_accounts()
    _live(people, coins, wanted)
    seals.seal_pending(everything=True)
    made = Operation.objects.count()
    seconds, problems = _timed(lambda: verify.verify().problems)
    where = f"SQLite, {made} operations of {PEOPLE} members in {len(coins)} coins"
    report.add("ledger_verify", seconds, "s", conditions=where)
    report.add("ledger_verify_problems", len(problems), "problems", goal=0, better="less", conditions=where)
    books = accountants.ours()
    for name, read in (("hledger", accountants.of_hledger), ("beancount", accountants.of_beancount)):
        path = folder / f"books.{name}"
        with path.open("w") as out:
            call_command("ledger_export", "--format", name, stdout=out)
        theirs = read(path)
        differences = {account for account in books.keys() | theirs.keys() if books.get(account) != theirs.get(account)}
        report.add(f"{name}_differences", len(differences), "accounts", against="ours", goal=0, better="less",
                   conditions=f"{where}, {len(books)} accounts with a balance")  # fmt: skip


def _timed(do: Callable[[], list[str]]) -> tuple[float, list[str]]:
    started = time.monotonic()
    found = do()
    return time.monotonic() - started, found


def _open_accounts() -> tuple[list[User], list[Coin]]:
    people = [make_user(f"member{number}") for number in range(PEOPLE)]
    coins = [Coin.objects.create(symbol=symbol, name=symbol, decimals=places) for symbol, places in DECIMALS.items()]
    for coin in coins:
        charge(coin, Purpose.MOVE, fixed=7, ppm=2_500)
        for person in people:
            legs = [
                posting.Leg(
                    posting.account(coin, Kind.HOT), posting.account(coin, Kind.USER, owner_id=person.pk),
                    10 ** (coin.decimals + 6),
                )
            ]  # fmt: skip
            with transaction.atomic():
                posting.post(kind="deposit", scope="bench", key=f"{coin}-{person.pk}", request={}, legs=legs)
    return people, coins


def _live(people: list[User], coins: list[Coin], wanted: int) -> None:
    each = -(-wanted // (2 * THREADS))  # a transfer is two operations
    manager = make_manager()

    def live(place: int) -> None:
        dice = random.Random(place)
        for number in range(each):
            if place == 0 and number % 2500 == 0:
                say(f"about {number * THREADS * 2} of {wanted} operations")
            payer, payee = dice.sample(people, 2)
            coin = dice.choice(coins)
            amount = dice.randrange(1, 10**coin.decimals)
            proof, key = proofs.of_system(payer, "bench"), f"{place}-{number}"
            sent = moves.move_now(user=payer, coin=coin, recipient=payee, amount=amount, proof=proof, key=key)
            if number % REVERSED == 0:
                reversals.reverse_transaction(
                    user=manager, transaction_id=sent.transaction_id or 0, reason="sent by mistake"
                )
            if number % HELD == 0:
                soon = now() + timedelta(days=1)
                holds.place_hold(user=payer, coin=coin, amount=amount, expires_at=soon, proof=proof, key=f"h{key}")

    answers = [answer for answer in at_once(THREADS, live) if answer is not None]
    if answers:
        raise RuntimeError(f"a member's life ended: {answers}")
