from __future__ import annotations

import pytest

from adapters.base import Absent, Dead, Sent, Tried
from tests.adapters.contract import AdapterContract
from tests.adapters.forknote.conftest import MakeWorld
from tests.adapters.forknote.forknote_world import ForknoteWorld
from tests.adapters.world import World


class TestSnake(AdapterContract):
    @pytest.fixture
    def world(self, make_world: MakeWorld) -> ForknoteWorld:
        return make_world("snake")


class TestCamel(AdapterContract):
    @pytest.fixture
    def world(self, make_world: MakeWorld) -> ForknoteWorld:
        return make_world("camel")

    def test_preparing_sends_nothing_and_may_be_repeated(self, world: World):
        """A prepared transaction locks its coins in walletd, so preparing anew takes the place of what was never
        recorded: that one is proven dead, not absent, and nothing was sent."""
        world.fill(5 * world.coin)
        payment = world.payment(4 * world.coin)

        *replaced, last = [world.adapter.prepare([payment], []) for _ in range(3)]
        world.mine(1)

        assert world.arrived(payment.address) == []
        assert world.adapter.funds(()).total == 5 * world.coin
        for one in replaced:
            assert isinstance(world.adapter.lookup(Tried(one)), Dead)
            assert not isinstance(world.adapter.broadcast(one), Sent)
        assert world.adapter.lookup(Tried(last)) == Absent()
        assert world.arrived(payment.address) == []
