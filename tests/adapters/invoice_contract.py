"""What every coin must do whose addresses are invoices: an amount, one payment, an end.

The counterpart of contract.py, for coins that know no blocks. Each test gets a world of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.base import (
    Absent,
    AddressRequest,
    Confirmed,
    Dead,
    Feature,
    InvalidAddress,
    NodeDown,
    NodeRefused,
    NotEnoughFunds,
    Prepared,
    Sent,
    Tried,
    Unclear,
    Unknown,
)
from adapters.codecs import bolt11
from tests.adapters.invoice_world import FINAL, InvoiceWorld, foreign, incoming, outgoing
from wallets_site.base.clock import now

__all__ = ["FINAL", "InvoiceContract", "InvoiceWorld", "foreign", "incoming", "outgoing"]


class InvoiceContract:
    currency = "bc"

    @pytest.fixture
    def world(self) -> InvoiceWorld:
        raise RuntimeError("a family's test class gives its own world")

    # -- the node --

    def test_a_healthy_node_says_its_network(self, world: InvoiceWorld):
        health = world.adapter.health()

        assert (health.ok, health.reason, health.network, health.locked) == (True, "", world.network, False)

    def test_it_pays_each_invoice_by_itself_and_never_two_at_once(self, world: InvoiceWorld):
        assert Feature.INVOICE in world.adapter.features
        assert world.adapter.lane == "payment"
        assert world.adapter.max_batch == 1
        with pytest.raises(NodeRefused):
            world.adapter.prepare([world.payment(world.coin), world.payment(world.coin, id="w2")], [])

    @pytest.mark.parametrize("trouble", ["outage", "rubbish"])
    def test_a_node_in_trouble_is_said_to_be_and_nothing_else_goes_wrong(self, world: InvoiceWorld, trouble: str):
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        getattr(world, trouble)()

        health = world.adapter.health()
        assert not health.ok
        assert health.reason
        for ask in (
            lambda: world.adapter.funds(()),
            lambda: world.ask(world.coin),
            lambda: world.adapter.is_ours(payment.address),
            lambda: world.page(),
            lambda: world.adapter.transfer("0" * 64),
            lambda: world.adapter.quote(payment),
            lambda: world.adapter.prepare([payment], []),
        ):
            with pytest.raises(NodeDown):
                ask()
        assert isinstance(world.adapter.broadcast(prepared), Unclear)
        assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="unclear")), Unknown)

        world.heal()
        assert world.adapter.health().ok
        assert world.adapter.lookup(Tried(prepared)) == Absent()

    # -- invoices --

    def test_an_invoice_holds_what_was_asked_for(self, world: InvoiceWorld):
        until = now().replace(microsecond=0) + timedelta(minutes=20)
        request = AddressRequest(number=1, amount=7 * world.coin, memo="Pie ₿ for bob", expires=until)

        made = world.adapter.new_address(request)
        invoice = bolt11.decode(made.address)

        assert (invoice.currency, invoice.amount, invoice.description) == (
            self.currency,
            7 * world.coin,
            "Pie ₿ for bob",
        )
        assert (made.ref, made.expires) == (invoice.payment_hash, invoice.expires)
        assert abs(invoice.expires - until) <= timedelta(seconds=5)
        checked = world.adapter.check_address(f" {made.address.upper()}\n")
        assert (checked.address, checked.amount, checked.memo) == (made.address, 7 * world.coin, "Pie ₿ for bob")
        assert (checked.network, checked.expires) == (world.network, made.expires)

    def test_each_invoice_is_another_one(self, world: InvoiceWorld):
        made = [world.ask(world.coin) for _ in range(3)]

        assert len({one.address for one in made}) == 3
        assert len({one.ref for one in made}) == 3

    @pytest.mark.parametrize("amount", [None, 0, -1000, 999, 1001])
    def test_an_invoice_needs_whole_satoshi(self, world: InvoiceWorld, amount: int | None):
        with pytest.raises(NodeRefused):
            world.adapter.new_address(AddressRequest(number=1, amount=amount))

    def test_a_memo_may_be_long_but_not_too_long(self, world: InvoiceWorld):
        longest = world.ask(world.coin, memo="₿" * 213)

        assert world.adapter.check_address(longest.address).memo == "₿" * 213
        with pytest.raises(NodeRefused):
            world.ask(world.coin, memo="₿" * 214)

    def test_an_invoice_may_carry_the_hash_of_its_description(self, world: InvoiceWorld):
        wanted = hashlib.sha256(b"a longer story").hexdigest()
        made = world.adapter.new_address(AddressRequest(number=1, amount=world.coin, description_hash=wanted))

        said = world.adapter.read_invoice(made.address)

        assert (said.description_hash, said.payment_hash, said.amount) == (wanted, made.ref, world.coin)
        with pytest.raises(NodeRefused):
            world.adapter.new_address(AddressRequest(number=1, amount=world.coin, description_hash="abc"))

    def test_more_than_all_the_money_there_is_is_refused(self, world: InvoiceWorld):
        with pytest.raises(NodeRefused):
            world.adapter.new_address(AddressRequest(number=1, amount=10**30))

    def test_an_invoice_that_ends_before_it_begins_is_refused(self, world: InvoiceWorld):
        with pytest.raises(NodeRefused):
            world.adapter.new_address(AddressRequest(number=1, amount=world.coin, expires=now() - timedelta(seconds=1)))

    def test_an_invoice_is_checked_without_the_node(self, world: InvoiceWorld):
        invoice = world.outside_invoice(world.coin)
        world.outage()

        assert world.adapter.check_address(f"LIGHTNING:{invoice.upper()}").address == invoice

    @pytest.mark.parametrize("currency", ["bc", "tb", "tbs", "bcrt"])
    def test_an_invoice_of_another_network_is_refused_in_words(self, world: InvoiceWorld, currency: str):
        if currency == self.currency:
            assert world.adapter.check_address(foreign(currency)).amount == 1_000_000
            return
        with pytest.raises(InvalidAddress) as refusal:
            world.adapter.check_address(foreign(currency))
        assert "network" in refusal.value.message

    def test_an_invoice_without_amount_is_refused_in_words(self, world: InvoiceWorld):
        with pytest.raises(InvalidAddress, match="no amount"):
            world.adapter.check_address(foreign(self.currency, None))

    def test_an_expired_invoice_is_refused_in_words(self, world: InvoiceWorld):
        with pytest.raises(InvalidAddress, match="expired"):
            world.adapter.check_address(foreign(self.currency, timestamp=int(now().timestamp()) - 3601))

    def test_an_invoice_with_one_wrong_letter_is_refused(self, world: InvoiceWorld):
        invoice = foreign(self.currency)
        with pytest.raises(InvalidAddress, match="2000"):
            world.adapter.check_address(invoice + "q" * 2000)
        for place in range(0, len(invoice), 7):
            damaged = invoice[:place] + ("q" if invoice[place] != "q" else "p") + invoice[place + 1 :]
            with pytest.raises(InvalidAddress):
                world.adapter.check_address(damaged)

    @pytest.mark.parametrize(
        "text", ["", " ", "abc", "0" * 5000, "💰", "<script>", "lightning:", "lnbc1", "\x00", "alice@example.com"]
    )
    def test_what_is_no_invoice_is_refused(self, world: InvoiceWorld, text: str):
        with pytest.raises(InvalidAddress):
            world.adapter.check_address(text)

    def test_it_tells_its_own_invoices_from_others(self, world: InvoiceWorld):
        assert world.adapter.is_ours(world.ask(world.coin).address)
        assert not world.adapter.is_ours(world.outside_invoice(world.coin))

    def test_an_invoice_of_ours_signed_anew_with_another_amount_is_ours_still_and_never_paid(self, world: InvoiceWorld):
        own = world.ask(world.coin)
        forged = foreign(self.currency, 9 * world.coin, payment_hash=bytes.fromhex(own.ref))

        assert world.adapter.is_ours(forged)
        with pytest.raises(NodeRefused):
            world.prepare(9 * world.coin, forged)
        assert outgoing(world.poll()) == []

    def test_a_payment_link_is_the_invoice(self, world: InvoiceWorld):
        own = world.ask(world.coin)

        assert world.adapter.uri(own.address, world.coin, label="alice & bob") == f"lightning:{own.address}"

    # -- deposits --

    def test_an_unpaid_invoice_is_no_deposit(self, world: InvoiceWorld):
        own = world.ask(world.coin)

        assert incoming(world.poll(), own) == []
        assert world.adapter.transfer(own.ref) == ()

    def test_a_paid_invoice_is_a_final_deposit_of_its_amount(self, world: InvoiceWorld):
        own, cursor = world.ask(3 * world.coin), world.cursor()
        world.pay_in(own.address)

        (found,) = incoming(world.poll(cursor), own)

        assert (found.txid, found.output, found.amount) == (own.ref, "0", 3 * world.coin)
        assert (found.confirmations, found.gone, found.locked) == (FINAL, False, False)
        (asked,) = world.adapter.transfer(own.ref)
        assert replace(asked, at=found.at) == found

    def test_polling_again_finds_the_same(self, world: InvoiceWorld):
        own, cursor = world.ask(world.coin), world.cursor()
        world.pay_in(own.address)

        assert incoming(world.poll(cursor), own) == incoming(world.poll(cursor), own)
        assert len(incoming(world.poll(), own)) == 1

    def test_many_invoices_are_asked_for_page_by_page(self, world: InvoiceWorld):
        for _ in range(55):
            world.ask(1000)
        paid = sorted(world.watch, key=lambda one: one.ref)[52]
        world.pay_in(paid.address)

        assert len(incoming(world.poll(world.cursor()), paid)) == 1

    def test_an_unknown_payment_moved_nothing(self, world: InvoiceWorld):
        assert world.adapter.transfer("0" * 64) == ()
        assert world.adapter.transfer("rubbish") == ()
        assert world.adapter.transfer("") == ()

    def test_the_funds_are_what_came_in(self, world: InvoiceWorld):
        world.pay_in(world.ask(world.coin).address)

        funds = world.adapter.funds(())

        assert (funds.total, funds.spendable) == (world.funded + world.coin, world.funded + world.coin)

    # -- payments --

    def test_it_sees_coins_leave_that_nobody_prepared(self, world: InvoiceWorld):
        cursor, invoice = world.cursor(), world.outside_invoice(world.coin)
        world.steal(invoice)

        (found,) = outgoing(world.poll(cursor))

        assert (found.txid, found.amount) == (bolt11.decode(invoice).payment_hash, world.coin)
        assert [item for item in world.adapter.transfer(found.txid) if not item.incoming] == [found]

    def test_preparing_sends_nothing_and_may_be_repeated(self, world: InvoiceWorld):
        payment = world.payment(world.coin)

        prepared = [world.adapter.prepare([payment], []) for _ in range(3)]

        assert not world.arrived(payment.address)
        assert len({one.blob for one in prepared}) == 1
        assert prepared[0].id == prepared[0].slot == bolt11.decode(payment.address).payment_hash
        assert prepared[0].payments == ("w1",)
        assert world.adapter.lookup(Tried(prepared[0])) == Absent()

    def test_a_payment_is_absent_and_then_final_and_costs_what_the_route_cost(self, world: InvoiceWorld):
        prepared = world.prepare(4 * world.coin)
        before = world.adapter.lookup(Tried(prepared))

        sent = world.adapter.broadcast(prepared)
        after = world.adapter.lookup(Tried(prepared, attempts=1, outcome="sent"))

        assert before == Absent()
        assert isinstance(sent, Sent)
        assert sent.txid == prepared.id
        assert isinstance(after, Confirmed)
        assert (after.confirmations, after.txid) == (FINAL, prepared.id)
        assert after.fee is not None
        assert world.adapter.funds(()).total == world.funded - 4 * world.coin - after.fee
        assert len(outgoing(world.poll())) == 1

    def test_broadcasting_again_pays_once(self, world: InvoiceWorld):
        prepared = world.prepare(world.coin)

        for _ in range(3):
            assert not isinstance(world.adapter.broadcast(prepared), Unclear)

        assert isinstance(world.adapter.lookup(Tried(prepared, attempts=3, outcome="sent")), Confirmed)
        assert world.adapter.funds(()).total == world.funded - world.coin

    def test_a_lost_answer_is_unclear_and_the_payment_was_made(self, world: InvoiceWorld):
        prepared = world.prepare(world.coin)
        world.lose_answer()

        result = world.adapter.broadcast(prepared)
        world.heal()

        assert isinstance(result, Unclear)
        found = world.adapter.lookup(Tried(prepared, attempts=1, attempted_at=now(), outcome="unclear"))
        assert isinstance(found, Confirmed)
        assert world.adapter.funds(()).total == world.funded - world.coin

    def test_a_lost_call_is_unclear_and_is_made_good_where_that_is_safe(self, world: InvoiceWorld):
        prepared = world.prepare(world.coin)
        world.lose_call()

        result = world.adapter.broadcast(prepared)
        world.heal()

        assert isinstance(result, Unclear)
        found = world.adapter.lookup(Tried(prepared, attempts=1, attempted_at=now(), outcome="unclear"))
        if not world.keeps_failed:
            assert isinstance(found, Unknown)
            return
        assert found == Absent()
        assert isinstance(world.adapter.broadcast(prepared), Sent)
        assert world.adapter.funds(()).total == world.funded - world.coin

    def test_a_payment_that_can_never_be_made_is_dead_and_is_not_prepared_again(self, world: InvoiceWorld):
        payment = world.payment(world.coin)
        prepared = world.adapter.prepare([payment], [])
        world.kill(prepared)

        assert not isinstance(world.adapter.broadcast(prepared), Sent | Unclear)
        assert isinstance(world.adapter.lookup(Tried(prepared, attempts=1, outcome="refused")), Dead)
        assert world.adapter.funds(()).total == world.funded

    def test_an_invoice_that_was_paid_is_not_prepared_again(self, world: InvoiceWorld):
        payment = world.payment(world.coin)
        world.adapter.broadcast(world.adapter.prepare([payment], []))

        with pytest.raises(NodeRefused):
            world.adapter.prepare([payment], [])

    def test_an_invoice_that_is_being_paid_is_not_prepared_for_somebody_else(self, world: InvoiceWorld):
        payment = world.payment(world.coin)
        live = [Tried(world.adapter.prepare([payment], []))]

        with pytest.raises(NodeRefused):
            world.adapter.prepare([replace(payment, id="w2")], live)

    @pytest.mark.parametrize("amount", [0, 1, 999_000, 1_001_000])
    def test_another_amount_than_the_invoice_names_is_refused(self, world: InvoiceWorld, amount: int):
        with pytest.raises(NodeRefused):
            world.prepare(amount, world.outside_invoice(1_000_000))

    def test_more_than_the_wallet_holds_with_the_route_must_wait(self, world: InvoiceWorld):
        with pytest.raises(NotEnoughFunds):
            world.prepare(world.funded)

    def test_what_is_promised_to_one_is_not_promised_to_another(self, world: InvoiceWorld):
        first = Tried(world.prepare(6 * world.coin))

        with pytest.raises(NotEnoughFunds):
            world.adapter.prepare([world.payment(6 * world.coin, id="w2")], [first])
        assert world.adapter.prepare([world.payment(3 * world.coin, id="w3")], [first]).payments == ("w3",)

    def test_a_quote_holds_the_cost_of_the_route_and_warns_of_an_empty_wallet(self, world: InvoiceWorld):
        enough = world.adapter.quote(world.payment(world.coin))
        short = world.adapter.quote(world.payment(2 * world.funded))

        assert enough.network_reserve == 10_000
        assert world.adapter.quote(world.payment(1000)).network_reserve == 2000
        assert enough.fee == 0
        assert enough.wait
        assert enough.warnings == ()
        assert len(short.warnings) == 1

    def test_a_stored_payment_that_cannot_be_read_is_unknown_not_lost(self, world: InvoiceWorld):
        broken = Prepared("0" * 64, "rubbish", 0)

        assert isinstance(world.adapter.broadcast(broken), Unclear)
        assert isinstance(world.adapter.lookup(Tried(broken, attempts=1)), Unknown)

    def test_a_payment_is_proven_by_its_preimage(self, world: InvoiceWorld):
        prepared = world.prepare(world.coin)
        before = world.adapter.proof(Tried(prepared))
        world.adapter.broadcast(prepared)

        proof = world.adapter.proof(Tried(prepared, attempts=1, outcome="sent"))

        assert before is None
        assert proof is not None
        preimage = bytes.fromhex(proof.data["preimage"])
        assert hashlib.sha256(preimage).hexdigest() == proof.data["payment_hash"] == prepared.id

    def test_a_hint_is_a_payment_hash_and_nothing_else(self, world: InvoiceWorld):
        told = world.adapter.hint("wallet", "ab" * 32, b"")

        assert told is not None
        assert told.txid == "ab" * 32
        for message in ("../../etc", "", "AB" * 32, "ab" * 31):
            assert world.adapter.hint("wallet", message, b"") is None
