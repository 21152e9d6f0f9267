"""Random lives of a ledger against a model of plain integers, on both databases.

After each step: debits equal credits, nobody is below zero, the model agrees, a replay of all postings gives the rows;
a refused step changed no byte of the whole database.
"""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from datetime import timedelta
from functools import cache
from unittest import mock

import pytest
import time_machine
from django.db import connection, transaction
from hypothesis import HealthCheck
from hypothesis import settings as lives
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from adapters.demo import encode_address
from ledger import posting, queries, verify
from ledger.models import Account, Kind, Transaction
from ledger.services import adjustments, holds, lifecycle, reversals
from tests.support.factories import make_manager, make_user
from tests.support.money import charge, fresh_key, make_coin, proof_of, send
from wallets_site.base.clock import now
from wallets_site.base.errors import InsufficientFunds, WalletError

AMOUNTS = st.one_of(st.integers(1, 200), st.sampled_from([10**20, 2**128 - 1]))
_examples = itertools.count(1)


# Where post() can die by single statements; by one function there is only the moment after it.
MIDDLES = ["_insert_transaction", "_update_accounts", "_insert_postings", "_queue", "the end"]


def everything() -> dict[str, object]:
    """Every row of every table, as the database keeps it; on PostgreSQL a digest of them, in one statement."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            rows = "SELECT '{0}', (SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{0}\" t)"
            cursor.execute(" UNION ALL ".join(rows.format(table) for table in tables("postgresql")))
            return dict(cursor.fetchall())
        return {
            table: list(cursor.execute(f'SELECT * FROM "{table}" ORDER BY 1').fetchall()) for table in tables("sqlite")
        }


@cache
def tables(vendor: str) -> list[str]:
    """vendor: of the connection; the names are asked for once in each."""
    assert connection.vendor == vendor
    return sorted(connection.introspection.table_names())


class Lives(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.name = f"x{next(_examples)}"
        self.coin = make_coin(self.name.upper())
        self.away = encode_address(self.name, b"\x05" * 20)
        charge(self.coin, "move", fixed=1, ppm=1000)
        charge(self.coin, "withdrawal", fixed=3)
        self.people = [make_user(f"{self.name}-{who}") for who in ("alice", "bob", "charlie")]
        self.model = {person.pk: [0, 0] for person in self.people}
        self.fees = self.brought = 0
        self.sent: list[tuple[str, User, User, int, int]] = []
        self.holds: dict[int, tuple[User, int]] = {}
        self.payouts: dict[int, tuple[User, int]] = {}
        self.reversed: set[int] = set()

    def refused(self, do) -> bool:
        """Whether the step was refused; then nothing at all may have changed."""
        before = everything()
        try:
            do()
        except WalletError:
            assert everything() == before
            return True
        return False

    @rule(who=st.integers(0, 2), amount=AMOUNTS)
    def deposit(self, who: int, amount: int) -> None:
        person = self.people[who]
        with transaction.atomic():
            posting.post(
                kind="deposit", scope=self.name, key=fresh_key(), request={},
                legs=[posting.Leg(posting.account(self.coin, Kind.HOT),
                                  posting.account(self.coin, Kind.USER, owner_id=person.pk), amount)],
            )  # fmt: skip
        self.model[person.pk][0] += amount
        self.brought += amount

    @rule(who=st.integers(0, 2), whom=st.integers(0, 2), amount=AMOUNTS)
    def move(self, who: int, whom: int, amount: int) -> None:
        payer, payee, key = self.people[who], self.people[whom], fresh_key()
        fee = 1 + -(-amount // 1000)
        if self.refused(lambda: send(payer, self.coin, payee.email, amount, key=key)):
            assert payer == payee or self.model[payer.pk][0] < amount + fee
            return
        self.model[payer.pk][0] -= amount + fee
        self.model[payee.pk][0] += amount
        self.fees += fee
        self.sent.append((key, payer, payee, amount, fee))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def the_same_again(self, data) -> None:
        from ledger.services import quotes, sending

        key, payer, payee, amount, fee = data.draw(st.sampled_from(self.sent))
        before = everything()
        quote = quotes.Quote("move", self.coin, payer.pk, payee, "", "", amount, fee)
        again = sending.request_send(user=payer, quote=quote, proof=proof_of(payer), key=key)
        assert (again.net, again.counterpart_id) == (amount, payee.pk)
        other = quotes.Quote("move", self.coin, payer.pk, payee, "", "", amount + 1, fee)
        assert self.refused(lambda: sending.request_send(user=payer, quote=other, proof=proof_of(payer), key=key))
        assert everything() == before

    @rule(who=st.integers(0, 2), amount=st.integers(1, 50), where=st.sampled_from(MIDDLES))
    def dies_halfway(self, who: int, amount: int, where: str) -> None:
        mine = posting.account(self.coin, Kind.USER, owner_id=self.people[who].pk)
        hot = posting.account(self.coin, Kind.HOT)
        before = everything()
        dying = mock.patch.object(posting, where, self._after(where)) if where != "the end" else nullcontext()
        with pytest.raises(ZeroDivisionError), dying:
            self._dies_after_posting(posting.Leg(hot, mine, amount))
        assert everything() == before

    def _dies_after_posting(self, leg: posting.Leg) -> None:
        with transaction.atomic():
            posting.post(kind="deposit", scope=self.name, key=fresh_key(), request={}, legs=[leg])
            raise ZeroDivisionError

    @staticmethod
    def _after(step: str):
        """The step is done, and then its process dies."""
        do = getattr(posting, step)

        def dies(*arguments):
            do(*arguments)
            raise ZeroDivisionError

        return dies

    @rule(who=st.integers(0, 2), whom=st.integers(0, 2), amount=AMOUNTS)
    def rehearse(self, who: int, whom: int, amount: int) -> None:
        """The same answer as the real thing, and not a byte written."""
        payer, payee = (
            posting.account(self.coin, Kind.USER, owner_id=self.people[each].pk) for each in (who, (who + whom + 1) % 3)
        )
        if payer == payee:
            return
        event = {"kind": "t", "scope": self.name, "key": fresh_key(), "request": {}}
        before = everything()
        try:
            made = posting.rehearse(**event, legs=[posting.Leg(payer, payee, amount)])
            assert (made.id, made.created) == (0, True)
            assert self.model[payer.owner_id or 0][0] >= amount
        except InsufficientFunds:
            assert self.model[payer.owner_id or 0][0] < amount
        assert everything() == before

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def reverse(self, data) -> None:
        key, payer, payee, amount, fee = data.draw(st.sampled_from(self.sent))
        original = Transaction.objects.get(scope=f"user:{payer.pk}", key=key)
        undo = lambda: reversals.reverse_transaction(user=MANAGERS[0], transaction_id=original.pk, reason="test")  # noqa: E731
        if self.refused(undo):
            assert self.model[payee.pk][0] < amount
            return
        if original.pk not in self.reversed:
            self.reversed.add(original.pk)
            self.model[payer.pk][0] += amount + fee
            self.model[payee.pk][0] -= amount
            self.fees -= fee

    @rule(who=st.integers(0, 2), amount=AMOUNTS)
    def hold(self, who: int, amount: int) -> None:
        person, made = self.people[who], []
        until = now() + timedelta(hours=1)
        if self.refused(lambda: made.append(holds.place_hold(
            user=person, coin=self.coin, amount=amount, expires_at=until, proof=proof_of(person), key=fresh_key()
        ))):  # fmt: skip
            assert self.model[person.pk][0] < amount
            return
        self.holds[made[0].pk] = (person, amount)
        self.model[person.pk][0] -= amount
        self.model[person.pk][1] += amount

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=st.integers(1, 300), last=st.booleans(), whom=st.integers(0, 2))
    def capture(self, data, amount: int, last: bool, whom: int) -> None:
        pk = data.draw(st.sampled_from(sorted(self.holds)))
        (person, left), payee = self.holds[pk], self.people[whom]
        if self.refused(lambda: holds.capture_hold(
            user=person, hold_id=pk, to=payee, amount=amount, key=fresh_key(), last=last
        )):  # fmt: skip
            assert amount > left
            return
        given_back = left - amount if last else 0
        self.model[person.pk][1] -= amount + given_back
        self.model[payee.pk][0] += amount
        self.model[person.pk][0] += given_back
        self.holds[pk] = (person, left - amount - given_back)
        if last or left == amount:
            del self.holds[pk]

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data) -> None:
        pk = data.draw(st.sampled_from(sorted(self.holds)))
        person, left = self.holds.pop(pk)
        holds.release_hold(user=person, hold_id=pk)
        self.model[person.pk][0] += left
        self.model[person.pk][1] -= left

    @rule()
    def time_runs_out(self) -> None:
        with time_machine.travel(now() + timedelta(hours=2), tick=False):
            holds.expire_holds()
            for pk, (person, _left) in self.holds.items():
                assert self.refused(lambda pk=pk, who=person: holds.capture_hold(
                    user=who, hold_id=pk, to=who, amount=1, key=fresh_key()
                ))  # fmt: skip
        for person, left in self.holds.values():
            self.model[person.pk][0] += left
            self.model[person.pk][1] -= left
        self.holds.clear()

    @rule(who=st.integers(0, 2), amount=AMOUNTS)
    def withdraw(self, who: int, amount: int) -> None:
        person, made = self.people[who], []
        cost = amount + 3
        if self.refused(lambda: made.append(send(person, self.coin, self.away, amount))):
            assert self.model[person.pk][0] < cost
            return
        self.payouts[made[0].pk] = (person, cost)
        self.model[person.pk][0] -= cost
        self.model[person.pk][1] += cost

    @precondition(lambda self: self.payouts)
    @rule(data=st.data())
    def cancel(self, data) -> None:
        pk = data.draw(st.sampled_from(sorted(self.payouts)))
        person, cost = self.payouts.pop(pk)
        stranger = next(each for each in self.people if each != person)
        assert self.refused(lambda: lifecycle.cancel(user=stranger, operation_id=pk, key=fresh_key()))
        lifecycle.cancel(user=person, operation_id=pk, key=fresh_key())
        self.model[person.pk][0] += cost
        self.model[person.pk][1] -= cost

    @rule(who=st.integers(0, 2), amount=AMOUNTS)
    def adjust(self, who: int, amount: int) -> None:
        """Two people take back what a chain took back; one of them alone cannot."""
        person = self.people[who]
        proposal = adjustments.propose_adjustment(
            user=MANAGERS[0], debit=posting.account(self.coin, Kind.USER, owner_id=person.pk),
            credit=posting.account(self.coin, Kind.HOT), amount=amount, reason="gone", key=fresh_key(),
        )  # fmt: skip
        accept = adjustments.accept_adjustment
        assert self.refused(lambda: accept(user=MANAGERS[0], adjustment_id=proposal.pk))
        if self.refused(lambda: accept(user=MANAGERS[1], adjustment_id=proposal.pk)):
            assert self.model[person.pk][0] < amount
            return
        assert self.refused(lambda: accept(user=MANAGERS[1], adjustment_id=proposal.pk))
        self.model[person.pk][0] -= amount
        self.brought -= amount

    @rule()
    def roll_up(self) -> None:
        for pk in Account.objects.filter(coin=self.coin, shared=True).values_list("pk", flat=True):
            posting.roll_up(pk)

    @invariant()
    def books_agree_with_the_model(self) -> None:
        if not hasattr(self, "coin"):
            return
        rows = queries.standings(self.coin)
        assert sum(row.balance for row in rows) == 0
        found = {(row.kind, row.owner_id): row.balance for row in rows}
        for person, (free, held) in self.model.items():
            assert found.get((Kind.USER, person), 0) == free >= 0
            assert found.get((Kind.HELD, person), 0) == held >= 0
        assert found.get((Kind.FEE_INCOME, None), 0) == self.fees
        assert -found.get((Kind.HOT, None), 0) == self.brought

    @invariant()
    def a_replay_gives_the_rows(self) -> None:
        assert verify.verify().problems == []


MANAGERS: list[User] = []


@pytest.mark.postgresql
def test_any_life_agrees_with_plain_integers_by_single_statements_too(site, settings):
    settings.WALLETS_PORTABLE_POSTING = True
    live_many_lives()


@pytest.mark.both_databases
def test_any_life_of_the_ledger_agrees_with_plain_integers(site):
    live_many_lives()


def live_many_lives():
    MANAGERS[:] = [make_manager(), make_manager("second")]
    run_state_machine_as_test(
        Lives,
        settings=lives(
            max_examples=10, stateful_step_count=20, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), print_blob=True,
        ),
    )  # fmt: skip
