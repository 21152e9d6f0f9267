"""The wallet whose keys the node keeps: the contract again, and what only its `send` by id can get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from adapters.banano.node_wallet import BananoNodeWallet
from adapters.banano.options import BananoNodeOptions
from adapters.base import (
    Absent,
    AddressRequest,
    Confirmed,
    Dead,
    NodeDown,
    NodeRefused,
    NotEnoughFunds,
    Pending,
    Prepared,
    Refused,
    Sent,
    Tried,
    Unclear,
    Unknown,
)
from tests.adapters.banano.test_contract import TestBanano as BananoContract
from tests.adapters.banano.world import BAN, BURN, GENESIS, SEED, BananoWorld, address_of
from tests.adapters.contract import AdapterContract
from tests.adapters.world import World
from tests.nodes.banano.client import BananoNode


class NodeWalletWorld(BananoWorld):
    adapter: BananoNodeWallet  # type: ignore[assignment]

    def __init__(self, directory: Path) -> None:
        self.node = BananoNode(directory)
        self.wallet = self.node.ask("wallet_create", seed=SEED)["wallet"]
        self.node_options = BananoNodeOptions(
            url=self.node.url, wallet=self.wallet, network_identifier=GENESIS, min_peers=0
        )
        self.adapter = BananoNodeWallet(self.node_options)
        self.watch = []
        self._outside = 0

    def again(self, **changes: Any) -> BananoNodeWallet:
        self.adapter.close()
        self.adapter = BananoNodeWallet(replace(self.node_options, **changes))
        return self.adapter

    def kill(self, prepared: Prepared) -> None:
        self.node.do("fail", how="says Insufficient balance", action="send")

    def lose_answer(self) -> None:
        self.node.do("fail", how="lost_answer", action="send")

    def lose_call(self) -> None:
        self.node.do("fail", how="lost_call", action="send")

    def txid(self, prepared: Prepared) -> str:
        return str(self.node.do("sent", id=prepared.id))

    def tidy(self) -> list[str]:
        done = []
        self.node.do("confirm_all")
        self.node.do("confirm_all")
        while (chore := self.adapter.chores(self.watch, ())) is not None:
            assert self.adapter.broadcast(chore) == Sent(self.txid(chore), 0)
            for _ in range(3):  # the send, and what the node collects of it
                self.node.do("confirm_all")
            done.append(chore.chore)
        return done


@pytest.fixture
def world(tmp_path: Path) -> Iterator[NodeWalletWorld]:
    made = NodeWalletWorld(tmp_path)
    yield made
    made.close()


class TestNodeWallet(BananoContract):
    test_a_node_in_trouble_is_said_to_be_and_nothing_else_goes_wrong = (
        AdapterContract.test_a_node_in_trouble_is_said_to_be_and_nothing_else_goes_wrong
    )

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[BananoWorld]:
        made = NodeWalletWorld(tmp_path)
        yield made
        made.close()

    def test_a_payment_is_absent_then_pending_then_confirmed(self, world: World):
        world.fill(5 * BAN)
        payment = world.payment(BAN)
        prepared = world.adapter.prepare([payment], [])
        tried = Tried(prepared, attempts=1, outcome="sent")

        assert world.adapter.lookup(Tried(prepared)) == Absent()
        sent = world.adapter.broadcast(prepared)
        txid = world.txid(prepared)
        assert sent == Sent(txid, 0)
        assert world.adapter.lookup(tried) == Pending(txid, 0)
        world.mine(1)
        assert world.adapter.lookup(tried) == Confirmed(1000, txid, 0)
        assert world.arrived(payment.address) == [BAN]

    def test_broadcasting_again_pays_once(self, world: World):
        world.fill(5 * BAN)
        payment = world.payment(BAN)
        prepared = world.adapter.prepare([payment], [])

        assert [type(world.adapter.broadcast(prepared)) for _ in range(3)] == [Sent] * 3
        world.mine(1)
        assert world.adapter.broadcast(prepared) == Sent(world.txid(prepared), 0)
        assert world.arrived(payment.address) == [BAN]


def tried(prepared: Prepared, outcome: str = "unclear", attempts: int = 1) -> Tried:
    return Tried(prepared, attempts=attempts, outcome=outcome)  # type: ignore[arg-type]


def test_an_id_is_never_used_for_two_payments(world: NodeWalletWorld):
    """The node answers a known id with the old block, whatever amount and address are asked for now."""
    world.fill(5 * BAN)
    one, two = world.prepared(BAN, to := world.outside_address()), world.prepared(2 * BAN)

    assert one.id != two.id
    assert len(one.id) <= 100
    world.send(one)
    answer = world.node.ask(
        "send", wallet=world.wallet, source=world.hot, destination=address_of(9), amount="7", id=one.id
    )
    assert answer == {"block": world.txid(one)}
    assert world.arrived(to) == [BAN]
    assert world.arrived(address_of(9)) == []


def test_a_node_that_forgot_the_id_is_not_asked_to_pay_again(world: NodeWalletWorld):
    """A restored wallet file: the chain still shows the payment."""
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    world.lose_answer()
    assert isinstance(world.send(prepared), Unclear)
    txid = world.txid(prepared)
    world.node.do("forget")

    assert world.again().lookup(tried(prepared)) == Pending(txid, 0)
    world.node.do("confirm_all")
    assert world.adapter.lookup(tried(prepared)) == Confirmed(1000, txid, 0)


def test_an_answer_about_another_payment_is_unclear(world: NodeWalletWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    world.node.ask("send", wallet=world.wallet, source=world.hot, destination=address_of(9), amount="7", id=prepared.id)

    answer = world.send(prepared)

    assert isinstance(answer, Unclear)
    assert "another payment" in answer.reason


def test_an_equal_payment_waits_until_the_first_is_settled(world: NodeWalletWorld):
    world.fill(5 * BAN)
    first = world.prepared(BAN, to := world.outside_address())

    with pytest.raises(NotEnoughFunds, match="equal payment"):
        world.prepared(BAN, to, first)
    world.send(first)
    with pytest.raises(NotEnoughFunds, match="equal payment"):
        world.prepared(BAN, to)
    world.node.do("confirm_all")
    second = world.prepared(BAN, to)

    assert world.adapter.lookup(tried(second)) == Absent()
    world.send(second)
    assert world.arrived(to) == [BAN, BAN]


def test_a_definite_refusal_is_dead_after_the_first_try_only(world: NodeWalletWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    world.kill(prepared)

    assert world.send(prepared) == Refused("Insufficient balance")
    assert isinstance(world.adapter.lookup(tried(prepared, "refused")), Dead)
    assert isinstance(world.adapter.lookup(tried(prepared, "refused", attempts=2)), Unknown)


def test_a_locked_wallet_is_opened_with_its_password_or_waits(world: NodeWalletWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    world.node.ask("password_change", wallet=world.wallet, password="pw1")
    world.node.ask("wallet_lock", wallet=world.wallet)

    assert world.adapter.health().locked
    assert isinstance(world.send(prepared), Unclear)
    assert world.adapter.lookup(tried(prepared)) == Absent()
    with pytest.raises(NodeDown, match="locked"):
        world.adapter.new_address(AddressRequest(number=1))
    assert isinstance(world.again(wallet_password="wrong").broadcast(prepared), Unclear)

    adapter = world.again(wallet_password="pw1")
    assert not adapter.health().locked
    assert adapter.broadcast(prepared) == Sent(world.txid(prepared), 0)


def test_a_wallet_the_node_does_not_have_is_said_so(world: NodeWalletWorld):
    health = world.again(wallet="AB" * 32).health()

    assert not health.ok
    assert "Wallet not found" in health.reason


def test_a_chain_that_lost_its_base_proves_nothing(world: NodeWalletWorld):
    world.fill(5 * BAN)
    prepared = world.prepared(BAN)
    blob = prepared.blob.replace(world.node.ask("account_info", account=world.hot)["frontier"], "CD" * 32)

    assert isinstance(world.adapter.lookup(tried(replace(prepared, blob=blob))), Unknown)


def test_members_addresses_are_emptied_and_what_the_node_missed_is_collected(world: NodeWalletWorld):
    alice = world.new_address()
    world.node.ask("wallet_lock", wallet=world.wallet)
    send = world.deposit(alice, 3 * BAN)  # the node collects nothing while it is locked
    world.node.ask("password_enter", wallet=world.wallet, password="")

    assert world.adapter.chores(world.watch, ()) is None
    assert world.tidy() == ["sweep"]
    assert world.adapter.funds(world.watch).spendable == 3 * BAN
    assert [one.txid for one in world.poll().transfers if one.incoming] == [send]


@pytest.mark.parametrize("amount", [0, -1, 1 << 128])
def test_an_impossible_amount_or_address_is_refused(world: NodeWalletWorld, amount: int):
    world.fill(5 * BAN)

    with pytest.raises(NodeRefused):
        world.prepared(amount)
    for address in (BURN, world.hot, "ban_bad"):
        with pytest.raises(NodeRefused):
            world.prepared(BAN, address)


def test_a_wallet_id_of_a_wrong_form_is_refused():
    with pytest.raises(ImproperlyConfigured):
        BananoNodeOptions(url="http://127.0.0.1:1", wallet="AB")
