"""Deposits: credited once, never from what is not final, and never silently taken back."""

from __future__ import annotations

import pytest

from adapters.base import Found, Page
from adapters.models import Wallet
from ledger import queries
from ledger.models import Address, Deposit, Event, Freeze, Operation
from ledger.services import deposits, rules, sending
from tests.support.money import (
    address_of,
    balances,
    blocks,
    books,
    chain,
    chores_now,
    fund,
    proof_of,
    scan_now,
    send,
    switch,
    use_of,
)
from wallets_site.base.errors import NotAllowed


def found(address: str, amount: int = 100, confirmations: int = 9, **more) -> Found:
    values = {"incoming": True, "txid": "t1", "output": "0", "address": address, "amount": amount}
    return Found(**{**values, "confirmations": confirmations, **more})


def told(coin, *transfers: Found) -> None:
    """The node of this coin says so."""
    deposits.record_page(use_of(coin).wallet_id, Page(tuple(transfers), cursor="c"))


def test_a_deposit_waits_for_its_confirmations(coin, alice, clock):
    chain(coin).mint(address_of(alice, coin), 500)
    scan_now(coin)
    operation = Operation.objects.get()
    assert (operation.status, queries.waiting_for(operation)) == (
        "pending", "Waiting for the network: 0 of 2 confirmations.",
    )  # fmt: skip

    blocks(1, clock)
    scan_now(coin)
    assert queries.balance(alice, coin).available == 0
    blocks(2, clock)
    scan_now(coin)
    assert queries.balance(alice, coin).available == 500
    assert list(Event.objects.filter(user=alice).values_list("name", flat=True)) == ["deposit_seen", "deposit_credited"]


def test_a_locked_deposit_is_not_credited_however_many_confirmations_it_has(coin, alice):
    told(coin, found(address_of(alice, coin), confirmations=50, locked=True))
    assert balances(coin, alice) == [(0, 0)]
    told(coin, found(address_of(alice, coin), confirmations=51))
    assert balances(coin, alice) == [(100, 0)]


def test_two_outputs_of_one_transaction_are_two_deposits(coin, alice, bob):
    told(coin, found(address_of(alice, coin), 100), found(address_of(bob, coin), 70, output="1"))
    told(coin, found(address_of(alice, coin), 100), found(address_of(bob, coin), 70, output="1"))
    assert balances(coin, alice, bob) == [(100, 0), (70, 0)]


def test_the_same_output_told_again_with_another_amount_credits_nothing_more(coin, alice):
    told(coin, found(address_of(alice, coin), 100))
    told(coin, found(address_of(alice, coin), 100_000))
    assert balances(coin, alice) == [(100, 0)]
    assert books(coin) == {"hot": -100, "user": 100}


def test_a_deposit_that_is_replaced_before_its_first_block_is_cancelled_and_may_come_back(coin, alice):
    mine = address_of(alice, coin)
    told(coin, found(mine, confirmations=0))
    told(coin, found(mine, confirmations=0, gone=True))
    operation = Operation.objects.get()
    assert operation.status == "cancelled"
    assert queries.balance(alice, coin).incoming == 0

    told(coin, found(mine, confirmations=2))
    operation.refresh_from_db()
    assert (operation.status, balances(coin, alice)) == ("done", [(100, 0)])


def test_a_deposit_the_node_forgets_is_gone_only_when_it_is_missed_twice(coin, alice):
    told(coin, found(address_of(alice, coin), confirmations=0))
    wallet_id = use_of(coin).wallet_id
    deposits.record_lookup(wallet_id, "t1", [])
    assert Deposit.objects.get().state == "seen"
    deposits.record_lookup(wallet_id, "t1", [])
    assert Deposit.objects.get().state == "gone"


def test_a_credited_deposit_that_vanishes_freezes_that_person_and_coin_and_debits_nobody(coin, alice, bob, clock):
    fund(bob, coin, 1_000)
    txid = chain(coin).mint(address_of(alice, coin), 500)
    blocks(4, clock)
    scan_now(coin)
    chain(coin).vanish(txid)
    scan_now(coin)
    scan_now(coin)

    assert Freeze.objects.get().user == alice
    assert balances(coin, alice) == [(500, 0)]
    with pytest.raises(NotAllowed, match="on hold"):
        send(alice, coin, "bob", 100)
    assert balances(coin, alice, bob) == [(500, 0), (1_000, 0)]
    send(bob, coin, "alice", 1)


def test_a_vanished_deposit_that_returns_is_not_credited_again_and_the_freeze_ends(coin, alice):
    mine = address_of(alice, coin)
    told(coin, found(mine, confirmations=5))
    told(coin, found(mine, confirmations=0, gone=True))
    assert Freeze.objects.get().ended_at is None

    told(coin, found(mine, confirmations=5))
    assert Freeze.objects.get().ended_at is not None
    assert balances(coin, alice) == [(100, 0)]
    assert books(coin) == {"hot": -100, "user": 100}


def test_a_payment_to_an_address_nobody_holds_stands_in_suspense(coin, alice):
    chores_now(coin)
    pooled = Address.objects.filter(account=None).first()
    assert pooled is not None
    told(coin, found(pooled.address))

    assert books(coin) == {"hot": -100, "suspense": 100}
    assert Deposit.objects.get().state == "unclaimed"
    assert Event.objects.filter(name="deposit_unclaimed").count() == 1
    assert not Operation.objects.exists()


def test_a_deposit_below_the_minimum_is_kept_quietly(coin, alice):
    coin.min_deposit = 1_000
    coin.save(update_fields=["min_deposit"])
    told(coin, found(address_of(alice, coin), 999))

    assert books(coin) == {"hot": -999, "suspense": 999}
    assert not Operation.objects.exists()


def test_an_old_address_still_credits(coin, alice):
    from ledger.services import addresses

    old = addresses.assign_address(user=alice, coin=coin, key="a")
    addresses.assign_address(user=alice, coin=coin, key="b")
    told(coin, found(old.address))
    assert balances(coin, alice) == [(100, 0)]


def test_a_retired_wallet_is_still_scanned_and_credited(coin, alice, clock, tmp_path):
    from ledger.drains import scan
    from ledger.services import wallets

    old = use_of(coin)
    chain(coin).mint(address_of(alice, coin), 500)
    wallets.connect(coin=coin, name="next", kind="demo", options={"chain_file": str(tmp_path / "n.sqlite3")})
    blocks(4, clock)
    scan.scan(old.wallet_id)

    assert balances(coin, alice) == [(500, 0)]


def test_the_cursor_and_the_deposits_of_a_page_are_committed_together(coin, alice, monkeypatch):
    mine = address_of(alice, coin)
    use = use_of(coin)

    def fail(*args, **kwargs):
        raise RuntimeError("died")

    monkeypatch.setattr(Wallet, "save", fail)
    with pytest.raises(RuntimeError):
        told(coin, found(mine))
    monkeypatch.undo()
    use.wallet.refresh_from_db()
    assert (use.wallet.cursor, Deposit.objects.count(), balances(coin, alice)) == ("", 0, [(0, 0)])


def test_an_address_is_given_once_and_the_same_key_answers_with_the_same(coin, alice, bob):
    from ledger.services import addresses

    chores_now(coin)
    first = addresses.assign_address(user=alice, coin=coin, key="k", label="Rent")
    again = addresses.assign_address(user=alice, coin=coin, key="k")
    other = addresses.assign_address(user=bob, coin=coin, key="k")
    assert first.pk == again.pk
    assert first.address != other.address
    assert Address.objects.get(pk=first.pk).label == "Rent"


def test_addresses_come_from_the_pool_while_the_node_is_away(coin, alice):
    from ledger.services import addresses
    from wallets_site.base.errors import CoinUnavailable

    chores_now(coin)
    switch(coin, outage=True)
    for key in ("a", "b"):
        addresses.assign_address(user=alice, coin=coin, key=key)
    with pytest.raises(CoinUnavailable, match="does not answer"):
        addresses.assign_address(user=alice, coin=coin, key="c")


def test_address_numbers_are_never_used_twice_even_when_the_node_fails(coin, alice):
    from ledger.services import addresses

    switch(coin, outage=True)
    for key in ("a", "b"):
        with pytest.raises(Exception, match="does not answer"):
            addresses.assign_address(user=alice, coin=coin, key=key)
    switch(coin, outage=False)
    assert addresses.assign_address(user=alice, coin=coin, key="c").number == 3


def test_a_person_has_at_most_so_many_addresses(coin, alice):
    from ledger.services import addresses
    from wallets_site.base.errors import LimitReached

    coin.addresses_max = 2
    coin.save(update_fields=["addresses_max"])
    for key in ("a", "b"):
        addresses.assign_address(user=alice, coin=coin, key=key)
    with pytest.raises(LimitReached):
        addresses.assign_address(user=alice, coin=coin, key="c")
    assert Address.objects.filter(account__owner=alice).count() == 2


def test_a_stale_quote_of_a_frozen_person_moves_nothing(coin, alice, bob):
    fund(alice, coin, 500)
    quote = sending.preview_send(user=alice, coin=coin, to="bob", amount=100)
    Freeze.objects.create(cause="manual", reason="look", subject="s", user=alice, coin=coin)
    with pytest.raises(NotAllowed):
        sending.request_send(user=alice, quote=quote, proof=proof_of(alice), key="k")
    assert balances(coin, alice, bob) == [(500, 0), (0, 0)]


def test_what_left_a_wallet_before_it_was_connected_raises_no_alarm(coin, alice, clock):
    from datetime import timedelta

    history = found("elsewhere", incoming=False, txid="old", at=use_of(coin).wallet.created_at - timedelta(days=1))
    told(coin, history)
    told(coin, history)
    assert not Freeze.objects.exists()

    told(coin, found("elsewhere", incoming=False, txid="new", at=use_of(coin).wallet.created_at + timedelta(days=1)))
    assert Freeze.objects.get().cause == "key_alarm"


def test_a_wallet_read_anew_writes_nothing_for_deposits_that_are_long_final(coin, alice, django_assert_num_queries_of):
    deep = coin.watch_confirmations
    transfers = [found(address_of(alice, coin), txid=f"t{number}", confirmations=deep) for number in range(20)]
    told(coin, *transfers)
    with django_assert_num_queries_of() as counted:
        told(coin, *transfers)
    written = [sql for sql in counted.statements if sql.startswith(("INSERT", "UPDATE")) and "deposit" in sql.lower()]

    assert written == []
    assert balances(coin, alice) == [(2000, 0)]
    told(coin, found(address_of(alice, coin), txid="t3", confirmations=0, gone=True))
    assert Deposit.objects.get(txid="t3").state == Deposit.State.VANISHED


def test_a_process_that_knows_no_rules_yet_reads_them_once_for_all_deposits_of_a_scan(
    coin, alice, clock, django_assert_num_queries_of
):
    address = address_of(alice, coin)
    for _ in range(12):
        chain(coin).mint(address, 5)
    blocks(coin.confirmations + 1, clock)
    rules._kept.clear()
    rules.forget_recent()

    with django_assert_num_queries_of() as counted:
        scan_now(coin)

    assert sum('FROM "ledger_feerule"' in statement for statement in counted.statements) == 1
