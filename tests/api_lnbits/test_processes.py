"""Two web processes over one database: no purse is ever overdrawn, which LNbits does."""

from __future__ import annotations

import pytest
import requests

from ledger.models import Account
from tests.api_lnbits.client import Program, admin_of, purse_of
from tests.support.lightning import node
from tests.support.live import LiveSite
from tests.support.money import scan_now
from tests.support.threads import at_once

ROUNDS = 10


@pytest.mark.both_databases
def test_two_processes_never_overdraw(site, coin, alice, bob):
    """Each round both are asked to spend all there is, at the same moment."""
    payer, payee = admin_of(purse_of(alice), alice), admin_of(purse_of(bob), bob)
    webs = [LiveSite(site), LiveSite(site)]
    try:
        for _ in range(ROUNDS):
            fill(payer, coin)
            bills = [ask(payee) for _ in webs]

            def pay(place: int, bills: list[str] = bills) -> int:
                return requests.post(
                    f"{webs[place].url}/lnbits/api/v1/payments", json={"out": True, "bolt11": bills[place]},
                    headers={"X-Api-Key": payer.key}, timeout=30,
                ).status_code  # fmt: skip

            assert sorted(map(str, at_once(2, pay))) == ["201", "520"]
            assert payer.ok("GET", "/api/v1/wallet")["balance"] == 0
    finally:
        for web in webs:
            web.stop()
    assert payee.ok("GET", "/api/v1/wallet")["balance"] == ROUNDS * 7000
    assert all(account.balance >= 0 for account in Account.objects.filter(shared=False))


def ask(program: Program) -> str:
    return str(program.ok("POST", "/api/v1/payments", {"out": False, "amount": 7, "memo": "x"}, 201)["bolt11"])


def fill(program: Program, coin) -> None:
    node(coin).faucet(ask(program), 7000)
    scan_now(coin)
