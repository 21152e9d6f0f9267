"""The invoice contract on simulated coins, and what is special about them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured

from adapters import registry
from adapters.base import Absent, AddressRequest, Dead, NodeRefused, Pending, Prepared, Refused, Sent, Tried
from adapters.codecs import bolt11
from adapters.demo_invoice import DemoInvoice, DemoInvoiceOptions
from adapters.demo_lightning import NOWHERE, ticket
from tests.adapters.invoice_contract import InvoiceContract, InvoiceWorld, foreign, incoming, outgoing
from tests.adapters.invoice_world import settled
from wallets_site.base.clock import now

COIN = 1_000_000
LATER = timedelta(minutes=1)


class DemoInvoiceWorld(InvoiceWorld):
    network = "regtest"

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.options = DemoInvoiceOptions(chain_file=str(directory / "network.sqlite3"))
        self.other = DemoInvoice(replace(self.options, wallet="bob"))
        self.heal()
        self.adapter.faucet(self._funding(), 0)

    def _funding(self) -> str:
        return self.adapter.new_address(AddressRequest(1, amount=self.funded)).address

    def switch(self, **switches: Any) -> None:
        self.adapter = DemoInvoice(replace(self.options, **switches))

    def pay_in(self, invoice: str) -> None:
        self.other.network.pay_invoice(NOWHERE, bolt11.decode(invoice))

    def outside_invoice(self, amount: int) -> str:
        return self.other.new_address(AddressRequest(1, amount=amount)).address

    def arrived(self, invoice: str) -> bool:
        return bool(self.other.transfer(bolt11.decode(invoice).payment_hash))

    def steal(self, invoice: str) -> None:
        self.other.network.pay_invoice("main", bolt11.decode(invoice))

    def kill(self, prepared: Prepared) -> None:
        self.other.network.ban(ticket(json.loads(prepared.blob)["invoice"]))

    def outage(self) -> None:
        self.switch(outage=True)

    def rubbish(self) -> None:
        self.switch(outage=True)

    def heal(self) -> None:
        self.switch()

    def lose_answer(self) -> None:
        self.switch(unclear_sends=True)

    def lose_call(self) -> None:
        self.switch(lose_sends=True)


class TestDemoInvoice(InvoiceContract):
    currency = "bcrt"

    @pytest.fixture
    def world(self, tmp_path: Path) -> InvoiceWorld:
        return DemoInvoiceWorld(tmp_path)


@pytest.fixture
def world(tmp_path: Path) -> DemoInvoiceWorld:
    return DemoInvoiceWorld(tmp_path)


def test_it_is_registered():
    assert registry.family("demo_ln") is DemoInvoice


def test_its_invoices_carry_a_payment_secret_and_are_good_for_no_real_network(world: DemoInvoiceWorld):
    invoice = bolt11.decode(world.ask(COIN).address)

    assert len(invoice.secret) == 64
    assert invoice.features & 1 << 14
    assert invoice.currency == "bcrt"
    assert invoice.payee == bolt11.decode(world.ask(COIN).address).payee
    assert invoice.payee != bolt11.decode(world.outside_invoice(COIN)).payee


def test_two_wallets_of_one_file_pay_each_other(world: DemoInvoiceWorld):
    invoice = world.outside_invoice(COIN)
    prepared = world.prepare(COIN, invoice)

    assert world.adapter.broadcast(prepared) == Sent(prepared.id, 0)
    (came,) = world.other.transfers("", (), 1).transfers
    assert (came.incoming, came.amount, came.address) == (True, COIN, invoice)
    assert world.other.funds(()).total == COIN
    assert world.adapter.funds(()).total == world.funded - COIN


def test_the_route_costs_what_the_options_say(world: DemoInvoiceWorld):
    world.switch(fee=150)
    prepared = world.prepare(COIN)

    assert world.adapter.broadcast(prepared) == Sent(prepared.id, 150)
    assert settled(world.adapter.lookup(Tried(prepared, attempts=1, outcome="sent"))) == (1000, prepared.id, 150)
    assert world.adapter.funds(()).total == world.funded - COIN - 150


def test_a_payment_may_be_on_its_way_for_a_while(world: DemoInvoiceWorld):
    world.switch(hold_seconds=60)
    invoice = world.outside_invoice(COIN)
    prepared = world.prepare(COIN, invoice)

    assert world.adapter.broadcast(prepared) == Sent(prepared.id, None)
    tried = Tried(prepared, attempts=1, outcome="sent")
    assert world.adapter.lookup(tried) == Pending(prepared.id)
    assert not world.arrived(invoice)
    assert world.adapter.funds(()).total == world.funded - COIN
    with time_machine.travel(now() + timedelta(seconds=61)):
        assert settled(world.adapter.lookup(tried)) == (1000, prepared.id, 0)
        assert world.arrived(invoice)


def test_refused_sends_are_dead(world: DemoInvoiceWorld):
    world.switch(refuse_sends=True)
    prepared = world.prepare(COIN)

    assert isinstance(world.adapter.broadcast(prepared), Refused)
    world.heal()
    assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="refused")), Dead)
    with pytest.raises(NodeRefused):
        world.prepare(COIN, json.loads(prepared.blob)["invoice"])


def test_an_invoice_paid_by_somebody_else_is_dead(world: DemoInvoiceWorld):
    invoice = world.outside_invoice(COIN)
    prepared = world.prepare(COIN, invoice)
    world.pay_in(invoice)

    assert isinstance(world.adapter.broadcast(prepared), Refused)
    assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="refused")), Dead)


def test_an_invoice_forged_over_a_good_hash_is_dead_and_leaves_the_good_one_alone(world: DemoInvoiceWorld):
    good = world.outside_invoice(COIN)
    forged = foreign("bcrt", 9 * COIN, payment_hash=bytes.fromhex(bolt11.decode(good).payment_hash))
    prepared = world.prepare(9 * COIN, forged)

    assert isinstance(world.adapter.broadcast(prepared), Refused)
    assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="refused")), Dead)
    genuine = world.prepare(COIN, good)
    assert world.adapter.broadcast(genuine) == Sent(genuine.id, 0)


def test_an_expired_invoice_cannot_be_paid_by_anybody(world: DemoInvoiceWorld):
    with time_machine.travel(now() + LATER, tick=False) as traveller:
        prepared = world.prepare(COIN)
        own = world.ask(COIN)
        traveller.shift(timedelta(hours=1))

        assert world.adapter.lookup(Tried(prepared)) == Absent()
        assert isinstance(world.adapter.broadcast(prepared), Refused)
        assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="refused")), Dead)
        with pytest.raises(NodeRefused):
            world.adapter.faucet(own.address, COIN)


def test_the_faucet_pays_an_invoice_of_ours_once(world: DemoInvoiceWorld):
    own = world.ask(COIN)

    assert world.adapter.faucet(own.address, 7) == own.ref
    assert [one.amount for one in incoming(world.poll(), own)] == [COIN]
    assert world.adapter.faucet(own.address, 7) == own.ref
    for address in (world.outside_invoice(COIN), "rubbish", foreign("bc")):
        with pytest.raises(NodeRefused):
            world.adapter.faucet(address, COIN)
    assert world.adapter.funds(()).total == world.funded + COIN


def test_an_invoice_in_use_is_paid_by_itself(world: DemoInvoiceWorld):
    with time_machine.travel(now() + LATER, tick=False) as traveller:
        world.switch(faucet_seconds=4)
        own, kept = world.ask(COIN), world.ask(COIN)
        world.watch.remove(kept)
        assert incoming(world.poll(), own) == []
        traveller.shift(timedelta(seconds=4))

        assert [one.amount for one in incoming(world.poll(), own)] == [COIN]
        assert incoming(world.poll(), kept) == []
        assert len(incoming(world.poll(), own)) == 1


def test_it_finds_what_left_while_nobody_looked(world: DemoInvoiceWorld):
    with time_machine.travel(now() + LATER, tick=False) as traveller:
        cursor = world.cursor()
        traveller.shift(timedelta(days=1))
        world.steal(world.outside_invoice(COIN))
        traveller.shift(timedelta(days=1))

        assert len(outgoing(world.poll(cursor))) == 1


@pytest.mark.parametrize(
    "wrong", [{"wallet": ""}, {"wallet": "A b"}, {"fee": -1}, {"fee": True}, {"expiry_seconds": "60"}]
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ImproperlyConfigured):
        DemoInvoiceOptions(**{"chain_file": "x", **wrong})
