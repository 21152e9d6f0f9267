"""The contract for Monero: on real daemons, and on their recorded replies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.contract import AdapterContract, World
from tests.adapters.litecoin_world import name_of
from tests.adapters.monero.world import real, recorded
from tests.devnet.monero import Monero


class MoneroContract(AdapterContract):
    # The two places where this family's form differs.

    def test_a_payment_link_holds_the_address_and_the_exact_amount(self, world: World):
        address = world.new_address()

        link = world.adapter.uri(address, world.coin * 3 // 2, label="alice & bob")

        assert link == f"monero:{address}?tx_amount=1.5&recipient_name=alice%20%26%20bob"
        assert world.adapter.uri(address, None) == f"monero:{address}"
        assert world.adapter.check_address(link).amount == world.coin * 3 // 2

    def test_a_deposit_that_can_never_confirm_is_reported_gone(self, world: World):
        """The wallet forgets it without a word: the ledger counts the polls that do not find it."""
        address = world.new_address()
        txid = world.fund(address, world.coin)
        (before,) = world.adapter.transfer(txid)
        world.vanish(txid)

        assert (before.address, before.amount, before.confirmations, before.gone) == (address, world.coin, 0, False)
        assert world.adapter.transfer(txid) == ()
        assert world.poll().transfers == ()


class TestRealMonero(MoneroContract):
    @pytest.fixture
    def world(self, monero: Monero, request: pytest.FixtureRequest) -> Iterator[World]:
        yield from real(monero, name_of(request))


class TestRecordedMonero(MoneroContract):
    @pytest.fixture
    def world(self, request: pytest.FixtureRequest) -> Iterator[World]:
        yield from recorded(name_of(request))
