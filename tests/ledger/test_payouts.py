"""Payouts on a simulated chain: refused, unclear, lost, short, cancelled, dead - and paid once in every case."""

from __future__ import annotations

import pytest

from ledger import queries
from ledger.models import Dispatch, Event, Freeze, Operation, Withdrawal
from ledger.services import lifecycle, payouts, sending
from tests.support.money import (
    address_of,
    balances,
    blocks,
    books,
    chain,
    charge,
    fresh_key,
    fund,
    make_coin,
    node,
    pay_now,
    proof_of,
    scan_now,
    send,
    switch,
    use_of,
)
from wallets_site.base.errors import WrongState

OUTSIDE = 3


@pytest.fixture
def away(coin) -> str:
    """An address of somebody else's wallet on the same network."""
    from adapters.demo import encode_address

    return encode_address("tst", b"\x05" * 20)


def paid_to(coin, address) -> list[int]:
    """Every payment the chain itself shows to this address, atomic units."""
    found, _ = chain(coin).since(0)
    return [output.amount for tx in found for output in tx.outputs if output.address == address]


def state(operation: Operation) -> tuple[str, str]:
    operation.refresh_from_db()
    operation.withdrawal.refresh_from_db()
    return operation.status, operation.withdrawal.state


def test_an_unclear_answer_is_looked_up_and_paid_once(coin, alice, away, clock):
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    switch(coin, unclear_sends=True)

    pay_now(coin)
    switch(coin, unclear_sends=False)
    for _ in range(3):
        blocks(1, clock)
        pay_now(coin)

    assert paid_to(coin, away) == [2_000]
    assert state(asked) == ("done", "done")
    assert asked.retries == 0  # only a definite no takes one away
    assert Dispatch.objects.get().attempts == 1


def test_a_lost_send_is_sent_again_as_the_very_same_payment(coin, alice, away, clock):
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    switch(coin, lose_sends=True)
    pay_now(coin)
    assert paid_to(coin, away) == []
    assert state(asked) == ("pending", "attempted")
    assert asked.retries == 0
    assert balances(coin, alice) == [(8_000, 0)]

    switch(coin, lose_sends=False)
    for _ in range(3):
        pay_now(coin)
        blocks(2, clock)

    assert paid_to(coin, away) == [2_000]
    assert state(asked) == ("done", "done")
    assert Dispatch.objects.count() == 1


def test_a_payout_the_network_refuses_for_good_gives_everything_back(coin, alice, away, clock):
    charge(coin, "withdrawal", fixed=50)
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    switch(coin, refuse_sends=True)

    for _ in range(coin.tries_max + 2):
        pay_now(coin)
        blocks(1, clock)

    assert state(asked) == ("failed", "failed")
    assert asked.retries == coin.tries_max
    assert asked.reason != ""
    assert balances(coin, alice) == [(10_000, 0)]
    assert books(coin) == {"hot": -10_000, "user": 10_000}
    assert paid_to(coin, away) == []
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"dead"}


def test_an_outage_leaves_the_withdrawal_queued_and_work_resumes_by_itself(coin, alice, bob, away, clock):
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    switch(coin, outage=True)

    assert pay_now(coin) is False
    assert state(asked) == ("pending", "queued")
    assert queries.balance(alice, coin).available == 8_000
    assert "does not answer" in queries.balance(alice, coin).state.reason
    send(alice, coin, "bob", 10)

    switch(coin, outage=False)
    pay_now(coin)
    blocks(3, clock)
    pay_now(coin)
    assert paid_to(coin, away) == [2_000]
    assert queries.balance(alice, coin).state.reason == ""


def test_a_dead_node_is_not_noticed_by_another_coin(coin, alice, clock):
    other = make_coin("OTH")
    fund(alice, other, 100)
    switch(coin, outage=True)
    scan_now(coin)

    assert queries.balance(alice, coin).state.withdrawals_ok is False
    assert queries.balance(alice, other).state.withdrawals_ok is True
    assert scan_now(other) is True


def test_a_queued_withdrawal_can_be_cancelled_and_a_repeat_changes_nothing(coin, alice, away):
    charge(coin, "withdrawal", fixed=50)
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)

    for _ in range(2):
        lifecycle.cancel(user=alice, operation_id=asked.pk, key=fresh_key())

    assert state(asked) == ("cancelled", "cancelled")
    assert balances(coin, alice) == [(10_000, 0)]
    pay_now(coin)
    assert paid_to(coin, away) == []


def test_a_withdrawal_on_its_way_cannot_be_cancelled(coin, alice, away):
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    pay_now(coin)
    before = books(coin)

    with pytest.raises(WrongState, match="on its way"):
        lifecycle.cancel(user=alice, operation_id=asked.pk, key=fresh_key())

    assert books(coin) == before


def test_a_short_hot_wallet_leaves_the_withdrawal_queued_with_a_reason_and_it_resumes(coin, alice, bob, away, clock):
    fund(alice, coin, 10_000)
    chain(coin).spend(away, 9_500)
    asked = send(alice, coin, away, 2_000)

    pay_now(coin)
    asked.refresh_from_db()
    assert "hot wallet" in asked.reason
    assert queries.waiting_for(asked) == asked.reason
    pay_now(coin)
    assert Event.objects.filter(name="hot_wallet_short").count() == 1

    fund(bob, coin, 50_000)
    Freeze.objects.update(ended_at=asked.created_at)  # the spend behind our back had raised the key alarm
    pay_now(coin)
    assert 2_000 in paid_to(coin, away)


def test_one_too_large_for_now_holds_up_no_smaller_one(coin, alice, away, clock):
    from adapters.demo import encode_address

    fund(alice, coin, 10_000)
    chain(coin).spend(away, 7_000)
    large = send(alice, coin, away, 5_000)
    there = [encode_address("tst", bytes([number]) * 20) for number in range(1, 5)]
    for address in there:
        send(alice, coin, address, 200)

    pay_now(coin)

    assert [paid_to(coin, address) for address in there] == [[200]] * 4
    assert 5_000 not in paid_to(coin, away)
    large.refresh_from_db()
    assert (large.status, "hot wallet" in large.reason) == ("pending", True)
    assert Dispatch.objects.count() == 3, "two of them, one, and one"
    assert Event.objects.filter(name="hot_wallet_short").count() == 1


def hasty(user, coin, to: str, amount: int, level: str) -> Operation:
    quote = sending.preview_send(user=user, coin=coin, to=to, amount=amount, level=level)
    return sending.request_send(user=user, quote=quote, proof=proof_of(user), key=fresh_key())


def test_one_transaction_pays_withdrawals_of_one_level(coin, alice, away, clock):
    fund(alice, coin, 10_000)
    rows = [hasty(alice, coin, away, 100, level) for level in ("", "fast", "", "slow", "fast")]

    pay_now(coin)

    ways = {row.pk: Dispatch.objects.get(withdrawals__operation=row) for row in rows}
    assert [ways[row.pk].fee for row in rows] == [10, 30, 10, 5, 30]
    assert ways[rows[0].pk] == ways[rows[2].pk]
    assert ways[rows[1].pk] == ways[rows[4].pk]
    assert Dispatch.objects.count() == 3
    assert paid_to(coin, away) == [100] * 5


def test_a_level_the_wallet_is_short_for_holds_up_no_other(coin, alice, away, clock):
    fund(alice, coin, 10_000)
    chain(coin).spend(away, 7_000)
    large = hasty(alice, coin, away, 5_000, "fast")
    small = hasty(alice, coin, away, 200, "")
    later = hasty(alice, coin, away, 4_000, "fast")

    pay_now(coin)

    assert [state(row)[0] for row in (large, later)] == ["pending", "pending"]
    assert Withdrawal.objects.get(operation=small).dispatch is not None
    assert 200 in paid_to(coin, away)
    assert not {5_000, 4_000} & set(paid_to(coin, away))


def test_one_batch_pays_many_and_each_once(coin, alice, bob, away, clock):
    from adapters.demo import encode_address

    fund(alice, coin, 10_000)
    there = [encode_address("tst", bytes([number]) * 20) for number in range(1, 9)]
    for number, address in enumerate(there):
        send(alice, coin, address, 100 + number)

    for _ in range(4):
        pay_now(coin)
        blocks(1, clock)

    assert [paid_to(coin, address) for address in there] == [[100 + number] for number in range(8)]
    assert Dispatch.objects.count() == 1
    assert books(coin)["network_fee"] == -10


def test_a_destination_that_became_a_members_is_settled_inside(coin, alice, bob, clock):
    charge(coin, "withdrawal", fixed=50)
    charge(coin, "move", fixed=5)
    fund(alice, coin, 10_000)
    from adapters.demo import encode_address
    from ledger.models import Account, Address, Kind

    there = encode_address("tst", b"\x09" * 20)
    asked = send(alice, coin, there, 2_000)
    bobs = Account.objects.get_or_create(coin=coin, owner=bob, kind=Kind.USER, number=0, shared=False)[0]
    Address.objects.create(coin=coin, wallet=use_of(coin).wallet, account=bobs, number=900, address=there)

    pay_now(coin)

    assert state(asked) == ("done", "done")
    assert paid_to(coin, there) == []
    assert balances(coin, alice, bob) == [(7_995, 0), (2_000, 0)]
    assert (asked.gross, asked.fee) == (2_005, 5)


def test_coins_sent_behind_our_back_freeze_payouts_until_a_manager_ends_it(coin, alice, away, manager, clock):
    from ledger.services import wallets

    fund(alice, coin, 10_000)
    chain(coin).spend(away, 100)
    scan_now(coin)
    freeze = Freeze.objects.get()
    assert freeze.cause == "key_alarm"
    assert queries.balance(alice, coin).state.withdrawals_ok is False

    scan_now(coin)
    assert Freeze.objects.count() == 1
    wallets.end_freeze(user=manager, freeze_id=freeze.pk, reason="A manager moved them to cold storage.")
    assert queries.balance(alice, coin).state.withdrawals_ok is True


def test_our_own_payouts_raise_no_key_alarm(coin, alice, away, clock):
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    pay_now(coin)
    scan_now(coin)
    blocks(4, clock)
    scan_now(coin)

    assert not Freeze.objects.exists()


def test_a_frozen_wallet_sends_nothing_that_was_only_prepared(coin, alice, away):
    fund(alice, coin, 10_000)
    send(alice, coin, away, 2_000)
    use = use_of(coin)
    rows = payouts.queued(use, 5)
    prepared = node(coin).prepare([payouts_payment(row) for row in rows], [])
    made = payouts.record(use, prepared, [row.pk for row in rows], "wallet")
    Freeze.objects.create(cause="manual", reason="stop", subject="s", wallet=use.wallet)

    pay_now(coin)

    made.refresh_from_db()
    assert (made.attempts, paid_to(coin, away)) == (0, [])


def payouts_payment(row: Withdrawal):
    from adapters.base import Payment

    return Payment(id=f"w{row.pk}", address=row.address, amount=row.amount)


@pytest.mark.both_databases
def test_the_database_allows_one_prepared_untried_dispatch_per_wallet(coin, alice, away):
    from django.db import IntegrityError

    fund(alice, coin, 10_000)
    first, second = send(alice, coin, away, 100), send(alice, coin, away, 200)
    use = use_of(coin)
    for number, operation in enumerate((first, second)):
        row = operation.withdrawal
        prepared = node(coin).prepare([payouts_payment(row)], [])
        if number == 0:
            payouts.record(use, prepared, [row.pk], "wallet")
        else:
            with pytest.raises(IntegrityError):
                payouts.record(use, prepared, [row.pk], "wallet")

    assert Dispatch.objects.count() == 1
    assert state(second) == ("pending", "queued")


def test_a_withdrawal_is_never_in_two_dispatches(coin, alice, away):
    fund(alice, coin, 10_000)
    row = send(alice, coin, away, 100).withdrawal
    use = use_of(coin)
    payouts.record(use, node(coin).prepare([payouts_payment(row)], []), [row.pk], "payment")

    with pytest.raises(WrongState):
        payouts.record(use, node(coin).prepare([payouts_payment(row)], []), [row.pk], "payment")

    assert Dispatch.objects.count() == 1


def test_no_answer_and_no_news_ever_gives_money_back(coin, alice, away, clock):
    fund(alice, coin, 10_000)
    asked = send(alice, coin, away, 2_000)
    switch(coin, lose_sends=True)
    pay_now(coin)
    switch(coin, outage=True)
    for _ in range(20):
        clock.shift(86_400)
        pay_now(coin)

    assert state(asked) == ("pending", "attempted")
    assert books(coin) == {"hot": -10_000, "user": 8_000, "transit": 2_000}


def test_an_address_of_our_own_site_that_is_nobodys_is_refused_in_words(coin, alice):
    from tests.support.money import chores_now
    from wallets_site.base.errors import InvalidAddress

    fund(alice, coin, 10_000)
    chores_now(coin)
    from ledger.models import Address

    pooled = Address.objects.filter(account=None).first()
    assert pooled is not None
    before = books(coin)
    with pytest.raises(InvalidAddress, match="none of its members"):
        send(alice, coin, pooled.address, 100)
    assert books(coin) == before


def test_an_address_of_a_member_becomes_a_move_said_before_confirming(coin, alice, bob):
    from ledger.services import sending

    fund(alice, coin, 10_000)
    quote = sending.preview_send(user=alice, coin=coin, to=address_of(bob, coin), amount=100)

    assert (quote.kind, quote.recipient) == ("move", bob)
    assert "member of this site" in quote.warnings[0]
