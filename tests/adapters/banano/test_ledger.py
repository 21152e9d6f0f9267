"""Deposit, collection and withdrawal through the site's own books, on the stand-in node."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from adapters.banano.fate import CONFIRMATIONS
from ledger import queries
from ledger.drains import chores, reconcile, steps
from ledger.models import Brake, Coin, Deposit, Dispatch, Freeze, Operation
from ledger.services import solvency, wallets
from tests.adapters.banano.world import BAN, EASY, GENESIS, GENESIS_ADDRESS, SEED, BananoWorld, address_of, key_of
from tests.nodes.banano.client import BananoNode
from tests.support.databases import Database
from tests.support.money import address_of as site_address
from tests.support.money import balances, books, pay_now, scan_now, send, use_of
from wallets_site.base.errors import CoinUnavailable, NotAllowed


def connect(node: BananoNode, *, symbol: str = "BAN") -> Coin:
    coin = Coin.objects.create(symbol=symbol, name="Banano", decimals=29, confirmations=6, pool_size=3)
    options = {
        "url": node.url,
        "seed": SEED,
        "network_identifier": GENESIS,
        "representative": GENESIS_ADDRESS,
        "work_threshold": EASY,
        "min_peers": 0,
    }
    wallets.connect(coin=coin, name=f"{symbol} node", kind="banano", options=options)
    return coin


@pytest.fixture
def coin(site: Database, world: BananoWorld) -> Coin:
    return connect(world.node)


def tidy(coin: Coin, world: BananoWorld) -> None:
    """The worker's rounds until nothing is left to do, the network confirming in between."""
    for _ in range(6):
        scan_now(coin)
        chores.chores(use_of(coin).wallet_id)
        world.node.do("confirm_all")
    scan_now(coin)
    pay_now(coin)


def test_a_deposit_is_credited_at_once_and_withdrawn_after_it_reached_the_hot_account(coin, world, alice):
    """29 decimals, exactly; a coin that asks for 6 confirmations gets them with the one there is."""
    amount = 7 * BAN + 1
    world.deposit(site_address(alice, coin), amount)
    scan_now(coin)
    assert balances(coin, alice) == [(amount, 0)]

    asked = send(alice, coin, to := world.outside_address(), 2 * BAN)
    pay_now(coin)
    asked.refresh_from_db()
    assert asked.reason == "Waiting for funds in the site's hot wallet; it goes on by itself."

    tidy(coin, world)
    tidy(coin, world)
    asked.refresh_from_db()
    assert (asked.status, asked.confirmations) == (Operation.Status.DONE, CONFIRMATIONS)
    assert world.arrived(to) == [2 * BAN]
    assert books(coin) == {"hot": -(5 * BAN + 1), "user": 5 * BAN + 1}
    assert world.node.ask("account_info", account=world.hot)["balance"] == str(5 * BAN + 1)
    assert not Freeze.objects.exists()


def test_collections_and_sweeps_stand_in_the_books_as_chores_and_move_nobodys_money(coin, world, alice, bob):
    for person in (alice, bob):
        world.deposit(site_address(person, coin), 3 * BAN)
    tidy(coin, world)

    done = list(Dispatch.objects.order_by("pk").values_list("chore", "state", "fee"))

    assert sorted(done) == [("collect", "final", 0)] * 4 + [("sweep", "final", 0)] * 2
    assert balances(coin, alice, bob) == [(3 * BAN, 0), (3 * BAN, 0)]
    assert Deposit.objects.count() == 2
    assert not Freeze.objects.exists()


def test_no_two_live_blocks_share_a_place(coin, world, alice):
    for _ in range(3):
        world.deposit(site_address(alice, coin), BAN)
    scan_now(coin)
    chores.chores(use_of(coin).wallet_id)

    slots = list(Dispatch.objects.filter(state="live").values_list("slot", flat=True))

    assert len(slots) == len(set(slots)) == 4
    assert list(Dispatch.objects.order_by("pk").values_list("chore", flat=True)) == ["collect"] * 3 + ["sweep"]


def test_a_deposit_that_loses_before_it_is_confirmed_gives_nothing(coin, world, alice):
    lost = world.fund(site_address(alice, coin), BAN)
    scan_now(coin)
    assert queries.balance(alice, coin).incoming == BAN
    world.vanish(lost)
    for _ in range(3):
        scan_now(coin)

    deposit = Deposit.objects.get()
    assert (deposit.state, deposit.credited_at) == (Deposit.State.GONE, None)
    assert balances(coin, alice) == [(0, 0)]
    assert books(coin) == {}


@pytest.mark.parametrize("collected", [False, True])
def test_a_credited_deposit_that_the_node_takes_back_freezes_its_owner_and_mints_nothing(coin, world, alice, collected):
    """Confirmed is final on this chain: only a node that lied, or was restored from an old copy, does this."""
    sent = world.deposit(site_address(alice, coin), 3 * BAN)
    scan_now(coin)
    assert balances(coin, alice) == [(3 * BAN, 0)]
    if collected:
        tidy(coin, world)
    world.node.do("rollback", name=sent, restored=True)
    solvency.check_coin(coin, lambda: reconcile.nodes_hold(coin))
    assert Brake.objects.get(released_at=None).coin == coin

    Coin.objects.filter(pk=coin.pk).update(watch_confirmations=2000)  # final deposits are asked for again
    for _ in range(3):
        scan_now(coin)

    assert Deposit.objects.get().state == Deposit.State.VANISHED
    freeze = Freeze.objects.get(cause=Freeze.Cause.VANISHED)
    assert (freeze.user, freeze.coin) == (alice, coin)
    assert balances(coin, alice) == [(3 * BAN, 0)]
    assert books(coin) == {"hot": -3 * BAN, "user": 3 * BAN}
    with pytest.raises(NotAllowed):
        send(alice, coin, world.outside_address(), BAN)


def test_coins_that_leave_by_another_hand_freeze_the_wallet(coin, world, alice):
    world.deposit(site_address(alice, coin), 5 * BAN)
    tidy(coin, world)
    stolen = world.node.do("fund", to=world.outside_address(), amount=str(BAN), key=key_of(0))
    scan_now(coin)

    (freeze,) = Freeze.objects.all()
    assert freeze.cause == Freeze.Cause.KEY_ALARM
    assert stolen in freeze.reason
    with pytest.raises(CoinUnavailable):
        send(alice, coin, world.outside_address(), BAN)
    dispatches = Dispatch.objects.count()
    world.deposit(site_address(alice, coin), BAN)
    tidy(coin, world)
    assert Dispatch.objects.count() == dispatches


def test_a_payment_whose_place_an_epoch_block_took_is_paid_anew_exactly_once(coin, world, alice, monkeypatch):
    world.deposit(site_address(alice, coin), 5 * BAN)
    tidy(coin, world)
    asked = send(alice, coin, to := world.outside_address(), 2 * BAN)

    def epoch_now(step: str) -> None:
        if step == steps.ATTEMPTED and not Dispatch.objects.filter(state="dead").exists():
            world.node.do("epoch", account=world.hot)

    monkeypatch.setattr(steps, "reached", epoch_now)
    for _ in range(3):
        pay_now(coin)
        world.node.do("confirm_all")
    asked.refresh_from_db()

    assert (asked.status, asked.retries) == (Operation.Status.DONE, 1)
    assert Dispatch.objects.filter(chore="", state="dead").count() == 1
    assert world.arrived(to) == [2 * BAN]
    assert balances(coin, alice) == [(3 * BAN, 0)]


def test_a_callback_wakes_the_scan_only_for_addresses_of_ours(coin, world, alice, monkeypatch):
    woken: list[tuple[object, ...]] = []
    monkeypatch.setattr("ledger.api.notify.enqueue", lambda *args: woken.append(args))

    def call_back(to: str) -> None:
        told = {"hash": "AB" * 32, "is_send": "true", "block": json.dumps({"link_as_account": to})}
        body = json.dumps(told)
        Client().post("/wallets/notify/BAN/callback/token", body, content_type="application/json")

    call_back(address_of(3))
    assert woken == []
    call_back(site_address(alice, coin))
    assert woken == [("scan", use_of(coin).wallet_id)]
