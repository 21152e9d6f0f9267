"""Coins on a simulated chain, and money on people's accounts, through the doors the site itself uses."""

from __future__ import annotations

import itertools
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import time_machine

from accounts import proof as proofs
from accounts.models import User
from adapters import registry
from adapters.demo import Demo
from adapters.demo_chain import DemoChain
from ledger import queries
from ledger.drains import chores, pay, scan
from ledger.models import Coin, CoinWallet, FeeRule, Limit, Operation
from ledger.services import addresses, sending, wallets
from tests.support.databases import run_root
from wallets_site.base.clock import now

BLOCK = 5
_keys = itertools.count(1)


def fresh_key() -> str:
    return f"key-{next(_keys)}"


def make_coin(
    symbol: str = "TST", decimals: int = 8, *, confirmations: int = 2, values: dict[str, Any] | None = None,
    **options: Any,
) -> Coin:  # fmt: skip
    """A coin whose node is a simulated chain in a file beside the test's ledger. values: of the coin; options: of its
    node."""
    said = {"name": f"{symbol.title()}coin", "confirmations": confirmations, "pool_size": 2, **(values or {})}
    coin = Coin.objects.create(symbol=symbol, decimals=decimals, **said)
    folder = Path(tempfile.mkdtemp(prefix="chain-", dir=run_root()))
    node_values = {
        "chain_file": str(folder / f"{symbol}.sqlite3"), "decimals": decimals, "block_seconds": BLOCK,
        "faucet_seconds": 0, "prefix": symbol.lower(), "fee": "10",
    }  # fmt: skip
    wallets.connect(coin=coin, name=f"{symbol} node", kind="demo", options={**node_values, **options})
    with time_machine.travel(now() - timedelta(days=1), tick=False):
        chain(coin).height()  # the chain is older than the test
    return coin


def use_of(coin: Coin) -> CoinWallet:
    return CoinWallet.objects.select_related("wallet", "coin").get(coin=coin, is_active=True)


def node(coin: Coin) -> Demo:
    return cast("Demo", registry.open(use_of(coin).wallet))


def chain(coin: Coin) -> DemoChain:
    return node(coin).chain


def switch(coin: Coin, **options: Any) -> None:
    """Turn switches of the simulated node, as a manager does."""
    wallet = use_of(coin).wallet
    wallets.configure(wallet=wallet, options={**wallet.read_options(), **options})


def scan_now(coin: Coin) -> bool:
    return scan.scan(use_of(coin).wallet_id)


def pay_now(coin: Coin) -> bool:
    return pay.pay(use_of(coin).wallet_id)


def chores_now(coin: Coin) -> None:
    scan_now(coin)
    chores.chores(use_of(coin).wallet_id)


def charge(coin: Coin, purpose: str, *, fixed: int = 0, ppm: int = 0) -> None:
    FeeRule.objects.create(coin=coin, purpose=purpose, fixed=fixed, ppm=ppm)


def bound(coin: Coin, purpose: str, **bounds: int) -> None:
    Limit.objects.create(coin=coin, purpose=purpose, **bounds)


def address_of(user: User, coin: Coin) -> str:
    held = queries.addresses(user, coin)
    return held[0].address if held else addresses.assign_address(user=user, coin=coin, key=fresh_key()).address


def blocks(count: int, clock: time_machine.Traveller) -> None:
    clock.shift(timedelta(seconds=count * BLOCK))


def fund(user: User, coin: Coin, amount: int) -> None:
    """A deposit from outside, made long enough ago to be confirmed, and credited now."""
    address = address_of(user, coin)
    ago = timedelta(seconds=(coin.confirmations + 2) * BLOCK)
    with time_machine.travel(now() - ago, tick=False):
        chain(coin).mint(address, amount)
    scan_now(coin)


def proof_of(user: User) -> proofs.Proof:
    return proofs.make(user, proofs.Factor.PASSWORD, where="127.0.0.1")


def send(user: User, coin: Coin, to: str, amount: int, *, key: str = "", comment: str = "") -> Operation:
    """Preview and request in one go."""
    quote = sending.preview_send(user=user, coin=coin, to=to, amount=amount)
    return sending.request_send(user=user, quote=quote, proof=proof_of(user), key=key or fresh_key(), comment=comment)


def books(coin: Coin) -> dict[str, int]:
    """Balances by kind of account; what is debited more than credited stands below zero. Always sums to zero."""
    totals = {kind: amount for kind, amount in queries.totals(coin).items() if amount}
    assert sum(totals.values()) == 0
    return totals


def balances(coin: Coin, *people: User) -> list[tuple[int, int]]:
    """(available, held) of each."""
    found = [queries.balance(person, coin) for person in people]
    return [(item.available, item.held) for item in found]
