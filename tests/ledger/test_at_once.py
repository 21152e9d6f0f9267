"""What one person does in many places at once: holds, confirmations and limits at their edge."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.models import Operation
from ledger.services import confirmations, holds, lifecycle, moves
from tests.ledger.test_lifecycle import change, move
from tests.support.money import balances, books, bound, fund, proof_of, send
from tests.support.threads import at_once
from wallets_site.base.clock import now
from wallets_site.base.errors import LimitReached, WalletError

pytestmark = pytest.mark.both_databases
CALLERS = 12


def test_a_hold_that_is_captured_given_back_and_run_out_at_once_ends_once(coin, alice, bob):
    fund(alice, coin, 1_000)
    hold = holds.place_hold(
        user=alice, coin=coin, amount=600, expires_at=now() + timedelta(hours=1), proof=proof_of(alice), key="h"
    )

    def end_it(number: int) -> object:
        if number % 3 == 0:
            return holds.capture_hold(user=alice, hold_id=hold.pk, to=bob, amount=250, key=f"capture {number}")
        if number % 3 == 1:
            return holds.release_hold(user=alice, hold_id=hold.pk)
        return holds.expire_holds()

    answers = at_once(CALLERS, end_it)

    captured = sum(answer is not None and not isinstance(answer, Exception) for answer in answers[::3])
    assert all(isinstance(answer, WalletError) for answer in answers if isinstance(answer, Exception))
    assert balances(coin, alice, bob) == [(1_000 - 250 * captured, 0), (250 * captured, 0)]
    books(coin)


def test_a_transfer_that_is_confirmed_and_cancelled_at_once_goes_one_way(coin, alice, bob):
    fund(alice, coin, 1_000)
    change(confirm_move_user=True)
    for _ in range(3):
        waiting = move(coin, alice, bob)
        token, mine = confirmations.token_of(waiting), balances(coin, alice, bob)

        def decide(number: int, token: str = token, pk: int = waiting.pk) -> object:
            if number % 2:
                return lifecycle.cancel(user=alice, operation_id=pk, key=f"cancel {pk} {number}")
            return lifecycle.confirm_by_mail(token=token)

        answers = at_once(CALLERS, decide)

        waiting.refresh_from_db()
        paid = 500 if waiting.status == Operation.Status.DONE else 0
        assert waiting.status in (Operation.Status.DONE, Operation.Status.CANCELLED)
        assert all(isinstance(answer, WalletError) for answer in answers if isinstance(answer, Exception))
        assert balances(coin, alice, bob) == [(mine[0][0] + 500 - paid, 0), (mine[1][0] + paid, 0)]
        books(coin)
        if paid:
            send(bob, coin, "alice", 500)


def test_a_daily_limit_holds_at_its_edge(coin, alice, bob):
    fund(alice, coin, 1_000)
    bound(coin, "move", daily=100)

    answers = at_once(CALLERS, lambda _number: send(alice, coin, "bob", 30))

    assert sum(isinstance(answer, Operation) for answer in answers) == 3
    assert sum(isinstance(answer, LimitReached) for answer in answers) == CALLERS - 3
    assert balances(coin, alice, bob) == [(910, 0), (90, 0)]
    books(coin)


def test_a_daily_limit_holds_at_its_edge_over_several_accounts_of_one_person(coin, alice, bob):
    fund(alice, coin, 1_000)
    own = moves.preview_move(user=alice, coin=coin, recipient=alice, amount=500, to_number=1)
    moves.request_move(user=alice, quote=own, proof=proof_of(alice), key="to the other one")
    bound(coin, "move", daily=600)

    def pay(number: int) -> Operation:
        quote = moves.preview_move(user=alice, coin=coin, recipient=bob, amount=30, number=number % 2)
        return moves.request_move(user=alice, quote=quote, proof=proof_of(alice), key=f"payment {number}")

    answers = at_once(CALLERS, pay)

    assert sum(isinstance(answer, Operation) for answer in answers) == 3
    assert sum(isinstance(answer, LimitReached) for answer in answers) == CALLERS - 3
    assert balances(coin, bob) == [(90, 0)]
    books(coin)
