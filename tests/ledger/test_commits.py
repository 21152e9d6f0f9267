"""Services of several threads share a commit; each succeeds or is refused by itself."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.utils import translation

from accounts.models import User
from ledger import commits
from ledger.models import Operation
from tests.support.money import balances, books, fund, send
from tests.support.threads import at_once

THREADS = 8


class _Gate:
    """Lets the first service begin and keeps it busy until all the others have come."""

    def __init__(self, count: int) -> None:
        self.others = threading.Semaphore(0)
        self.count = count
        self.first = threading.Lock()

    def hold(self) -> None:
        if self.first.acquire(blocking=False):
            for _ in range(self.count - 1):
                assert self.others.acquire(timeout=30)


def together_after_one(work):
    """work(0) … work(7) from as many threads; number 0 is under way when the others come."""
    gate, started = _Gate(THREADS), threading.Event()

    def service(number: int):
        if number == 0:
            started.set()
            gate.hold()
        return work(number)

    def run(number: int):
        if number:
            assert started.wait(30)
            gate.others.release()
        return commits.together(lambda: service(number))

    return at_once(THREADS, run)


def test_those_who_come_during_a_commit_share_the_next_one(site):
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(threading.get_ident())
        Group.objects.create(name=f"group {number}")
        return number

    assert together_after_one(work) == list(range(THREADS))
    assert Group.objects.filter(name__startswith="group ").count() == THREADS
    assert len(set(begun)) < THREADS


@pytest.mark.both_databases
def test_one_that_is_refused_takes_back_its_own_work_alone(site):
    def work(number: int) -> int:
        Group.objects.create(name=f"group {number}")
        if number % 2:
            raise ValueError(f"no {number}")
        return number

    answers = together_after_one(work)

    assert [str(answer) for answer in answers] == ["0", "no 1", "2", "no 3", "4", "no 5", "6", "no 7"]
    assert Group.objects.filter(name__startswith="group ").count() == 4


@pytest.mark.both_databases
def test_one_whose_commit_fails_spoils_nobody_elses(site):
    def work(number: int) -> int:
        Group.objects.create(name=f"group {number}")
        if number == 3:
            User.groups.through.objects.create(user_id=10**9, group_id=10**9)  # noticed at the commit
        return number

    answers = together_after_one(work)

    assert isinstance(answers[3], DatabaseError)
    assert [answers[number] for number in (0, 1, 2, 4, 5, 6, 7)] == [0, 1, 2, 4, 5, 6, 7]
    assert Group.objects.filter(name__startswith="group ").count() == 7


def test_each_service_keeps_its_own_language(site):
    def work(number: int) -> str:
        return translation.get_language()

    def run(number: int) -> str:
        with translation.override("de" if number % 2 else "en"):
            return commits.together(lambda: work(number))

    assert at_once(THREADS, run) == ["en", "de"] * (THREADS // 2)


@pytest.mark.both_databases
def test_it_refuses_to_be_part_of_a_transaction(site):
    with transaction.atomic(), pytest.raises(RuntimeError):
        commits.together(lambda: None)


@pytest.mark.both_databases
def test_transfers_that_share_commits_keep_the_books(coin, alice, bob):
    fund(alice, coin, 10)

    def pay(number: int) -> Operation:
        return send(alice, coin, "bob", 3)

    answers = at_once(THREADS, pay)

    assert sum(isinstance(answer, Operation) for answer in answers) == 3
    assert balances(coin, alice, bob) == [(1, 0), (9, 0)]
    assert connection.in_atomic_block is False
    books(coin)
