"""Random lives of a ledger against a model of plain integers, on both databases.

After each step: debits equal credits, nobody is below zero, the model agrees; a refused step changed no byte.
"""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.db import transaction
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
from ledger import posting, queries, verify
from ledger.models import Account, Coin, Hold, Kind, Operation, Posting, Queue, Transaction
from ledger.services import holds, reversals
from tests.support.factories import make_manager, make_user
from tests.support.money import charge, fresh_key, proof_of, send
from wallets_site.base.clock import now
from wallets_site.base.errors import WalletError

AMOUNTS = st.one_of(st.integers(1, 200), st.sampled_from([10**20, 2**128 - 1]))
_examples = itertools.count(1)


def everything() -> list[object]:
    tables = (Account, Transaction, Posting, Queue, Operation, Hold)
    return [list(table.objects.order_by("pk").values_list()) for table in tables]


class Lives(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.name = f"x{next(_examples)}"
        self.coin = Coin.objects.create(symbol=self.name.upper(), name=self.name, decimals=8)
        charge(self.coin, "move", fixed=1, ppm=1000)
        self.people = [make_user(f"{self.name}-{who}") for who in ("alice", "bob", "charlie")]
        self.model = {person.pk: [0, 0] for person in self.people}
        self.fees = self.brought = 0
        self.sent: list[tuple[str, User, User, int, int]] = []
        self.holds: dict[int, tuple[User, int]] = {}
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

    @rule(who=st.integers(0, 2), amount=st.integers(1, 50))
    def dies_halfway(self, who: int, amount: int) -> None:
        mine = posting.account(self.coin, Kind.USER, owner_id=self.people[who].pk)
        posting.account(self.coin, Kind.HOT)
        before = everything()
        with pytest.raises(ZeroDivisionError):
            self._dies_after_posting(mine, amount)
        assert everything() == before

    def _dies_after_posting(self, mine: Account, amount: int) -> None:
        hot = posting.account(self.coin, Kind.HOT)
        with transaction.atomic():
            posting.post(
                kind="deposit", scope=self.name, key=fresh_key(), request={}, legs=[posting.Leg(hot, mine, amount)]
            )
            raise ZeroDivisionError

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def reverse(self, data) -> None:
        key, payer, payee, amount, fee = data.draw(st.sampled_from(self.sent))
        original = Transaction.objects.get(scope=f"user:{payer.pk}", key=key)
        undo = lambda: reversals.reverse_transaction(user=MANAGER[0], transaction_id=original.pk, reason="test")  # noqa: E731
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

    def teardown(self) -> None:
        report = verify.verify()
        assert report.problems == []


MANAGER: list[User] = []


@pytest.mark.postgresql
def test_any_life_agrees_with_plain_integers_by_single_statements_too(site, settings):
    settings.WALLETS_PORTABLE_POSTING = True
    live_many_lives()


@pytest.mark.both_databases
def test_any_life_of_the_ledger_agrees_with_plain_integers(site):
    live_many_lives()


def live_many_lives():
    MANAGER[:] = [make_manager()]
    run_state_machine_as_test(
        Lives,
        settings=lives(
            max_examples=12, stateful_step_count=25, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), print_blob=True,
        ),
    )  # fmt: skip
