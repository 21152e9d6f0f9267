"""A database put back from a backup: noticed, stopped, read again, matched, and ended by two people."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from adapters.demo import encode_address
from ledger import queries
from ledger.do_cron import run as cron_run
from ledger.drains import chores
from ledger.models import Address, Deposit, Dispatch, Freeze, Generation, Operation, Recovered, Recovery
from ledger.services import addresses, generation, lifecycle, recovery, wallets
from tests.support.backups import Backup
from tests.support.factories import make_manager
from tests.support.money import (
    address_of,
    balances,
    blocks,
    books,
    chain,
    chores_now,
    fresh_key,
    fund,
    node,
    pay_now,
    scan_now,
    send,
    switch,
    use_of,
)
from tests.support.threads import at_once
from wallets_site.base.errors import CoinUnavailable, NotAllowed, WrongState

FEE = 10  # of the simulated network


def outside(number: int) -> str:
    return encode_address("tst", bytes([200, number]) * 10)


def settle(coin, clock) -> None:
    """Pays what waits and lets it confirm."""
    for _ in range(3):
        pay_now(coin)
        blocks(coin.confirmations + 1, clock)
        scan_now(coin)
    pay_now(coin)


def end(first, second) -> None:
    recovery.ask_end(user=first, reason="Every line was looked at.")
    recovery.confirm_end(user=second)


@pytest.fixture
def second(site):
    return make_manager("second")


@pytest.mark.both_databases
def test_what_was_queued_and_paid_after_the_backup_is_not_paid_again(engine, site, coin, alice, manager, second, clock):
    fund(alice, coin, 100_000)
    asked = [send(alice, coin, outside(number), 1_000 + number) for number in range(5)]
    kept = Backup(site)
    settle(coin, clock)
    fund(alice, coin, 7_000)
    assert all(Operation.objects.get(pk=one.pk).status == "done" for one in asked)

    kept.restore()
    assert pay_now(coin)
    assert recovery.current() is not None
    assert scan_now(coin)

    assert [chain(coin).paid_to(outside(number)) for number in range(5)] == [[1_000 + number] for number in range(5)]
    assert set(Operation.objects.filter(pk__in=[one.pk for one in asked]).values_list("status", flat=True)) == {"done"}
    paid = 5 * 1_000 + 10
    assert balances(coin, alice) == [(107_000 - paid, 0)]
    assert books(coin) == {"hot": -(107_000 - paid - FEE), "user": 107_000 - paid, "network_fee": -FEE}
    end(manager, second)
    settle(coin, clock)
    assert [chain(coin).paid_to(outside(number)) for number in range(5)] == [[1_000 + number] for number in range(5)]
    assert node(coin).funds([]).total == -books(coin)["hot"]
    assert send(alice, coin, outside(9), 500)
    settle(coin, clock)
    assert chain(coin).paid_to(outside(9)) == [500]


def test_what_was_asked_for_and_paid_after_the_backup_stands_in_suspense(site, coin, alice, manager, second, clock):
    fund(alice, coin, 100_000)
    kept = Backup(site)
    send(alice, coin, outside(1), 3_000)
    settle(coin, clock)

    kept.restore()
    scan_now(coin)

    found = Recovered.objects.get()
    assert (found.state, found.address, found.amount, found.fee) == ("suspense", outside(1), 3_000, FEE)
    assert books(coin) == {"hot": -(97_000 - FEE), "user": 100_000, "suspense": -3_000, "network_fee": -FEE}
    assert not Freeze.objects.filter(cause="key_alarm").exists()
    end(manager, second)
    scan_now(coin)
    assert not Freeze.objects.filter(ended_at=None).exists()


def test_payouts_sends_and_cancellations_wait_and_people_read_why(site, coin, alice, bob, manager, clock):
    fund(alice, coin, 100_000)
    asked = send(alice, coin, outside(1), 3_000)
    kept = Backup(site)
    settle(coin, clock)
    kept.restore()
    switch(coin, outage=True)
    scan_now(coin)
    switch(coin, outage=False)
    before = books(coin)

    for to in (outside(2), "bob"):
        with pytest.raises(CoinUnavailable, match="put back from a backup"):
            send(alice, coin, to, 10)
    assert "put back from a backup" in queries.balance(alice, coin).state.reason
    with pytest.raises(WrongState, match="restored"):
        lifecycle.cancel(user=alice, operation_id=asked.pk, key=fresh_key())
    with pytest.raises(WrongState, match="paid already"):
        lifecycle.cancel_as_manager(user=manager, operation_id=asked.pk, reason="Stop.")
    with pytest.raises(WrongState, match="two people"):
        wallets.end_freeze(user=manager, freeze_id=Freeze.objects.get().pk, reason="Go on.")
    with pytest.raises(WrongState, match="Not yet"):
        recovery.ask_end(user=manager, reason="Go on.")
    pay_now(coin)
    assert books(coin) == before
    assert chain(coin).paid_to(outside(1)) == [3_000]


@pytest.mark.both_databases
def test_no_address_is_given_twice(engine, site, coin, alice, bob, clock):
    chores_now(coin)
    kept = Backup(site)
    hers = [addresses.assign_address(user=alice, coin=coin, key=fresh_key()).address for _ in range(2)]
    chores_now(coin)
    hers.append(addresses.assign_address(user=alice, coin=coin, key=fresh_key()).address)
    top = use_of(coin).next_number

    kept.restore()
    scan_now(coin)
    chores_now(coin)
    chores.chores(use_of(coin).wallet_id)
    his = [addresses.assign_address(user=bob, coin=coin, key=fresh_key()).address for _ in range(2)]

    assert not set(his) & set(hers)
    assert Address.objects.filter(account__owner=bob).order_by("number")[0].number > top
    with pytest.raises(IntegrityError), transaction.atomic():
        Address.objects.create(coin=coin, wallet=use_of(coin).wallet, number=10**6, address=his[0])


def test_a_deposit_to_an_address_given_away_after_the_backup_is_kept_in_suspense(site, coin, alice, bob, clock):
    fund(bob, coin, 10)
    chores_now(coin)
    kept = Backup(site)
    hers = addresses.assign_address(user=alice, coin=coin, key=fresh_key()).address
    chain(coin).mint(hers, 5_000)
    chain(coin).mint(address_of(bob, coin), 600)
    blocks(coin.confirmations + 1, clock)

    kept.restore()
    scan_now(coin)

    assert Deposit.objects.get(address_text=hers).state == "unclaimed"
    assert balances(coin, bob) == [(610, 0)]
    assert books(coin) == {"hot": -5_610, "user": 610, "suspense": 5_000}


def test_a_payment_prepared_before_the_backup_and_sent_after_is_found_by_its_name(site, coin, alice, clock):
    fund(alice, coin, 10_000)
    asked = send(alice, coin, outside(1), 2_000)
    switch(coin, lose_sends=True)
    pay_now(coin)
    kept = Backup(site)
    switch(coin, lose_sends=False)
    settle(coin, clock)
    send(alice, coin, outside(2), 100)
    settle(coin, clock)

    kept.restore()
    switch(coin, lose_sends=False)
    scan_now(coin)

    asked.refresh_from_db()
    assert asked.status == "done"
    assert chain(coin).paid_to(outside(1)) == [2_000]
    assert Dispatch.objects.filter(state="final").count() == 1
    assert Recovered.objects.get().address == outside(2)


def test_two_withdrawals_that_went_out_as_one_output_are_matched_together(site, coin, alice, clock):
    fund(alice, coin, 10_000)
    asked = [send(alice, coin, outside(1), amount) for amount in (100, 250, 70)]
    kept = Backup(site)
    chain(coin).spend(outside(1), 320, FEE)  # as a node pays two of one address in one transaction
    lifecycle.cancel(user=alice, operation_id=asked[0].pk, key=fresh_key())
    send(alice, coin, outside(3), 5)
    settle(coin, clock)
    kept.restore()
    scan_now(coin)
    states = [Operation.objects.get(pk=one.pk).status for one in asked]
    assert states == ["pending", "done", "done"]


def test_a_transfer_that_may_be_one_that_waits_blocks_the_end_until_people_decide(
    site, coin, alice, manager, second, clock
):
    fund(alice, coin, 10_000)
    asked = send(alice, coin, outside(1), 1_000)
    kept = Backup(site)
    chain(coin).spend(outside(1), 999, FEE)
    generation_goes_on()
    blocks(coin.confirmations + 1, clock)
    kept.restore()
    scan_now(coin)
    assert Recovered.objects.get().state == "blocked"
    with pytest.raises(WrongState, match="may be withdrawals that still wait"):
        recovery.ask_end(user=manager, reason="Go on.")

    lifecycle.cancel_as_manager(user=manager, operation_id=asked.pk, reason="It was paid, less a fee.")
    scan_now(coin)
    assert Recovered.objects.get().state == "suspense"
    end(manager, second)
    assert balances(coin, alice) == [(10_000, 0)]
    assert books(coin)["suspense"] == -999


def generation_goes_on() -> None:
    with transaction.atomic():
        generation.bump()


def test_two_people_end_it_and_the_database_insists(site, coin, alice, manager, second, clock):
    fund(alice, coin, 100)
    kept = Backup(site)
    generation_goes_on()
    kept.restore()
    scan_now(coin)
    recovery.ask_end(user=manager, reason="Nothing was lost.")
    with pytest.raises(NotAllowed, match="Somebody else"):
        recovery.confirm_end(user=manager)
    with pytest.raises(IntegrityError), transaction.atomic():
        Recovery.objects.update(is_open=False, ended_by=manager)
    others = [make_manager(f"other{number}") for number in range(4)]
    answers = at_once(4, lambda number: recovery.confirm_end(user=others[number]))
    assert sum(isinstance(answer, Recovery) for answer in answers) == 1
    assert recovery.current() is None
    assert recovery.look() is None


def test_a_healthy_site_is_never_taken_for_a_restored_one(site, coin, alice, clock):
    fund(alice, coin, 10_000)
    for number in range(3):
        send(alice, coin, outside(number), 100)
        settle(coin, clock)
        chores_now(coin)
        assert recovery.look() is None
    cron_run()
    assert not Recovery.objects.exists()
    mark = generation.read()
    assert mark is not None
    assert mark.number == Generation.objects.get().number > 0


def test_each_kind_of_irrevocable_step_moves_the_file_before_the_network_hears_of_it(site, coin, alice, clock):
    fund(alice, coin, 10_000)
    seen = [generation.read()]
    addresses.assign_address(user=alice, coin=coin, key=fresh_key())
    seen.append(generation.read())
    send(alice, coin, outside(1), 100)
    switch(coin, outage=False, lose_sends=True)
    pay_now(coin)
    seen.append(generation.read())
    numbers = [mark.number for mark in seen if mark]
    assert len(numbers) == 3
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (None, "missing"),
        ("feedfacefeedfacefeedfacefeedface 1 0\n", "another database"),
        ("rubbish", "another database"),
    ],
)
def test_a_file_that_is_gone_or_not_ours_stops_payouts_as_well(site, coin, alice, file, words):
    fund(alice, coin, 100)
    assert recovery.look() is None
    if file is None:
        settings.GENERATION_FILE.unlink()
    else:
        settings.GENERATION_FILE.write_text(file)
    pay_now(coin)
    found = recovery.current()
    assert found is not None
    assert words in found.reason
    assert generation.read() == generation.Mark(
        Generation.objects.get().site, Generation.objects.get().number, Generation.objects.get().jumps
    )


def test_an_empty_site_adopts_the_file_it_finds(site, coin):
    settings.GENERATION_FILE.write_text("feedfacefeedfacefeedfacefeedface 77 0\n")
    assert recovery.look() is None
    mark = generation.read()
    assert mark is not None
    assert mark.site == Generation.objects.get().site


def test_many_who_look_at_once_enter_once(site, coin, alice):
    fund(alice, coin, 100)
    kept = Backup(site)
    generation_goes_on()
    kept.restore()
    before = use_of(coin).next_number
    at_once(6, lambda _: recovery.look())
    assert Recovery.objects.count() == 1
    assert use_of(coin).next_number == before + 1000


def test_a_second_restore_jumps_further_than_the_first(site, coin, alice, manager, second):
    fund(alice, coin, 100)
    kept = Backup(site)
    before = use_of(coin).next_number
    generation_goes_on()
    for times in (1, 2):
        kept.restore()
        scan_now(coin)
        assert use_of(coin).next_number == before + 1000 * times
        end(manager, second)


def test_nothing_times_out_while_it_is_not_known_what_was_paid(site, coin, alice, clock):
    from ledger.models import SiteSettings

    SiteSettings.objects.get_or_create(pk=1)
    fund(alice, coin, 1_000)
    kept = Backup(site)
    generation_goes_on()
    kept.restore()
    asked = Operation.objects.filter(kind="deposit").first()
    assert asked is not None
    recovery.look()
    clock.shift(timedelta(days=3))
    assert lifecycle.expire_unconfirmed() == 0


# -- the page --


def test_staff_read_what_was_found_and_two_of_them_end_it_through_the_pages(site, coin, alice, manager, second, clock):
    fund(alice, coin, 100_000)
    send(alice, coin, outside(1), 1_000)
    settle(coin, clock)
    kept = Backup(site)
    send(alice, coin, outside(1), 3_000)
    settle(coin, clock)
    kept.restore()
    first, other = Client(), Client()
    first.force_login(manager)
    other.force_login(second)
    overview = reverse("admin:ledger_recovery_changelist")
    assert "no backup was put back" in first.get(overview).content.decode()
    recovery.look()
    found = recovery.current()
    assert found is not None
    page = reverse("admin:recovery_look", args=[found.pk])
    assert page in first.get(overview).content.decode()
    assert "not read yet" in first.get(page).content.decode()
    ask, confirm = reverse("admin:recovery_ask"), reverse("admin:recovery_confirm")
    assert "Not yet" in html.unescape(first.post(ask, {"reason": "Go on."}, follow=True).content.decode())

    scan_now(coin)
    shown = html.unescape(first.get(page).content.decode())
    for part in ("0.00003 TST", outside(1), "alice", "booked to suspense", "propose a correction"):
        assert part in shown
    assert "Say why" in first.post(ask, {"reason": ""}, follow=True).content.decode()
    assert "Another person" in first.post(ask, {"reason": "Looked at."}, follow=True).content.decode()
    assert "Somebody else" in first.post(confirm, follow=True).content.decode()
    assert other.get(confirm).status_code == 405
    assert "payouts go on" in other.post(confirm, follow=True).content.decode()
    assert recovery.current() is None
    assert "Ended" in first.get(page).content.decode()
    assert first.get(reverse("admin:ledger_recovered_changelist")).status_code == 200
