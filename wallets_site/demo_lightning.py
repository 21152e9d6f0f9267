"""The Lightning coin of the demonstration: invoices on a simulated network, and purses for programs to try."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from accounts import proof as proofs
from accounts.models import User
from ledger import nodes
from ledger.drains import scan
from ledger.models import Coin, Purse
from ledger.services import invoices, purses, wallets

SAT: Final = purses.SAT
GIFT: Final = 250_000  # sats to each
PURSE: Final = 100_000


def make(chains: Path, position: int) -> Coin:
    coin = Coin.objects.create(
        symbol=purses.SYMBOL, name="Test Lightning", decimals=purses.DECIMALS, confirmations=1, position=position,
        notice="A simulated coin: it has no value anywhere.",
    )  # fmt: skip
    options = {"chain_file": str(chains / "lnbtc.sqlite3"), "fee": SAT, "notify_url": ""}
    wallets.connect(coin=coin, name="Test Lightning node", kind="demo_ln", options=options)
    return coin


def fill(coin: Coin, alice: User, bob: User, manager: User) -> None:
    """Sats for everybody, a purse for each of two, and a first payment between them."""
    for person in (alice, bob):
        _give(coin, person, GIFT, "A gift of the test network")
    shop = purses.open_purse(user=alice, name="Web shop")
    house = purses.open_purse(user=manager, name="House")
    _give(coin, manager, PURSE, "A gift of the test network", house)
    _pay(coin, bob, shop, 2_100, "A cup of coffee")
    _pay(coin, bob, shop, 15_000, "Two tickets")


def _give(coin: Coin, person: User, sats: int, memo: str, purse: Purse | None = None) -> None:
    number = purse.account.number if purse else 0
    made = invoices.ask(user=person, coin=coin, amount=sats * SAT, key="demo", number=number, memo=memo)
    nodes.give_test_coins(made.address, sats * SAT)
    scan.scan(nodes.active_wallet(coin).wallet_id)


def _pay(coin: Coin, payer: User, purse: Purse, sats: int, memo: str) -> None:
    owner = purse.account.owner
    assert owner is not None
    made = invoices.ask(
        user=owner, coin=coin, amount=sats * SAT, key=f"demo {memo}", number=purse.account.number, memo=memo
    )
    proof = proofs.of_system(payer, "demo")
    invoices.pay(user=payer, coin=coin, bolt11=made.bolt11, proof=proof, key=f"demo {memo}")
