"""Gateways that answer nonsense in the right form, and what the site makes of it: nothing moves that did not happen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.models import User
from ledger.models import Coin, Operation
from ledger.services import wallets
from tests.adapters.banano.world import EASY, GENESIS, GENESIS_ADDRESS, SEED, BananoWorld
from tests.adapters.forknote.forknote_world import ForknoteWorld
from tests.adapters.world import World
from tests.devnet.proxy import Answered, DaemonLine, Exchange, Proxy
from tests.support.databases import Database
from tests.support.money import address_of, balances, books, chores_now, pay_now, scan_now, send

Twist = Callable[[bytes], bytes]
HUGE = 10**40


def everywhere(change: Callable[[Any], Any]) -> Twist:
    """Applies `change` to each value, from the inside out; ids and versions of JSON-RPC are left alone."""

    def walk(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            value = {key: walk(one, key) for key, one in value.items()}
        elif isinstance(value, list):
            value = [walk(one) for one in value]
        return value if name in ("id", "jsonrpc") else change(value)

    return lambda body: json.dumps(walk(json.loads(body))).encode()


def is_digits(value: Any) -> bool:
    return isinstance(value, str) and value.isdecimal()


def is_amount(value: Any) -> bool:
    """Forknote's are numbers in units of 10**-8, Banano's are texts with 29 decimals."""
    number = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**6 and value != 4294967295
    return number or (is_digits(value) and len(value) > 25)


def other(value: Any) -> Any:
    """The same in the other form: numbers as texts, texts as numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return int(value) if is_digits(value) else value


def instead(made: Callable[[Any], Any]) -> Twist:
    return everywhere(lambda value: made(value) if is_amount(value) else value)


TWISTS: dict[str, Twist] = {
    "empty text for every list": everywhere(lambda value: "" if isinstance(value, list) else value),
    "empty text for every object inside": lambda body: json.dumps(
        {key: "" if isinstance(one, dict) else one for key, one in json.loads(body).items()}
    ).encode(),
    "numbers as texts and texts as numbers": everywhere(other),
    "contents as text": everywhere(lambda value: json.dumps(value) if isinstance(value, dict) else value),
    "amounts of 10^40": instead(lambda value: str(HUGE) if isinstance(value, str) else HUGE),
    # Numbers are left alone: on walletd's wire a minus is no nonsense but the direction.
    "negative amounts": instead(lambda value: f"-{value}" if isinstance(value, str) else value),
    "amounts with a point": instead(lambda value: f"{value}.5" if isinstance(value, str) else value + 0.5),
    "amounts in exponents": instead(lambda value: "1e30" if isinstance(value, str) else float(value)),
    "null everywhere": everywhere(lambda value: None if isinstance(value, list | dict) else value),
    "cut in the middle": lambda body: body[: len(body) // 2],
    "a web page": lambda body: b"<html><h1>502 Bad Gateway</h1>",
    "nothing": lambda body: b"",
    "a list": lambda body: b"[]",
    "the answer to another call": lambda body: body.replace(b'"id":', b'"id":9'),
}


class TwistedLine(DaemonLine):
    def __init__(self, port: int, twisted: Twisted) -> None:
        super().__init__(port)
        self._twisted = twisted

    def ask(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered:
        status, more, raw = super().ask(exchange, headers, body)
        return self._twisted.status or status, more, self._twisted.twist(raw)


class Twisted:
    """A coin whose node stands behind a proxy that twists its answers."""

    def __init__(self, name: str, world: World, kind: str, options: dict[str, Any], decimals: int) -> None:
        self.world, self.status = world, 0
        self.twist: Twist = straight
        port = urlsplit(options["url"]).port or 0
        self._proxy = Proxy(lambda: TwistedLine(port, self))
        self.coin = Coin.objects.create(
            symbol=name, name=name, decimals=decimals, confirmations=2, watch_confirmations=3, pool_size=2
        )
        wallets.connect(coin=self.coin, name=name, kind=kind, options={**options, "url": self._proxy.url})

    def close(self) -> None:
        self._proxy.close()

    def rounds(self) -> None:
        """What the worker does, over and over; the network goes on meanwhile."""
        for _ in range(3):
            scan_now(self.coin)
            pay_now(self.coin)
            chores_now(self.coin)
            self.world.mine(1)


def straight(body: bytes) -> bytes:
    return body


def _world(kind: str, folder: Path) -> tuple[World, str, dict[str, Any], int]:
    if kind != "banano":
        forknote = ForknoteWorld(kind, folder)
        return forknote, "forknote", {**forknote._settings, "url": f"http://127.0.0.1:{forknote.node.port}"}, 8
    banano = BananoWorld(folder)
    options = {
        "url": banano.node.url, "seed": SEED, "network_identifier": GENESIS, "representative": GENESIS_ADDRESS,
        "work_threshold": EASY, "min_peers": 0,
    }  # fmt: skip
    return banano, "banano", options, 29


@pytest.fixture(params=["snake", "camel", "banano"])
def node(request: pytest.FixtureRequest, site: Database, tmp_path: Path) -> Iterator[Twisted]:
    world, kind, options, decimals = _world(request.param, tmp_path)
    made = Twisted("COIN", world, kind, options, decimals)
    try:
        yield made
    finally:
        made.close()
        world.close()  # type: ignore[attr-defined]


def test_a_deposit_and_a_payment_come_right_after_every_kind_of_nonsense(node: Twisted, alice: User):
    """Never a unit more than was paid in, never a payment twice, and all of it once the node speaks sense again."""
    coin, unit = node.coin, node.world.coin
    node.world.fund(address_of(alice, coin), 5 * unit)
    for what, twist in TWISTS.items():
        node.twist, node.status = twist, 500 if what == "a web page" else 0
        node.rounds()
        assert balances(coin, alice)[0][0] in (0, 5 * unit), what
        assert sum(balances(coin, alice)[0]) in (0, 5 * unit), what
    node.twist, node.status = straight, 0
    node.rounds()
    assert balances(coin, alice) == [(5 * unit, 0)]

    outside = node.world.outside_address()
    operation = send(alice, coin, outside, 2 * unit)
    for what, twist in TWISTS.items():
        node.twist, node.status = twist, 500 if what == "a web page" else 0
        node.rounds()
        assert sum(node.world.arrived(outside)) in (0, 2 * unit), what
        assert balances(coin, alice)[0] in ((3 * unit, 2 * unit), (3 * unit, 0)), what
    node.twist, node.status = straight, 0
    for _ in range(4):
        node.rounds()
    operation.refresh_from_db()

    assert operation.status == Operation.Status.DONE, operation.reason
    assert node.world.arrived(outside) == [2 * unit]
    assert balances(coin, alice) == [(3 * unit, 0)]
    assert books(coin)["user"] == 3 * unit
