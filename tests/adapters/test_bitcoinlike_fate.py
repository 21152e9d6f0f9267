"""When a payment of Bitcoin's family counts as dead, paid or undecided: on a real litecoind and its recordings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.base import Absent, Confirmed, Dead, Pending, Prepared, Tried, Unknown
from tests.adapters.litecoin_world import LitecoinWorld, name_of, real, recorded
from tests.devnet.litecoin import Litecoin


def prepared_payment(world: LitecoinWorld) -> Prepared:
    world.fill(5 * world.coin)
    return world.adapter.prepare([world.payment(world.coin)], [])


def unclear(prepared: Prepared) -> Tried:
    return Tried(prepared, attempts=1, outcome="unclear")


class Fate:
    def test_coins_spent_elsewhere_make_it_dead_only_six_blocks_deep(self, world: LitecoinWorld):
        prepared = prepared_payment(world)
        world.spend_elsewhere(prepared)

        seen = []
        for _ in range(7):
            seen.append(type(world.adapter.lookup(unclear(prepared))))
            world.mine(1)

        assert seen == [Unknown] * 6 + [Dead]

    def test_a_payment_already_on_its_way_is_dead_only_when_its_rival_is_six_blocks_deep(self, world: LitecoinWorld):
        prepared = prepared_payment(world)
        rival = world.rival_of(prepared)
        world.adapter.broadcast(prepared)
        world.settle(prepared.id)
        before = world.adapter.lookup(unclear(prepared))
        world.mine_only(rival)

        seen = []
        for _ in range(6):
            seen.append(type(world.adapter.lookup(unclear(prepared))))
            world.mine(1)

        assert before == Pending(prepared.id, prepared.fee)
        assert seen == [Unknown] * 5 + [Dead]

    def test_a_payment_that_lost_to_its_rival_is_shown_gone(self, world: LitecoinWorld):
        prepared = prepared_payment(world)
        rival = world.rival_of(prepared)
        world.adapter.broadcast(prepared)
        world.settle(prepared.id)
        world.mine_only(rival)

        (one,) = world.adapter.transfer(prepared.id)

        assert (one.incoming, one.amount, one.gone, one.confirmations) == (False, world.coin, True, 0)

    def test_a_rival_that_falls_out_of_the_chain_proves_nothing_any_more(self, world: LitecoinWorld):
        prepared = prepared_payment(world)
        rival = world.rival_of(prepared)
        world.adapter.broadcast(prepared)
        world.settle(prepared.id)
        world.mine_only(rival)
        world.mine(5)
        before = world.adapter.lookup(unclear(prepared))
        world.orphan(6)
        world.mine_empty(6)

        after = world.adapter.lookup(unclear(prepared))

        assert isinstance(before, Dead)
        assert not isinstance(after, Dead)

    def test_a_rival_that_pays_the_same_recipients_is_the_payment(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        txid = world.node("sendrawtransaction", world.rival_of(prepared, {payment.address: payment.amount}))
        waiting = world.adapter.lookup(unclear(prepared))
        world.mine(7)

        result = world.adapter.lookup(unclear(prepared))

        assert isinstance(waiting, Unknown)
        assert isinstance(result, Confirmed)
        assert (result.txid, result.confirmations) == (txid, 7)
        assert world.arrived(payment.address) == [payment.amount]

    def test_a_rival_that_pays_some_of_the_recipients_is_for_people_to_decide(self, world: LitecoinWorld):
        world.fill(5 * world.coin)
        payments = [world.payment(world.coin, id=f"w{number}") for number in (1, 2)]
        prepared = world.adapter.prepare(payments, [])
        world.node("sendrawtransaction", world.rival_of(prepared, {payments[0].address: world.coin}))
        world.mine(10)

        result = world.adapter.lookup(unclear(prepared))

        assert isinstance(result, Unknown)
        assert "person must decide" in result.reason

    def test_a_wallet_that_forgot_the_payment_asks_the_chain(self, world: LitecoinWorld):
        prepared = prepared_payment(world)
        world.node("createwallet", wallet_name=f"{world.wallet_name}-other")
        forgetful = world.make_adapter(wallet=f"{world.wallet_name}-other")

        absent = forgetful.lookup(unclear(prepared))
        world.adapter.broadcast(prepared)
        pending = forgetful.lookup(unclear(prepared))
        world.mine(2)
        confirmed = forgetful.lookup(unclear(prepared))

        assert absent == Absent()
        assert pending == Pending(prepared.id, prepared.fee)
        assert confirmed == Confirmed(2, prepared.id, prepared.fee)

    def test_a_wallet_that_knows_no_rival_never_says_dead(self, world: LitecoinWorld):
        prepared = prepared_payment(world)
        world.node("createwallet", wallet_name=f"{world.wallet_name}-other")
        forgetful = world.make_adapter(wallet=f"{world.wallet_name}-other")
        world.kill(prepared)

        result = forgetful.lookup(unclear(prepared))

        assert isinstance(result, Unknown)

    def test_before_any_attempt_the_same_proof_is_needed(self, world: LitecoinWorld):
        prepared = prepared_payment(world)
        world.spend_elsewhere(prepared)
        early = world.adapter.lookup(Tried(prepared))
        world.mine(6)

        assert isinstance(early, Unknown)
        assert isinstance(world.adapter.lookup(Tried(prepared)), Dead)

    def test_a_node_on_another_network_says_nothing_about_a_payment(self, world: LitecoinWorld):
        prepared = prepared_payment(world)
        stranger = world.make_adapter(network="main")

        result = stranger.lookup(unclear(prepared))

        assert isinstance(result, Unknown)
        assert result.reason == "The node is on the regtest network, this wallet expects the main network."


class TestRealFate(Fate):
    @pytest.fixture
    def world(self, litecoin: Litecoin, request: pytest.FixtureRequest) -> Iterator[LitecoinWorld]:
        yield from real(litecoin, name_of(request))


class TestRecordedFate(Fate):
    @pytest.fixture
    def world(self, request: pytest.FixtureRequest) -> Iterator[LitecoinWorld]:
        yield from recorded(name_of(request))
