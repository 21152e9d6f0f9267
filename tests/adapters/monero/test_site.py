"""Monero through ledger and pages: a proof that the recipient's own wallet checks; locked and ready coins."""

from __future__ import annotations

import html
import re

import pytest

from ledger.drains import reconcile
from ledger.models import Coin, WalletFunds
from ledger.services import wallets
from tests.accounts.people import signed_in
from tests.devnet.monero import Monero
from tests.support.money import address_of, balances, pay_now, scan_now, send
from tests.support.processes import wait_for

XMR = 10**12


@pytest.fixture
def coin(site, monero: Monero) -> Coin:
    monero.open("site", "proofs")
    made = Coin.objects.create(symbol="XMR", name="Monero", decimals=12, confirmations=10, pool_size=1)
    wallets.connect(coin=made, name="monero", kind="monero", options=monero.options(outputs_ready=0))
    return made


def test_a_payer_proves_a_payment_and_managers_see_locked_and_ready_coins(coin, monero: Monero, alice, bob):
    scan_now(coin)
    for _ in range(2):
        monero.pay({address_of(alice, coin): 2 * XMR})
    monero.mine(10)
    wait_for("the deposits", lambda: scan_now(coin) and balances(coin, alice) == [(4 * XMR, 0)])
    there = str(monero.outside("create_address", account_index=0)["address"])
    asked = send(alice, coin, there, XMR)
    page = f"/activity/{asked.pk}/"
    assert "Prove this payment" not in signed_in(alice).get(page).content.decode()

    assert pay_now(coin)
    monero.mine(1)
    scan_now(coin)
    pay_now(coin)

    assert "Prove this payment" in signed_in(alice).get(page).content.decode()
    shown = html.unescape(signed_in(alice).get(f"{page}proof/").content.decode())
    values = re.findall(r'data-copy="([0-9a-f]{64,})"', shown)
    assert len(values) == 2
    txid, key = values
    said = monero.outside("check_tx_key", txid=txid, tx_key=key, address=there)
    assert said["received"] == XMR
    assert signed_in(bob).get(f"{page}proof/").status_code == 404

    reconcile.reconcile(coin.pk)
    row = WalletFunds.objects.get()
    assert row.ready == 1
    assert row.locked == row.total - row.spendable > 0
