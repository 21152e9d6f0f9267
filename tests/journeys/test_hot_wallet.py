"""A hot wallet that cannot pay what is queued, on real litecoind: said to its owner, to managers by mail, and over by
itself once it is filled."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core import mail
from django.db import transaction

from ledger import posting
from ledger.drains import mail as outbox
from ledger.drains import reconcile
from ledger.models import Event, Kind, WalletFunds
from tests.accounts.people import signed_in
from tests.devnet.litecoin import Litecoin
from tests.journeys.conftest import connect
from tests.support.money import address_of, balances, pay_now, scan_now, send
from tests.support.processes import wait_for
from wallets_site.base.ids import new_token


@pytest.fixture
def short(site, litecoin: Litecoin, alice):
    """alice holds 6 LTC, of which 5 lie in cold storage and 1 in the node's wallet."""
    name = f"short-{new_token(4)}"
    litecoin.load(name)
    use = connect(litecoin, wallet=name, confirmations=1)
    litecoin.fund(address_of(alice, use.coin), "1")
    litecoin.mine(1)
    wait_for("the deposit", lambda: scan_now(use.coin) and balances(use.coin, alice) == [(10**8, 0)])
    with transaction.atomic():
        cold, hers = posting.account(use.coin, Kind.COLD), posting.account(use.coin, Kind.USER, owner_id=alice.pk)
        legs = [posting.Leg(cold, hers, 5 * 10**8)]
        posting.post(kind="deposit", scope="test", key="cold", request={}, legs=legs)
    return use


def letters() -> list[tuple[str, str]]:
    outbox.deliver()
    found = [(one.to[0], str(one.subject)) for one in mail.outbox if "hot wallet" in str(one.subject)]
    mail.outbox.clear()
    return found


def test_it_waits_with_a_reason_smaller_ones_leave_and_it_goes_on_by_itself(short, litecoin: Litecoin, alice, manager):
    coin, large, small = short.coin, str(litecoin.outside("getnewaddress")), str(litecoin.outside("getnewaddress"))
    waits = send(alice, coin, large, 3 * 10**8)
    leaves = send(alice, coin, small, 2 * 10**7)

    assert pay_now(coin)
    assert pay_now(coin)
    waits.refresh_from_db()
    leaves.refresh_from_db()
    assert (waits.status, waits.txid) == ("pending", "")
    litecoin.await_seen(litecoin.outside, leaves.txid)
    browser = signed_in(alice)
    assert "hot wallet" in browser.get(f"/activity/{waits.pk}/").content.decode()
    assert "hot wallet" in browser.get(f"/api/v1/operations/{waits.pk}").json()["waiting_for"]
    assert "hot wallet" not in browser.get(f"/api/v1/operations/{leaves.pk}").json()["waiting_for"]
    assert Event.objects.filter(name="hot_wallet_short").count() == 1
    assert letters() == [(manager.email, f"Wallets: The hot wallet cannot pay what is queued ({short.wallet.name})")]
    assert letters() == []

    litecoin.fund(str(litecoin.wallet(short.wallet.name.removeprefix("LTC "))("getnewaddress")), "4")
    litecoin.mine(1)
    wait_for("the coins", lambda: scan_now(coin) and pay_now(coin) and _sent(waits))
    waits.refresh_from_db()
    assert waits.reason == ""
    litecoin.mine(1)
    pay_now(coin)
    waits.refresh_from_db()
    assert (waits.status, litecoin.received(large), litecoin.received(small)) == (
        "done",
        [Decimal(3)],
        [Decimal("0.2")],
    )
    assert letters() == []


def _sent(operation) -> bool:
    operation.refresh_from_db()
    return bool(operation.txid)


def test_managers_see_what_is_there_what_is_locked_and_how_many_coins_are_ready(short, litecoin: Litecoin, manager):
    from django.urls import reverse

    name = short.wallet.name.removeprefix("LTC ")
    litecoin.fund(str(litecoin.wallet(name)("getnewaddress")), "0.5")
    browser = signed_in(manager)
    page = reverse("admin:adapters_wallet_change", args=[short.wallet_id])
    assert "not asked yet" in browser.get(page).content.decode()
    wait_for("the unconfirmed coins", lambda: litecoin.wallet(name)("getbalances")["mine"]["untrusted_pending"])
    reconcile.reconcile(short.coin_id)
    row = WalletFunds.objects.get()
    assert (row.total, row.spendable, row.locked, row.ready) == (150_000_000, 100_000_000, 50_000_000, 1)
    words = "1.5 LTC in all, 1 LTC can be spent now, 0.5 LTC are locked until more blocks have come, 1 coins are ready"
    assert words in browser.get(page).content.decode()
    assert words in browser.post(reverse("admin:wallet_test", args=[short.wallet_id]), follow=True).content.decode()
