"""Paid once, whatever breaks in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import (
    Absent,
    Confirmed,
    Dead,
    LookupResult,
    NodeDown,
    NodeRefused,
    NotEnoughFunds,
    Payment,
    Pending,
    Prepared,
    Refused,
    Sent,
    Tried,
    Unclear,
    Unknown,
)
from adapters.forknote.orders import Order
from tests.adapters.forknote.conftest import MakeWorld
from tests.adapters.forknote.forknote_world import FEE, ForknoteWorld

DEFINITE = [
    "Bad address",
    "Sum overflow",
    "The destination is empty",
    "Transaction fee is too small",
    "MixIn count is too big",
    "Transaction size is too big",
]
AMBIGUOUS = [
    "Network error",
    "Node is busy",
    "Internal node error",
    "Error in request parameters",
    "Can't connect to daemon",
    "Internal error occurred",
    "The wallet is in wrong state",
]


def prepare(world: ForknoteWorld, amount: int = 50_000_000, extra: str = "") -> tuple[Payment, Prepared]:
    payment = replace(world.payment(amount), extra=extra)
    return payment, world.adapter.prepare([payment], [])


def follow(world: ForknoteWorld, tried: Tried) -> tuple[Tried, LookupResult]:
    """What the ledger does each time it looks: send again what is proven absent."""
    found = world.adapter.lookup(tried)
    if isinstance(found, Absent):
        again = world.sent(tried.prepared)
        tried = replace(again, attempts=tried.attempts + 1)
        found = world.adapter.lookup(tried)
    return tried, found


# -- lost answers and crashes --


def test_a_reply_lost_between_daemon_and_walletd_is_paid_once(world: ForknoteWorld):
    world.fill(500_000_000)
    payment, prepared = prepare(world, 51_000_000)
    world.node.lose_replies(count=1)

    tried = world.sent(prepared)
    assert tried.outcome == "unclear"
    for _ in range(3):
        tried, found = follow(world, tried)
        assert not isinstance(found, Dead)
    world.mine(2)

    assert world.adapter.lookup(tried) == Confirmed(2, world.txid(prepared), FEE)
    assert world.arrived(payment.address) == [51_000_000]


def test_a_crash_of_walletd_right_after_the_send_is_paid_once(world: ForknoteWorld):
    world.fill(500_000_000)
    world.restart()
    payment, prepared = prepare(world)
    world.adapter.broadcast(prepared)  # and we die before its answer is noted
    world.crash()

    tried, found = follow(world, Tried(prepared, attempts=1))
    # camel: its file says "created", so the very same transaction is relayed again, which pays nothing more
    assert isinstance(found, Pending if world.dialect == "snake" else Absent)
    world.mine(2)

    assert world.adapter.lookup(tried) == Confirmed(2, world.txid(prepared), FEE)
    assert world.arrived(payment.address) == [50_000_000]


def test_a_crash_before_the_send_is_paid_once(world: ForknoteWorld):
    world.fill(500_000_000)
    payment, prepared = prepare(world)

    tried, found = follow(world, Tried(prepared, attempts=1))
    world.mine(1)

    assert isinstance(found, Pending)
    assert tried.attempts == 2
    assert world.arrived(payment.address) == [50_000_000]


def test_a_payment_that_cannot_reach_the_daemon_is_never_released(world: ForknoteWorld):
    """snake: it stands there as failed and may yet turn up; camel: it waits in walletd and is relayed again."""
    world.fill(500_000_000)
    payment, prepared = prepare(world)
    world.node.node(up=False)

    tried = world.sent(prepared)
    assert tried.outcome == "unclear"
    assert isinstance(world.adapter.lookup(tried), Unknown if world.dialect == "snake" else Absent)
    world.node.node(up=True)
    tried, found = follow(world, tried)
    world.mine(2)

    if world.dialect == "snake":
        assert found == Unknown("The daemon did not confirm that it took this payment; it may have it all the same.")
        assert world.arrived(payment.address) == []
    else:
        assert isinstance(found, Pending)
        assert world.arrived(payment.address) == [50_000_000]


def test_a_reorganisation_brings_a_payment_back_to_no_confirmations(world: ForknoteWorld):
    world.fill(500_000_000)
    payment, prepared = prepare(world)
    tried = world.sent(prepared)
    world.mine(2)
    world.node.fork(depth=2, blocks=3)
    back = world.adapter.lookup(tried)
    world.mine(1)

    assert isinstance(back, Pending)
    assert world.adapter.lookup(tried) == Confirmed(1, world.txid(prepared), FEE)
    assert world.arrived(payment.address) == [50_000_000]


def test_a_payment_double_spent_away_is_left_to_people(world: ForknoteWorld):
    world.fill(500_000_000)
    _, prepared = prepare(world)
    tried = world.sent(prepared)
    world.mine(1)
    world.node.fork(depth=1, blocks=2, drop=[world.txid(prepared)])

    assert isinstance(world.adapter.lookup(tried), Unknown)


# -- the snake dialect: found by its payment id --


def test_a_snake_payment_goes_out_under_a_payment_id_of_its_own_and_unlocked(snake: ForknoteWorld):
    snake.fill(500_000_000)
    _, prepared = prepare(snake)
    snake.adapter.broadcast(prepared)

    (params,) = [params for method, params in snake.node.calls() if method == "send_transaction"]

    assert (params["payment_id"], params["unlock_time"], params["mixin"]) == (prepared.id, 0, 0)
    assert len(prepared.id) == 64


def test_no_trace_counts_only_after_a_quiet_while(make_world: MakeWorld):
    snake = make_world("snake", quiet_seconds=60)
    snake.fill(500_000_000)
    _, prepared = prepare(snake)
    tried = Tried(prepared, attempts=1, outcome="unclear", attempted_at=datetime.now(UTC) - timedelta(hours=1))

    just_started = snake.adapter.lookup(tried)
    patient = snake.make_adapter(quiet_seconds=0)

    assert just_started == Unknown("No trace of this payment; certain once walletd has answered for 60 s.")
    assert patient.lookup(tried) == Absent()
    patient.close()


def test_a_walletd_that_is_still_reading_the_chain_proves_nothing(snake: ForknoteWorld):
    """Its history is back to its last stop, and the payment in it is not there yet."""
    snake.restart()
    snake.fill(500_000_000)
    payment, prepared = prepare(snake)
    snake.adapter.broadcast(prepared)
    snake.node.switch(auto_sync=False)
    snake.crash()

    reading = snake.adapter.lookup(Tried(prepared, attempts=1, outcome="unclear"))
    snake.node.sync()
    read = snake.adapter.lookup(Tried(prepared, attempts=1, outcome="unclear"))

    assert reading == Unknown("walletd lists less than when this payment was prepared: it is reading the chain again.")
    assert isinstance(read, Pending)
    assert snake.arrived(payment.address) == [50_000_000]


def test_a_second_send_of_what_was_made_is_caught_before_it_pays(snake: ForknoteWorld):
    snake.fill(500_000_000)
    payment, prepared = prepare(snake)
    snake.node.lose_replies(count=1)
    snake.adapter.broadcast(prepared)

    again = snake.adapter.broadcast(prepared)
    snake.mine(1)

    assert isinstance(again, Sent | Unclear)
    assert snake.arrived(payment.address) == [50_000_000]


def test_nothing_overtakes_a_snake_payment_without_an_answer(snake: ForknoteWorld):
    snake.fill(500_000_000)
    _, prepared = prepare(snake)
    payment = snake.payment(1_000_000, id="w2")

    for outcome in ("", "unclear", "refused"):
        with pytest.raises(NotEnoughFunds, match="nothing overtakes it"):
            snake.adapter.prepare([payment], [Tried(prepared, attempts=1, outcome=outcome)])
    assert snake.adapter.prepare([payment], [Tried(prepared, attempts=1, outcome="sent")])


def test_change_on_its_way_makes_a_payment_wait(snake: ForknoteWorld):
    snake.fill(500_000_000)
    _, prepared = prepare(snake)
    snake.adapter.broadcast(prepared)

    with pytest.raises(NotEnoughFunds, match="waits for its change"):
        snake.adapter.prepare([snake.payment(100_000_000)], [Tried(prepared, attempts=1, outcome="sent")])


# -- a recipient's payment id --


def test_a_recipients_payment_id_is_sent_in_lower_case(world: ForknoteWorld):
    world.fill(500_000_000)
    payment, prepared = prepare(world, extra="AB" * 32)
    world.adapter.broadcast(prepared)
    world.mine(1)

    assert len(world.node.by_payment_id(payment_id="ab" * 32)) == 1
    assert world.arrived(payment.address) == [50_000_000]
    assert [one.extra for one in world.poll().transfers if not one.incoming] == ["ab" * 32]


@pytest.mark.parametrize("text", ["ab" * 31, "ab" * 33, "xy" * 32, "hello", "0" * 63 + "g"])
def test_what_is_no_payment_id_is_refused_at_review_and_before_payment(world: ForknoteWorld, text: str):
    world.fill(500_000_000)
    payment = replace(world.payment(50_000_000), extra=text)

    for ask in (lambda: world.adapter.quote(payment), lambda: world.adapter.prepare([payment], [])):
        with pytest.raises(NodeRefused, match="64 hex digits"):
            ask()


def test_a_payment_with_a_payment_id_goes_alone(world: ForknoteWorld):
    world.fill(500_000_000)
    payments = [world.payment(1_000_000), replace(world.payment(1_000_000, id="w2"), extra="ab" * 32)]

    with pytest.raises(NodeRefused, match="alone") as refusal:
        world.adapter.prepare(payments, [])

    assert refusal.value.address == ""


def test_the_same_payment_id_twice_is_two_payments_one_after_the_other(snake: ForknoteWorld):
    snake.fill(500_000_000)
    payments = [replace(snake.payment(amount, id=f"w{amount}"), extra="ab" * 32) for amount in (10_000_000, 20_000_000)]
    first = snake.adapter.prepare([payments[0]], [])
    tried = snake.sent(first)
    snake.mine(2)
    with pytest.raises(NotEnoughFunds, match="same payment id"):
        snake.adapter.prepare([payments[1]], [tried])
    second = snake.adapter.prepare([payments[1]], [])
    before = snake.adapter.lookup(Tried(second))
    after = snake.adapter.lookup(snake.sent(second))

    assert first.id != second.id
    assert before == Absent()
    assert isinstance(after, Pending)
    assert [snake.arrived(one.address) for one in payments] == [[10_000_000], [20_000_000]]


def test_a_stranger_who_sends_us_the_same_payment_id_proves_nothing(snake: ForknoteWorld):
    address = snake.fill(500_000_000)
    _, prepared = prepare(snake, extra="ab" * 32)
    snake.node.pay(destinations=[[address, 1]], payment_id="ab" * 32)

    assert snake.adapter.lookup(Tried(prepared)) == Absent()
    assert isinstance(snake.adapter.lookup(Tried(prepared, attempts=1, outcome="unclear")), Unknown)


# -- the camel dialect: delayed transactions --


def test_a_camel_payment_is_made_saved_and_only_then_relayed(camel: ForknoteWorld):
    camel.fill(500_000_000)
    _, prepared = prepare(camel)
    camel.crash()
    held = camel.node.ask("getDelayedTransactionHashes")["transactionHashes"]
    camel.adapter.broadcast(prepared)

    calls = [method for method, _ in camel.node.calls() if method[:4] in ("save", "crea", "send")]
    assert held == [prepared.id]
    assert calls[-3:] == ["createDelayedTransaction", "save", "sendDelayedTransaction"]


def test_a_camel_payment_lost_unsaved_is_dead_while_it_was_never_relayed(camel: ForknoteWorld):
    camel.fill(500_000_000)
    _, prepared = prepare(camel)
    camel.node.forget(txid=prepared.id)

    assert isinstance(camel.adapter.lookup(Tried(prepared)), Dead)
    assert isinstance(camel.adapter.broadcast(prepared), Refused)
    assert isinstance(camel.adapter.lookup(Tried(prepared, attempts=1, outcome="refused")), Dead)
    for outcome in ("", "unclear", "sent"):
        assert isinstance(camel.adapter.lookup(Tried(prepared, attempts=1, outcome=outcome)), Unknown)
    assert isinstance(camel.adapter.lookup(Tried(prepared, attempts=2, outcome="refused")), Unknown)


def test_a_payment_deleted_after_the_network_got_it_is_not_dead_and_confirms(camel: ForknoteWorld):
    camel.fill(500_000_000)
    payment, prepared = prepare(camel)
    camel.node.lose_replies(count=1)
    tried = camel.sent(prepared)
    assert camel.node.ask("deleteDelayedTransaction", transactionHash=prepared.id) == {}

    cancelled = camel.adapter.lookup(tried)
    again = camel.adapter.broadcast(prepared)
    camel.mine(1)

    assert isinstance(cancelled, Unknown)
    assert not isinstance(again, Sent)
    assert camel.adapter.lookup(tried) == Confirmed(1, prepared.id, FEE)
    assert camel.arrived(payment.address) == [50_000_000]


def test_a_lost_reply_of_the_daemon_is_asked_about_again_only_after_a_while(camel: ForknoteWorld):
    camel.fill(500_000_000)
    _, prepared = prepare(camel)
    camel.node.lose_replies(count=1)
    tried = camel.sent(prepared)
    patient = camel.make_adapter(quiet_seconds=60)

    assert isinstance(patient.lookup(replace(tried, attempted_at=datetime.now(UTC))), Unknown)
    assert patient.lookup(replace(tried, attempted_at=datetime.now(UTC) - timedelta(minutes=2))) == Absent()
    patient.close()
    assert camel.adapter.broadcast(prepared) == Unclear("walletd says: Internal node error (-32000)")


def test_recorded_payments_keep_their_coins_and_leftovers_give_them_back(camel: ForknoteWorld):
    for _ in range(2):
        camel.fill(100_000_000)
    _, kept = prepare(camel, 90_000_000)
    leftover = camel.adapter.prepare([camel.payment(90_000_000, id="w2")], [Tried(kept)])
    third = camel.adapter.prepare([camel.payment(90_000_000, id="w3")], [Tried(kept)])

    assert camel.node.ask("getDelayedTransactionHashes")["transactionHashes"] == [kept.id, third.id]
    assert isinstance(camel.adapter.lookup(Tried(leftover)), Dead)
    with pytest.raises(NotEnoughFunds):
        camel.adapter.prepare([camel.payment(90_000_000, id="w4")], [Tried(kept), Tried(third)])


def test_a_prepared_payment_is_still_among_the_funds(camel: ForknoteWorld):
    camel.fill(500_000_000)
    prepare(camel)

    assert camel.adapter.funds(()).total == 500_000_000


# -- errors --


@pytest.mark.parametrize("message", DEFINITE)
def test_a_definite_refusal_leaves_nothing_and_releases(world: ForknoteWorld, message: str):
    world.fill(500_000_000)
    world.node.refuse(message=message)
    payment = world.payment(50_000_000)

    if world.dialect == "camel":
        with pytest.raises(NodeRefused):
            world.adapter.prepare([payment], [])
        return
    prepared = world.adapter.prepare([payment], [])
    assert isinstance(world.adapter.broadcast(prepared), Refused)
    assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="refused")), Dead)
    assert world.arrived(payment.address) == []


@pytest.mark.parametrize("message", AMBIGUOUS)
def test_an_ambiguous_error_proves_nothing(world: ForknoteWorld, message: str):
    world.fill(500_000_000)
    _, prepared = prepare(world)
    world.node.refuse(message=message)

    assert isinstance(world.adapter.broadcast(prepared), Unclear)


def test_an_error_nobody_knows_proves_nothing_whatever_its_number(world: ForknoteWorld):
    world.fill(500_000_000)
    _, prepared = prepare(world)
    method = "send_transaction" if world.dialect == "snake" else "sendDelayedTransaction"
    for code in (7, 8, 9):
        body = f'{{"error":{{"code":-32000,"data":{{"application_code":{code}}},"message":"Something new"}},"id":1}}'
        world.proxy.answer(body.encode(), method=method, times=1)

        assert isinstance(world.adapter.broadcast(prepared), Unclear)


def test_what_cannot_be_paid_now_waits(world: ForknoteWorld):
    world.fill(500_000_000)
    payment = world.payment(50_000_000)
    if world.dialect == "snake":
        prepared = world.adapter.prepare([payment], [])
        world.node.refuse(message="Wrong amount")
        assert world.adapter.broadcast(prepared) == Refused("The hot wallet cannot pay this now.")
    else:
        world.node.refuse(message="Wrong amount")
        with pytest.raises(NotEnoughFunds):
            world.adapter.prepare([payment], [])


@pytest.mark.parametrize("message", ["Change address required", "Change address not found"])
def test_a_fault_of_the_set_up_refuses_nobody(camel: ForknoteWorld, message: str):
    camel.fill(500_000_000)
    camel.node.refuse(message=message)

    with pytest.raises(NodeDown, match="hot_address"):
        camel.adapter.prepare([camel.payment(50_000_000)], [])


@pytest.mark.parametrize("amount", [2**63, 10**40])
def test_an_amount_no_node_can_carry_is_refused_and_nothing_moves(world: ForknoteWorld, amount: int):
    world.fill(500_000_000)
    payment = world.payment(amount)

    with pytest.raises(NodeRefused, match="larger than this network can carry"):
        world.adapter.prepare([payment], [])
    with pytest.raises(NodeRefused):
        world.adapter.prepare([world.payment(2**62), world.payment(2**62, id="w2")], [])
    assert world.arrived(payment.address) == []


def test_a_chain_too_thin_for_the_mixin_refuses_unless_a_manager_allows_less(make_world: MakeWorld):
    for dialect in ("snake", "camel"):
        world = make_world(dialect, mixin=6)
        world.fill(500_000_000)
        payment = world.payment(50_000_000)
        lower = world.make_adapter(lowest_mixin=1)

        if dialect == "camel":
            with pytest.raises(NodeRefused, match="too few outputs"):
                world.adapter.prepare([payment], [])
        else:
            prepared = world.adapter.prepare([payment], [])
            assert isinstance(world.adapter.broadcast(prepared), Refused)
        assert isinstance(lower.broadcast(lower.prepare([payment], [])), Sent)
        world.mine(1)
        assert world.arrived(payment.address) == [50_000_000]
        lower.close()


def test_the_stored_form_of_a_payment_survives_being_stored():
    order = Order("snake", "ab" * 32, True, (("x", 10**18),), FEE, 3, 7, ("t",), ("k",))

    assert Order.read(order.text()) == order
    assert order.needs == 10**18 + FEE
