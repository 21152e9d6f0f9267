"""The whole job on a real LNbits, through the pages: paid by another wallet of that server, and paying it; with the
site or the server ended in the middle, and the worker killed at each point of a payment."""

from __future__ import annotations

import html
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import User
from adapters import registry
from ledger.drains import steps
from ledger.models import Coin, CoinWallet, Deposit, Dispatch, Invoice, Withdrawal
from ledger.services import wallets
from tests.journeys.test_litecoin import hot_equals_what_is_owed
from tests.lnbits.server import LnbitsServer, lnbits
from tests.support.databases import Database
from tests.support.hold import kill_at
from tests.support.lightning import ask, pay
from tests.support.money import scan_now
from tests.support.processes import wait_for
from tests.support.running import Member, RunningSite

__all__ = ["lnbits"]

POINTS = [steps.PREPARED, steps.RECORDED, steps.LOOKED_UP, steps.ATTEMPTED, steps.SENT, steps.MARKED]
SAT = 1000


def connect(server: LnbitsServer) -> CoinWallet:
    coin = Coin.objects.create(symbol="LNBTC", name="Lightning", decimals=11, confirmations=1)
    keys = server.new_wallet("site")
    options = {
        "url": server.url, "admin_key": keys.admin, "invoice_key": keys.invoice, "wallet_id": keys.id,
        "network": "main",
    }  # fmt: skip
    return wallets.connect(coin=coin, name="LNbits", kind="lnbits", options=options)


class Outside:
    """Another wallet of that server, with money."""

    def __init__(self, server: LnbitsServer, sats: int = 1_000_000) -> None:
        self.server, self.keys = server, server.new_wallet("outside", sats)

    def pays(self, bolt11: str) -> None:
        body = {"out": True, "bolt11": bolt11}
        assert self.server.must("POST", "/api/v1/payments", body, key=self.keys.admin)["status"] == "success"

    def asks(self, sats: int, memo: str = "from outside") -> str:
        body = {"out": False, "amount": sats, "memo": memo, "unit": "sat"}
        return str(self.server.must("POST", "/api/v1/payments", body, key=self.keys.admin)["bolt11"])

    @property
    def sats(self) -> int:
        return int(self.server.must("GET", "/api/v1/wallet", key=self.keys.admin)["balance"]) // SAT


def asks_on_the_page(member: Member, amount: str, memo: str) -> tuple[str, str]:
    """The page of a new invoice, and the invoice on it."""
    here = "/receive/LNBTC/"
    key = re.search(r'name="key" value="([^"]+)"', member.read(here))
    assert key
    words = {"key": key[1], "amount": amount, "memo": memo, "lifetime": "3600"}
    answer = member.browser.submit(f"{here}new-invoice/", form_at=here, **words)
    found = re.search(r'data-copy="(ln[^"]+)"', answer.text)
    assert found, answer.text[:3000]
    return answer.url.removeprefix(member.site.url), html.unescape(found[1])


def test_from_an_invoice_to_an_invoice(lnbits: LnbitsServer, members: tuple[Member, Member]):
    alice, bob = members
    use, outside = connect(lnbits), Outside(lnbits)

    page, bolt11 = asks_on_the_page(alice, "0.0005", "For the band")
    assert "Waiting for the payment" in alice.read(page)
    assert len(registry.open(use.wallet).read_invoice(bolt11).secret) == 64
    outside.pays(bolt11)
    wait_for("the credit", lambda: alice.available("LNBTC") == "0.0005")
    assert "See the payment" in alice.read(page)

    inside = asks_on_the_page(bob, "0.0001", "Half of the taxi")[1]
    alice.send("LNBTC", inside, "")
    assert (alice.available("LNBTC"), bob.available("LNBTC")) == ("0.0004", "0.0001")
    assert "paid before" in alice.refused("LNBTC", inside, "")

    bill = outside.asks(10_000, "A year of hosting")
    path = alice.send("LNBTC", bill, "")
    wait_for("the payment", lambda: alice.operation(path)["status"] == "done")
    assert outside.sats == 1_000_000 - 50_000 + 10_000
    assert alice.available("LNBTC") == "0.0003"
    assert "A year of hosting" in alice.read(path)
    assert "paid before" in alice.refused("LNBTC", bill, "")
    assert hot_equals_what_is_owed(use) == {"hot": -40_000 * SAT, "user": 40_000 * SAT}


def test_what_the_server_answers_twice_or_late_is_credited_once(lnbits: LnbitsServer, members: tuple[Member, Member]):
    """Paid while the server dies, and while the site is away; its webhook comes three times and once too early."""
    alice, _ = members
    use, outside = connect(lnbits), Outside(lnbits)

    def webhook(bill: str) -> None:
        """As 1.6.2 sends it: JSON inside a JSON text."""
        inner = json.dumps({"payment_hash": Invoice.objects.get(address__address=bill).payment_hash, "paid": True})
        assert alice.browser.post("/wallets/notify/LNBTC/wallet/lnbits", json=inner).ok

    first = asks_on_the_page(alice, "0.00001", "one")[1]
    webhook(first)
    outside.pays(first)
    lnbits.stop(kill=True)
    try:
        webhook(first)
    finally:
        lnbits.start()
    wait_for("the first credit", lambda: alice.available("LNBTC") == "0.00001", seconds=60)

    second = asks_on_the_page(alice, "0.00001", "two")[1]
    alice.site.stop()
    outside.pays(second)
    alice.site.start()
    for _ in range(3):
        webhook(second)
    wait_for("the second credit", lambda: alice.available("LNBTC") == "0.00002", seconds=60)

    scan_now(use.coin)
    assert Deposit.objects.filter(state="credited").count() == 2
    assert hot_equals_what_is_owed(use) == {"hot": -2_000 * SAT, "user": 2_000 * SAT}


@pytest.fixture
def holding(site: Database, tmp_path: Path) -> Iterator[tuple[RunningSite, Path]]:
    folder = tmp_path / "hold"
    folder.mkdir()
    made = RunningSite(site, WALLETS_STEP_HOOK="tests.support.hold.stand", WALLETS_HOLD_DIR=str(folder))
    yield made, folder
    made.stop()


def funded(server: LnbitsServer, user: User, sats: int) -> tuple[CoinWallet, Outside]:
    use, outside = connect(server), Outside(server)
    outside.pays(ask(user, use.coin, sats * SAT).bolt11)
    wait_for("the deposit", lambda: scan_now(use.coin) and Deposit.objects.filter(state="credited").exists())
    return use, outside


def test_a_worker_killed_at_every_point_pays_an_invoice_exactly_once(holding, lnbits: LnbitsServer, alice):
    running, folder = holding
    use, outside = funded(lnbits, alice, 100_000)

    for number, point in enumerate(POINTS, start=1):
        (folder / point).touch()
        row = pay(alice, use.coin, outside.asks(number * 100)).withdrawal
        kill_at(point, folder)

        def done(row: Withdrawal = row) -> bool:
            row.refresh_from_db()
            return row.state == Withdrawal.State.DONE

        wait_for(f"the payment after a death at {point}", done, seconds=100)

    paid = 100 * sum(range(1, len(POINTS) + 1))
    assert outside.sats == 1_000_000 - 100_000 + paid
    assert Dispatch.objects.filter(state="final").count() == len(POINTS)
    assert hot_equals_what_is_owed(use) == {"hot": -(100_000 - paid) * SAT, "user": (100_000 - paid) * SAT}
    assert running.child.running


def test_a_server_killed_with_the_answer_on_its_tongue_has_paid_once(holding, lnbits: LnbitsServer, alice):
    _, folder = holding
    use, outside = funded(lnbits, alice, 100_000)
    (folder / steps.SENT).touch()
    row = pay(alice, use.coin, outside.asks(700)).withdrawal
    held = folder / f"{steps.SENT}.held"
    wait_for("the worker after its call", held.exists, seconds=60)

    lnbits.stop(kill=True)
    (folder / steps.SENT).unlink()
    os.kill(int(held.read_text()), signal.SIGKILL)
    lnbits.start()

    def done() -> bool:
        row.refresh_from_db()
        return row.state == Withdrawal.State.DONE

    wait_for("the end", done, seconds=100)
    assert outside.sats == 1_000_000 - 100_000 + 700
    assert Dispatch.objects.get().attempts == 1
    assert hot_equals_what_is_owed(use) == {"hot": -99_300 * SAT, "user": 99_300 * SAT}
