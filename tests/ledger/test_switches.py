"""What managers stop by hand stays stopped wherever it is asked for; one stops, two let payouts go on."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from ledger.models import Event, Operation, Switch
from ledger.services import addresses, lifecycle, switches
from ledger.services.rules import forget_recent
from tests.ledger.test_lifecycle import AWAY, change
from tests.support.factories import make_manager
from tests.support.money import (
    address_of,
    balances,
    books,
    chain,
    fund,
    make_coin,
    pay_now,
    scan_now,
    send,
)
from tests.support.threads import at_once
from wallets_site.base.errors import CoinUnavailable, InvalidRequest, NotAllowed, SiteReadOnly, WrongState

What = Switch.What


def stop(manager, what, coin=None, reason="We look into something."):
    return switches.turn_on(user=manager, what=what, coin=coin, reason=reason)


@pytest.fixture
def rich(coin, alice):
    change(confirm_withdraw_admin=False)
    fund(alice, coin, 1_000)
    return coin


class TestStopping:
    @pytest.mark.parametrize("whole_site", [True, False])
    def test_no_withdrawal_is_asked_for_and_none_is_sent(self, rich, alice, manager, whole_site):
        waiting = send(alice, rich, AWAY, 100)
        stop(manager, What.PAYOUTS, None if whole_site else rich)

        with pytest.raises(CoinUnavailable, match="We look into something"):
            send(alice, rich, AWAY, 100)
        pay_now(rich)

        waiting.refresh_from_db()
        assert (waiting.status, chain(rich).paid_to(AWAY)) == (Operation.Status.PENDING, [])
        assert balances(rich, alice) == [(900, 100)]
        assert send(alice, rich, "manager", 5).status == Operation.Status.DONE

    def test_one_coin_stops_no_other(self, rich, alice, bob, manager):
        other = make_coin("OTH")
        fund(alice, other, 100)
        stop(manager, What.MOVES, rich)
        with pytest.raises(CoinUnavailable):
            send(alice, rich, "bob", 1)
        assert send(alice, other, "bob", 1).status == Operation.Status.DONE
        assert balances(rich, alice, bob) == [(1_000, 0), (0, 0)]

    def test_what_was_prepared_is_not_sent_either(self, rich, alice, manager, monkeypatch):
        """Stopped after the payment was recorded and before it was sent: the last look comes right before the send."""
        from ledger.drains import steps

        send(alice, rich, AWAY, 100)
        monkeypatch.setattr(steps, "reached", lambda name: name == steps.RECORDED and stop(manager, What.PAYOUTS, rich))
        pay_now(rich)
        assert chain(rich).paid_to(AWAY) == []
        books(rich)

    def test_deposits_are_seen_and_wait_and_are_credited_afterwards(self, rich, bob, manager, clock):
        address = address_of(bob, rich)
        standing = stop(manager, What.DEPOSITS, rich)
        fund_late(bob, rich, 70)
        assert (balances(rich, bob), address) == ([(0, 0)], address)
        with pytest.raises(CoinUnavailable):
            addresses.assign_address(user=bob, coin=rich, key="new")

        switches.turn_off(user=manager, switch_id=standing.pk, reason="All is well.")
        scan_now(rich)
        assert balances(rich, bob) == [(70, 0)]
        books(rich)

    def test_an_approval_moves_nothing_while_moves_are_stopped(self, rich, alice, bob, manager):
        change(confirm_move_admin=True)
        sent = send(alice, rich, "bob", 10)
        stop(manager, What.MOVES)
        with pytest.raises(CoinUnavailable):
            lifecycle.approve(user=manager, operation_id=sent.pk)
        assert balances(rich, alice, bob) == [(990, 10), (0, 0)]

    def test_it_says_why_and_is_noted(self, rich, manager):
        with pytest.raises(InvalidRequest):
            stop(manager, What.PAYOUTS, reason=" ")
        stop(manager, What.PAYOUTS)
        assert Event.objects.get(name="switched_off").data["reason"] == "We look into something."
        assert AuditEvent.objects.get(what="switch_on").who == manager

    def test_only_managers_stop_anything(self, rich, alice):
        with pytest.raises(NotAllowed):
            stop(alice, What.PAYOUTS)
        assert not Switch.objects.exists()

    @pytest.mark.both_databases
    def test_two_who_stop_the_same_at_once_make_one_switch(self, coin, manager):
        found = at_once(8, lambda _number: stop(manager, What.PAYOUTS, coin).pk)
        assert len(set(found)) == Switch.objects.count() == 1


class TestGoingOn:
    def test_one_person_lets_sends_go_on(self, rich, alice, bob, manager):
        standing = stop(manager, What.MOVES)
        switches.turn_off(user=manager, switch_id=standing.pk, reason="Found it.")
        assert send(alice, rich, "bob", 1).status == Operation.Status.DONE
        with pytest.raises(WrongState):
            switches.turn_off(user=manager, switch_id=standing.pk, reason="Again.")

    @pytest.mark.parametrize("whole_site", [True, False])
    def test_payouts_go_on_by_two_people_only(self, rich, alice, manager, whole_site):
        standing = stop(manager, What.PAYOUTS, None if whole_site else rich)
        with pytest.raises(WrongState):
            switches.confirm_off(user=manager, switch_id=standing.pk)
        switches.turn_off(user=manager, switch_id=standing.pk, reason="Found it.")
        with pytest.raises(NotAllowed):
            switches.confirm_off(user=manager, switch_id=standing.pk)
        with pytest.raises(CoinUnavailable):
            send(alice, rich, AWAY, 100)

        switches.confirm_off(user=make_manager("second"), switch_id=standing.pk)
        assert send(alice, rich, AWAY, 100).status == Operation.Status.PENDING


class TestReadOnly:
    def test_services_refuse_whatever_moves_money(self, rich, alice, bob, manager):
        stop(manager, What.READ_ONLY)
        for to in ("bob", AWAY):
            with pytest.raises(CoinUnavailable, match="We look into something"):
                send(alice, rich, to, 1)
        with pytest.raises(CoinUnavailable):
            addresses.assign_address(user=alice, coin=rich, key="new")
        assert balances(rich, alice, bob) == [(1_000, 0), (0, 0)]

    def test_nothing_that_waits_goes_on(self, rich, alice, bob, manager):
        change(confirm_move_admin=True)
        sent = send(alice, rich, "bob", 10)
        stop(manager, What.READ_ONLY)
        with pytest.raises(SiteReadOnly):
            lifecycle.approve(user=manager, operation_id=sent.pk)
        assert balances(rich, alice, bob) == [(990, 10), (0, 0)]

    def test_deposits_are_still_scanned_and_nothing_is_sent(self, rich, alice, manager):
        send(alice, rich, AWAY, 100)
        address_of(alice, rich)
        stop(manager, What.READ_ONLY)
        pay_now(rich)
        fund_late(alice, rich, 70)
        assert (balances(rich, alice), chain(rich).paid_to(AWAY)) == ([(970, 100)], [])


def fund_late(user, coin, amount):
    forget_recent()
    fund(user, coin, amount)
