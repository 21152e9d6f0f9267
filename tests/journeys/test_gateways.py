"""Forknote in both dialects and Banano, from sign-up to the outside wallet.

The product's own parent runs web and worker; the nodes are the stand-ins; people use the pages alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

from adapters import registry
from adapters.forknote.options import PAYMENT_ID
from ledger import money, queries
from ledger.drains.scan import Watch
from ledger.models import Coin, CoinWallet, Freeze
from ledger.services import wallets
from ledger.templatetags.wallets import qr
from tests.adapters.banano.world import EASY, GENESIS, GENESIS_ADDRESS, SEED, BananoWorld
from tests.adapters.forknote.forknote_world import FEE, ForknoteWorld
from tests.support.processes import wait_for
from tests.support.running import Member

SHARED = "Everybody here shares this address: the payment id alone tells that the coins are yours."


@dataclass
class Stage:
    """A coin, its stand-in node, and how its receive page must look."""

    world: ForknoteWorld | BananoWorld
    use: CoinWallet
    link: str  # scheme, with {address} and {extra}
    amount: str  # what comes in
    explained: str = ""  # a sentence of the receive page

    @property
    def symbol(self) -> str:
        return self.use.coin.symbol

    def units(self, text: str) -> int:
        return money.parse(text, self.use.coin.decimals)

    def pay_in(self, address: str, extra: str) -> None:
        if extra and isinstance(self.world, ForknoteWorld):
            self.world.node.pay(destinations=[[address, self.units(self.amount)]], payment_id=extra)
        else:
            self.world.fund(address, self.units(self.amount))

    def settle(self) -> bool:
        """The network goes on; for use in a wait."""
        self.world.mine(0 if isinstance(self.world, BananoWorld) else 1)
        return True


def forknote(world: ForknoteWorld, symbol: str, **options: str) -> CoinWallet:
    coin = Coin.objects.create(symbol=symbol, name=f"{symbol} coin", decimals=8, confirmations=2, pool_size=2)
    return wallets.connect(coin=coin, name=symbol, kind="forknote", options={**world._settings, **options})


def banano(world: BananoWorld) -> CoinWallet:
    coin = Coin.objects.create(symbol="BAN", name="Banano", decimals=29, confirmations=1, pool_size=2)
    options = {
        "url": world.node.url, "seed": SEED, "network_identifier": GENESIS, "representative": GENESIS_ADDRESS,
        "work_threshold": EASY, "min_peers": 0,
    }  # fmt: skip
    return wallets.connect(coin=coin, name="BAN", kind="banano", options=options)


@pytest.fixture
def stages(running: object, tmp_path: Path) -> Iterator[list[Stage]]:
    for name in ("snake", "camel", "banano"):
        (tmp_path / name).mkdir()
    snake, camel = ForknoteWorld("snake", tmp_path / "snake"), ForknoteWorld("camel", tmp_path / "camel")
    ban = BananoWorld(tmp_path / "banano")
    yield [
        Stage(snake, forknote(snake, "FRS", receive=PAYMENT_ID), "forknote:{address}?payment_id={extra}", "5", SHARED),
        Stage(camel, forknote(camel, "FRC"), "forknote:{address}", "5"),
        Stage(
            ban, banano(ban), "ban:{address}", "7.00000000000000000000000000001",
            "Credited as soon as the network has confirmed it",
        ),
    ]  # fmt: skip
    for world in (snake, camel, ban):
        world.close()


def look_at_receive_page(stage: Stage, alice: Member) -> tuple[str, str]:
    """The address and what goes with it, as link, as code and in words."""
    address = alice.new_address(stage.symbol)
    page = alice.browser.get(f"/receive/{stage.symbol}/").text
    copied = [unescape(text) for text in re.findall(r'data-copy="([^"]+)"', page)]
    extra = copied[1] if len(copied) == 3 else ""
    link = stage.link.format(address=address, extra=extra)

    assert copied == [address, *([extra] if extra else []), link]
    assert qr(link, "QR code with this address as a payment link") in page
    assert stage.explained in unescape(page)
    return address, extra


def deposit(stage: Stage, alice: Member) -> None:
    stage.pay_in(*look_at_receive_page(stage, alice))
    wait_for(f"{stage.symbol} to be seen", lambda: alice.account(stage.symbol)["incoming"] == stage.amount)
    assert alice.available(stage.symbol) == "0"
    wait_for(f"{stage.symbol} to be credited", lambda: stage.settle() and alice.available(stage.symbol) == stage.amount)


def move_and_withdraw(stage: Stage, alice: Member, bob: Member) -> None:
    alice.send(stage.symbol, bob.email, "1.5")
    assert bob.available(stage.symbol) == "1.5"
    outside = stage.world.outside_address()
    path = alice.send(stage.symbol, outside, "2")
    wait_for(
        f"{stage.symbol} to be paid", lambda: stage.settle() and alice.operation(path)["status"] == "done", seconds=60
    )

    assert stage.world.arrived(outside) == [stage.units("2")]
    assert str(alice.operation(path)["confirmed"]) == "True"
    left = money.plain(stage.units(stage.amount) - stage.units("3.5"), stage.use.coin.decimals)
    assert (alice.available(stage.symbol), bob.available(stage.symbol)) == (left, "1.5")


def books_match_the_node(stage: Stage) -> None:
    totals = {kind: amount for kind, amount in queries.totals(stage.use.coin).items() if amount}
    fee = FEE if isinstance(stage.world, ForknoteWorld) else 0
    owed = stage.units(stage.amount) - stage.units("2")
    assert sum(totals.values()) == 0
    assert (totals["user"], totals["hot"], totals.get("network_fee", 0)) == (owed, fee - owed, -fee)

    def holds() -> bool:
        stage.settle()
        return registry.open(stage.use.wallet).funds(Watch(stage.use.wallet)).total == owed - fee

    wait_for(f"{stage.symbol}: the node to hold what is owed", holds)


def test_from_sign_up_to_the_outside_wallet_on_walletd_and_on_banano(
    members: tuple[Member, Member], stages: list[Stage]
):
    alice, bob = members
    for stage in stages:
        deposit(stage, alice)
        move_and_withdraw(stage, alice, bob)
        books_match_the_node(stage)

    page = alice.read("/activity/?coin=BAN")
    assert "1000" not in page
    assert not Freeze.objects.exists()
