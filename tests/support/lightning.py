"""A coin of invoices on a simulated Lightning network, with a wallet outside that pays and is paid."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from accounts.models import User
from adapters import registry
from adapters.base import AddressRequest, Feature
from adapters.codecs import bolt11
from adapters.demo_invoice import DemoInvoice
from ledger import posting
from ledger.models import Coin, Invoice, Kind, Operation
from ledger.services import invoices, wallets
from tests.support.databases import run_root
from tests.support.money import fresh_key, proof_of, scan_now, use_of
from wallets_site.base.clock import now

COIN = 1_000_000  # millisatoshi
ROUTE = 100  # what each payment to the outside costs
SOMEBODY = hashlib.sha256(b"somebody else's node").digest()


def lightning_coin(**options: Any) -> Coin:
    made = Coin.objects.create(symbol="LNBTC", name="Lightning", decimals=11, confirmations=1, pool_size=2)
    file = Path(tempfile.mkdtemp(prefix="chain-", dir=run_root())) / "LNBTC.sqlite3"
    values = {"chain_file": str(file), "fee": ROUTE, **options}
    wallets.connect(coin=made, name="LNBTC node", kind="demo_ln", options=values)
    assert Feature.INVOICE in node(made).features
    return made


def node(coin: Coin) -> DemoInvoice:
    return cast("DemoInvoice", registry.open(use_of(coin).wallet))


def outside(coin: Coin, amount: int, memo: str = "") -> str:
    """An invoice of somebody who is no member."""
    other = DemoInvoice(replace(node(coin).options, wallet="elsewhere"))
    return other.new_address(AddressRequest(1, amount=amount, memo=memo)).address


def signed_anew(invoice: Invoice, amount: int) -> str:
    """Another invoice over the hash of this one, by somebody else's node."""
    return bolt11.encode(
        SOMEBODY, currency="bcrt", amount=amount, timestamp=int(now().timestamp()),
        payment_hash=bytes.fromhex(invoice.payment_hash), secret=bytes(32), description="more for me",
    )  # fmt: skip


def ask(user: User, coin: Coin, amount: int, **more: Any) -> Invoice:
    return invoices.ask(user=user, coin=coin, amount=amount, **{"key": fresh_key(), **more})


def pay_in(coin: Coin, invoice: Invoice) -> None:
    """Somebody outside pays it; the site has not looked yet."""
    node(coin).faucet(invoice.bolt11, invoice.amount)


def fill(user: User, coin: Coin, amount: int, *, number: int = 0) -> None:
    pay_in(coin, ask(user, coin, amount, number=number))
    assert scan_now(coin)


def pay(user: User, coin: Coin, bolt11_text: str, **more: Any) -> Operation:
    values = {"key": fresh_key(), "proof": proof_of(user), **more}
    return invoices.pay(user=user, coin=coin, bolt11=bolt11_text, **values)


def stands(user: User, coin: Coin, number: int = 0) -> tuple[int, int]:
    """(available, held) of one of this person's accounts."""
    free, held = (posting.account(coin, kind, owner_id=user.pk, number=number) for kind in (Kind.USER, Kind.HELD))
    return free.balance, held.balance
