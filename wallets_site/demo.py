"""The demonstration site: people, simulated coins and a little history, all made through the services.

Everything lives in one data directory, marked as a demonstration's by a file with its logins.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from accounts import proof as proofs
from accounts.capabilities import Team
from accounts.models import User
from accounts.services import create_person
from adapters.demo import encode_address
from ledger import nodes, queries
from ledger.drains import chores, scan
from ledger.models import Coin, CoinWallet, FeeRule, Limit, Purpose
from ledger.money import parse
from ledger.services import addresses, faucet, rates, sending, wallets
from wallets_site import demo_lightning
from wallets_site.base.clock import now

PEOPLE: Final = ("alice", "bob", "manager")
BLOCK_SECONDS: Final = 5
SEED_SECONDS: Final = 60


@dataclass(frozen=True)
class SimulatedCoin:
    """Amounts are text in whole coins."""

    symbol: str
    name: str
    decimals: int
    gift: str
    network_fee: str
    move_fee: str
    withdrawal_fee: str
    least: str
    most: str
    daily: str


COINS: Final = (
    SimulatedCoin("TLTC", "Test Litecoin", 8, "2.5", "0.0001", "0.001", "0.002", "0.01", "100", "250"),
    SimulatedCoin("TXMR", "Test Monero", 12, "1.25", "0.00003", "0", "0.0005", "0.001", "50", "100"),
    SimulatedCoin("TBAN", "Test Banano", 29, "1900.19", "0", "0.019", "0", "0.01", "100000", "1000000"),
)


RATES: Final = {
    "TLTC": {"EUR": ("84.10", "85.36"), "USD": ("91.66", "93.04")},
    "TXMR": {"EUR": ("152.40", "149.87"), "USD": ("166.11", "163.36")},
    "TBAN": {"EUR": ("0.00402", "0.00411"), "USD": ("0.00438", "0.00448")},
    "LNBTC": {"EUR": ("57920", "58310"), "USD": ("63130", "63560")},
}


class NotADemo(Exception):
    """The data directory belongs to something else. The text says what to do."""


class Demo:
    def __init__(self, folder: Path, fill: Callable[[dict[str, str], Path], None] | None = None) -> None:
        """fill: makes people and coins from (passwords by e-mail, folder); simulated coins unless told otherwise."""
        self.folder = folder
        self.fill = fill or seed
        self.marker = folder / "demo.json"

    def open(self) -> dict[str, str]:
        """Everybody's password by e-mail; seeds a new or half-made directory first. Raises NotADemo."""
        if any(self.folder.glob("*.sqlite3")) and not self.marker.exists():
            raise NotADemo(f"{self.folder} holds a site that is no demonstration. Choose another WALLETS_DATA_DIR.")
        found = json.loads(self.marker.read_text()) if self.marker.exists() else {}
        if not found.get("ready"):
            found = self._make()
        call_command("setup", verbosity=0)
        _tell_nodes_where_we_are()
        set_rates()
        return dict(found["logins"])

    def _make(self) -> dict[str, object]:
        logins = {f"{name}@example.com": secrets.token_urlsafe(9) for name in PEOPLE}
        self._remember({"ready": False, "logins": logins})
        connections.close_all()
        for path in [*self.folder.glob("*.sqlite3*"), *self.folder.glob("chains/*")]:
            path.unlink()
        call_command("setup", verbosity=0)
        self.fill(logins, self.folder)
        made: dict[str, object] = {"ready": True, "logins": logins}
        self._remember(made)
        return made

    def _remember(self, values: dict[str, object]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.marker.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(values))
        draft.replace(self.marker)


def seed(logins: dict[str, str], folder: Path) -> None:
    alice, bob, manager = make_people(logins)
    coins = [_make_coin(plan, folder / "chains", position) for position, plan in enumerate(COINS, 1)]
    lightning = demo_lightning.make(folder / "chains", len(COINS) + 1)
    _tell_nodes_where_we_are()
    demo_lightning.fill(lightning, alice, bob, manager)
    for plan, coin in zip(COINS, coins, strict=True):
        _give(coin, alice, plan.gift)
        _give(coin, bob, plan.gift)
    _wait_for_deposits(coins, [alice, bob])
    for plan, coin in zip(COINS, coins, strict=True):
        _write_history(plan, coin, alice, bob)
        _set_pace(coin, BLOCK_SECONDS)


def make_people(logins: dict[str, str]) -> list[User]:
    return [_make_person(email, password) for email, password in logins.items()]


def _make_person(email: str, password: str) -> User:
    name = email.partition("@")[0]
    is_manager = name == "manager"
    teams = tuple(Team) if is_manager else (Team.HOLDERS,)
    return create_person(email=email, password=password, username=name, teams=teams, proven=True, manager=is_manager)


def _make_coin(plan: SimulatedCoin, chains: Path, position: int) -> Coin:
    def units(text: str) -> int:
        return parse(text, plan.decimals)

    coin = Coin.objects.create(
        symbol=plan.symbol, name=plan.name, decimals=plan.decimals, confirmations=2, pool_size=5, position=position,
        notice="A simulated coin: it has no value anywhere.",
    )  # fmt: skip
    FeeRule.objects.create(coin=coin, purpose=Purpose.MOVE, fixed=units(plan.move_fee))
    FeeRule.objects.create(coin=coin, purpose=Purpose.WITHDRAWAL, fixed=units(plan.withdrawal_fee), ppm=1000)
    for purpose in Purpose:
        bounds = {"minimum": units(plan.least), "maximum": units(plan.most), "daily": units(plan.daily)}
        Limit.objects.create(coin=coin, purpose=purpose, **bounds)
    options = {
        "chain_file": str(chains / f"{plan.symbol.lower()}.sqlite3"),
        "decimals": plan.decimals,
        "block_seconds": 1,  # while seeding; then BLOCK_SECONDS
        "faucet_seconds": 0,  # addresses are made ahead of their owners: a gift would be nobody's
        "fee": str(units(plan.network_fee)),
        "prefix": plan.symbol.lower(),
        "network": "simulated",
        "notify_url": _notify_url(coin),
    }
    use = wallets.connect(coin=coin, name=f"{plan.name} node", kind="demo", options=options)
    chores.fill_pool(use)
    return coin


def _use_of(coin: Coin) -> CoinWallet:
    return CoinWallet.objects.select_related("wallet").get(coin=coin, is_active=True)


def _set_pace(coin: Coin, seconds: int) -> None:
    wallet = _use_of(coin).wallet
    wallets.configure(wallet=wallet, options={**wallet.read_options(), "block_seconds": seconds})


def _notify_url(coin: Coin) -> str:
    return f"{settings.SITE_URL}/wallets/notify/{coin.symbol}/{{kind}}"


def _tell_nodes_where_we_are() -> None:
    """A node calls the site when a payment comes in, and the port may be another one this time."""
    for coin in Coin.objects.all():
        wallet, url = _use_of(coin).wallet, _notify_url(coin)
        options = wallet.read_options()
        if options.get("notify_url", url) != url:
            wallets.configure(wallet=wallet, options={**options, "notify_url": url})


def _give(coin: Coin, person: User, amount: str) -> None:
    address = addresses.assign_address(user=person, coin=coin, key="demo", label="First address")
    nodes.give_test_coins(address, parse(amount, coin.decimals))


def _wait_for_deposits(coins: list[Coin], people: list[User]) -> None:
    deadline = time.monotonic() + SEED_SECONDS
    while any(queries.balance(person, coin).available == 0 for person in people for coin in coins):
        if time.monotonic() > deadline:
            raise TimeoutError("the simulated chain made no blocks")
        time.sleep(0.2)
        for coin in coins:
            scan.scan(_use_of(coin).wallet_id)


def _write_history(plan: SimulatedCoin, coin: Coin, alice: User, bob: User) -> None:
    gift = parse(plan.gift, plan.decimals)
    _send(alice, coin, "bob", gift // 5, "Lunch on Friday")
    _send(bob, coin, "alice", gift // 10, "Half of the taxi")
    _send(alice, coin, "bob", gift // 25, "Concert ticket")
    outside = encode_address(plan.symbol.lower(), secrets.token_bytes(20))
    _send(bob, coin, outside, gift // 4, "To my own wallet")


def _send(user: User, coin: Coin, to: str, amount: int, comment: str) -> None:
    quote = sending.preview_send(user=user, coin=coin, to=to, amount=amount)
    proof = proofs.make(user, proofs.Factor.SYSTEM, where="demo")
    key = f"demo-{coin.symbol}-{comment}"
    sending.request_send(user=user, quote=quote, proof=proof, key=key, comment=comment)


def set_rates() -> None:
    """Made-up rates as of now and of yesterday, in cents a coin: nothing here is worth anything."""
    for symbol, currencies in RATES.items():
        for coin in Coin.objects.filter(symbol=symbol):
            for currency, (before, after) in currencies.items():
                for price, at in ((before, now() - timedelta(hours=24)), (after, now())):
                    rates.set_rate(
                        coin=coin, currency=currency, price=rates.parse_price(price), source="demonstration", at=at
                    )


def welcome(email: str) -> None:
    """One more deposit on its way at each start, so that there is something to watch."""
    alice = User.objects.get(email=email)
    number = secrets.randbelow(len(COINS))
    coin = Coin.objects.get(symbol=COINS[number].symbol)
    faucet.send_test_coins(user=alice, coin=coin, key=f"demo-{os.getpid()}-{time.time_ns()}")
