"""The recordings of the real plugin, played to this site. A difference passes only by the number of its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import override_settings

from accounts.models import User
from adapters.demo import encode_address
from ledger import queries
from ledger.models import Coin, Limit, Operation
from ledger.services import addresses, lifecycle
from tests.api3.conftest import change
from tests.api3.replay import RECORDINGS, Difference, Recorded, Replay, load
from tests.support.factories import make_manager, make_user
from tests.support.money import address_of, blocks, bound, chain, charge, make_coin, scan_now, send
from wallets_site.base.clock import now

CAPS = (
    "has_wallets", "list_wallet_transactions", "send_funds_to_user", "withdraw_funds_from_wallet",
    "generate_wallet_address",
)  # fmt: skip
OUTSIDE = "rltc1q6a5ertm65srd7hchcasl46s4vw65vkfw6pxnsr"
FILES = sorted(path.name for path in RECORDINGS.glob("*.jsonl"))
Allowed = Callable[[Recorded, Difference], bool]

# Numbers: docs/api-v3.md, "Differences".
DIFFERENCES: dict[str, Allowed] = {
    "D2 a user's number is a recipient": lambda one, what: (
        (one.values.get("__wallets_move_toaccount", "").isdigit() and '"success"' not in one.answer)
        or (what.at == "/transactions length" and "list bob" in one.name and what.ours == what.theirs + 1)
    ),
    "D3 a key is compared with its letter case": lambda one, what: "Bearer D" in one.headers.get("Authorization", ""),
    "D4 a bad key beside a good cookie is refused": lambda one, what: (
        bool(one.cookie) and one.values.get("__wallets_api_key", "").strip("0") == "" and "api_key" in one.path
    ),
    "D6 get_transactions is kept by no cache": lambda one, what: (
        what.at == "Cache-Control" and one.action == "get_transactions" and what.ours == "private, no-store"
    ),
    "D8 notify tells nothing about the node": lambda one, what: (
        one.action == "notify" and "failed with status" in one.answer
    ),
    "D9 an unknown version is an error of the API": lambda one, what: one.values.get("__wallets_apiversion") == "4",
    "D12 an amount is plain digits": lambda one, what: "1e400" in one.path and what.at == "/message",
    "D13 an address is checked when it is asked for": lambda one, what: (
        "notanaddress" in one.path or (isinstance(what.theirs, dict) and what.theirs.get("address") == "notanaddress")
    ),
}


@pytest.fixture
def clock(site) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(now(), tick=False) as traveller, override_settings(WALLETS_API3_AMOUNT_INCLUDES_FEE=True):
        yield traveller


class World:
    """The recorder's site: two coins, six people, the plugin's defaults."""

    def __init__(self, clock: time_machine.Traveller) -> None:
        self.clock = clock
        self.admin = make_manager("admin")
        names = {"alice": True, "bob": True, "carol": False, "dave": False}
        self.people = {name: make_user(name, groups=()) for name in names}
        for name, capable in names.items():
            allow(self.people[name], CAPS if capable else ())
        allow(self.people["alice"], ("access_wallets_api",))
        allow(self.people["dave"], ("has_wallets",))
        self.people["admin"] = self.admin
        self.alice, self.bob = self.people["alice"], self.people["bob"]
        self.btc = self._coin("BTC", "Bitcoin", "฿%01.8f", "https://blockchain.info/{}/", "", True)
        self.ltc = self._coin("LTC", "Litecoin", "", "https://chainz.cryptoid.info/ltc/{}.dws?", ".htm", False)
        change(confirm_withdraw_admin=True)

    def _coin(self, symbol: str, name: str, pattern: str, explorer: str, end: str, crypto: bool) -> Coin:
        coin = make_coin(symbol, confirmations=6)
        Coin.objects.filter(pk=coin.pk).update(
            name=name, pattern=pattern, is_crypto=crypto,
            explorer_address=explorer.format("address") + "{address}" + end,
            explorer_tx=explorer.format("tx") + "{txid}" + end,
        )  # fmt: skip
        charge(coin, "move", fixed=100)
        charge(coin, "withdrawal", fixed=100_000)
        bound(coin, "withdrawal", minimum=1_000_000)
        coin.refresh_from_db()
        return coin

    def pay_in(self, coin: Coin, amount: int, address: str = "") -> None:
        chain(coin).mint(address or address_of(self.alice, coin), amount)
        scan_now(coin)

    def mine(self, count: int) -> None:
        blocks(count, self.clock)
        for coin in (self.btc, self.ltc):
            scan_now(coin)

    def second_address(self) -> str:
        return addresses.assign_address(user=self.alice, coin=self.btc, key="second").address

    def had_before(self) -> None:
        """What the recordings before 03 had left on alice's account: 10 + 1.5 + 0.25."""
        first = address_of(self.alice, self.btc)
        self.pay_in(self.btc, 10 * 10**8, first)
        self.clock.shift(timedelta(seconds=1))
        self.pay_in(self.btc, 150_000_000, first)
        self.pay_in(self.btc, 25_000_000, self.second_address())
        self.mine(6)


def allow(user: User, names: tuple[str, ...]) -> None:
    from django.contrib.auth.models import Permission

    user.user_permissions.add(*Permission.objects.filter(codename__in=names, content_type__app_label="accounts"))


def stages(name: str, world: World) -> dict[str, Callable[[], None]]:
    if name.startswith("02"):
        return {
            "transactions: deposit 0-conf": lambda: world.pay_in(world.btc, 10 * 10**8),
            "transactions: deposit done": lambda: world.mine(6),
            "do_cron after 6 conf": lambda: second_payment(world),
        }
    if name.startswith("03"):
        return {"move anon": world.had_before}
    if name.startswith("04"):
        return {
            "withdraw anon": lambda: before_withdrawals(world),
            "withdraw amount <= fee (min lowered)": lambda: lower_minimum(world),
            "cron a": lambda: manager_confirms(world),
            "cron after 1 block": lambda: world.mine(1),
            "cron after 7 blocks": lambda: world.mine(6),
        }
    return {}


def second_payment(world: World) -> None:
    newest, first = (row.address for row in queries.addresses(world.alice, world.btc))
    world.pay_in(world.btc, 150_000_000, first)
    world.pay_in(world.btc, 25_000_000, newest)
    world.pay_in(world.ltc, 300_000_001)
    blocks(6, world.clock)


def before_withdrawals(world: World) -> None:
    change(confirm_move_user=False, confirm_move_admin=False)
    world.pay_in(world.btc, 593_208_642 + 4_000_000)
    world.pay_in(world.ltc, 10 * 10**8)
    world.mine(6)
    send(world.alice, world.btc, "bob", 3_999_900)
    world.clock.shift(timedelta(seconds=40))
    change(confirm_move_user=True)


def lower_minimum(world: World) -> None:
    Limit.objects.filter(coin=world.btc).update(minimum=0)


def manager_confirms(world: World) -> None:
    """The manager's yes to the withdrawal; and the move, which the recorder let go by hand in the database."""
    waiting = Operation.objects.filter(status="unconfirmed", incoming=False)
    for row in waiting.filter(kind="withdraw", user_confirm=True):
        lifecycle.approve(user=world.admin, operation_id=row.pk)
    for row in waiting.filter(kind="move"):
        Operation.objects.filter(pk=row.pk).update(needs_user_confirm=False)
        with transaction.atomic():
            lifecycle._advance(lifecycle._locked(row.pk))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.both_databases
def test_this_site_answers_as_the_plugin_did(clock, name):
    world = World(clock)
    records = load(name)
    replay = Replay(world.people, stages(name, world))
    replay.known |= {OUTSIDE: encode_address("btc", b"\x07" * 20), "example.test": "example.com"}
    replay.stage["withdraw API key Bearer no nonce"] = lambda: replay.known.update(
        {OUTSIDE: encode_address("ltc", b"\x07" * 20)}
    )
    replay.learn_keys([one for each in FILES for one in load(each)])
    if name.startswith("04"):
        own = address_of(world.alice, world.btc)
        replay.known["rltc1q55wj83a0g3qmruhpj36xywy3u9wj6mq5a7p75k"] = own
        replay.known["rltc1q9lesehlmr3afzrf3y6dlhw0g6ycvcz8qcgk7qh"] = address_of(world.bob, world.btc)
    replay.learn_nonces(records)
    unexplained = []
    for one in records:
        for what in replay.play(one):
            if not any(allowed(one, what) for allowed in DIFFERENCES.values()):
                unexplained.append((one.name, what.at, what.theirs, what.ours))
    assert unexplained == [], "\n".join(map(str, unexplained))
