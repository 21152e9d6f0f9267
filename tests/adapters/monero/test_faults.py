"""Real daemons, killed and restarted under the adapter; payments are counted in the payee's wallet."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from adapters.base import (
    Absent,
    AddressRequest,
    Confirmed,
    NodeDown,
    NotEnoughFunds,
    Payment,
    Prepared,
    SendResult,
    Sent,
    Tried,
    Unclear,
)
from adapters.monero import Monero as Adapter
from adapters.monero import MoneroOptions
from adapters.monero.payments import Blob
from tests.devnet.monero import Monero
from tests.devnet.processes import free_port
from tests.devnet.rpc import HOST, CallError
from tests.support.processes import wait_for

XMR = 10**12
LOCK = 10
MOST_LIVES = 150
RESTART_SECONDS = 60


@pytest.fixture
def wallet(monero: Monero, request: pytest.FixtureRequest) -> Iterator[str]:
    """A hot wallet of this test's own, open in the site's monero-wallet-rpc."""
    name = f"faults-{request.node.name}".replace("[", "-").rstrip("]")
    monero.open("site", name)
    monero.site("store")
    yield name
    monero.node("flush_txpool")
    monero.mine(LOCK)


@pytest.fixture
def adapter(monero: Monero, wallet: str) -> Iterator[Adapter]:
    made = new_adapter(monero)
    yield made
    made.close()


def new_adapter(monero: Monero, **options: object) -> Adapter:
    return Adapter(MoneroOptions(**monero.options(**options)))


def fill(monero: Monero, adapter: Adapter, coins: list[int]) -> None:
    address = adapter.new_address(AddressRequest(number=1)).address
    for amount in coins:
        monero.pay({address: amount})
    monero.mine(LOCK)


def outside_address(monero: Monero) -> str:
    return str(monero.outside("create_address", account_index=0)["address"])


# -- addresses --


def test_without_store_a_killed_wallet_gives_an_address_twice(monero: Monero, wallet: str):
    """The danger itself: this is why the adapter calls `store` after each address."""
    alice = monero.site("create_address", account_index=0)["address"]
    monero.restart_wallet("site", wallet=wallet)

    assert monero.site("create_address", account_index=0)["address"] == alice


def test_a_killed_wallet_never_gives_an_address_twice(monero: Monero, wallet: str):
    given = []
    for number in range(1, 7):
        adapter = new_adapter(monero)
        given.append(adapter.new_address(AddressRequest(number=number)))
        adapter.close()
        if number % 2:
            monero.restart_wallet("site", wallet=wallet)

    assert len({one.address for one in given}) == 6
    assert [one.ref for one in given] == ["1", "2", "3", "4", "5", "6"]


# -- logins --


def test_eight_threads_with_a_session_each_never_lose_their_login(monero: Monero, wallet: str):
    healths: list[bool] = []

    def ask() -> None:
        adapter = new_adapter(monero)
        healths.extend(adapter.health().ok for _ in range(10))
        adapter.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert healths == [True] * 80


def test_a_wallet_without_login_is_used_without_one(monero: Monero, wallet: str):
    monero.restart_wallet("site", wallet=wallet, login=False)
    try:
        adapter = new_adapter(monero, user="", password="")
        assert adapter.health().ok
        assert adapter.new_address(AddressRequest(number=1)).ref == "1"
        adapter.close()
    finally:
        monero.restart_wallet("site", wallet=wallet)


def test_a_wrong_password_is_said_in_words(monero: Monero, wallet: str):
    adapter = new_adapter(monero, password="wrong")

    assert "HTTP 401" in adapter.health().reason
    with pytest.raises(NodeDown, match="HTTP 401"):
        adapter.new_address(AddressRequest(number=1))
    adapter.close()


def test_a_restricted_wallet_is_said_in_words(monero: Monero, wallet: str):
    monero.restart_wallet("site", "restricted-rpc=1", wallet=wallet)
    try:
        adapter = new_adapter(monero)
        with pytest.raises(NodeDown, match="--restricted-rpc"):
            adapter.transfers("", (), 10)
        with pytest.raises(NodeDown, match="--restricted-rpc"):
            adapter.new_address(AddressRequest(number=1))
        adapter.close()
    finally:
        monero.restart_wallet("site", wallet=wallet)


# -- payments --


def refreshed(monero: Monero) -> bool:
    try:
        monero.site("refresh")
    except CallError:
        return False
    return True


def test_a_restricted_port_of_the_daemon_is_enough(monero: Monero, wallet: str):
    port = free_port()
    monero.stop_node()
    monero.start_node([f"rpc-restricted-bind-port={port}"])
    adapter = new_adapter(monero, daemon_url=f"http://{HOST}:{port}")
    try:
        wait_for("the wallet to find its daemon again", lambda: refreshed(monero))
        fill(monero, adapter, [2 * XMR])
        address = outside_address(monero)
        prepared = adapter.prepare([Payment("w1", address, XMR)], [])
        before = adapter.lookup(Tried(prepared))
        sent = adapter.broadcast(prepared)
        monero.mine(1)

        assert adapter.health().ok
        assert before == Absent()
        assert sent == Sent(prepared.id, prepared.fee)
        assert adapter.lookup(Tried(prepared, attempts=1)) == Confirmed(1, prepared.id, prepared.fee)
        assert monero.received(address) == [XMR]
    finally:
        adapter.close()
        monero.stop_node()
        monero.start_node()


def test_a_wallet_that_forgot_its_own_payment_does_not_spend_its_coins_again(
    monero: Monero, wallet: str, adapter: Adapter
):
    fill(monero, adapter, [2 * XMR, 2 * XMR])
    first = adapter.prepare([Payment("w1", outside_address(monero), XMR)], [])
    monero.site("store")
    monero.site("relay_tx", hex=Blob.read(first).metadata)
    monero.restart_wallet("site", wallet=wallet)
    adapter.health()  # the first call after a restart may meet a closed connection
    tried = Tried(first, attempts=1, outcome="unclear")

    second = adapter.prepare([Payment("w2", outside_address(monero), XMR)], [tried])

    assert not set(Blob.read(first).key_images) & set(Blob.read(second).key_images)
    assert adapter.broadcast(second) == Sent(second.id, second.fee)
    monero.mine(1)
    for one in (first, second):
        assert adapter.lookup(Tried(one, attempts=1)) == Confirmed(1, one.id, one.fee)


def test_coins_that_are_spent_already_are_noticed_before_anything_is_recorded(
    monero: Monero, wallet: str, adapter: Adapter
):
    fill(monero, adapter, [2 * XMR])
    first = adapter.prepare([Payment("w1", outside_address(monero), XMR)], [])
    monero.site("store")
    monero.site("relay_tx", hex=Blob.read(first).metadata)
    monero.restart_wallet("site", wallet=wallet)
    adapter.health()

    with pytest.raises(NodeDown, match="spent already"):
        adapter.prepare([Payment("w2", outside_address(monero), XMR)], [])


def test_a_payment_prepared_before_both_programs_died_is_sent_after(monero: Monero, wallet: str, adapter: Adapter):
    fill(monero, adapter, [2 * XMR])
    address = outside_address(monero)
    prepared = adapter.prepare([Payment("w1", address, XMR)], [])
    monero.kill_wallet("site")
    monero.stop_node()
    tried = Tried(prepared)

    assert not adapter.health().ok
    assert isinstance(adapter.broadcast(prepared), Unclear)
    monero.start_node()
    monero.start_wallet("site", wallet=wallet)
    adapter.health()
    # A daemon that has just begun may refuse for a moment: unclear, proven absent, sent again.
    deadline = time.monotonic() + RESTART_SECONDS
    result: SendResult = Unclear("not tried")
    while isinstance(result, Unclear) and time.monotonic() < deadline:
        assert adapter.lookup(tried) == Absent()
        result = adapter.broadcast(prepared)
    assert result == Sent(prepared.id, prepared.fee)
    monero.mine(1)
    assert monero.received(address) == [XMR]


# -- exactly once --


class Died(Exception):
    """As by kill -9: only the journal is left."""


@dataclass
class Row:
    """A dispatch as a database keeps it."""

    prepared: Prepared
    attempts: int = 0
    outcome: str = ""
    confirmations: int = 0

    def tried(self) -> Tried:
        return Tried(self.prepared, attempts=self.attempts, outcome=self.outcome)  # type: ignore[arg-type]


@dataclass
class Payer:
    """The road of a payout with a chance to die after each step. waiting and rows are what a database would hold."""

    chance: random.Random
    waiting: list[Payment]
    rows: list[Row] = field(default_factory=list)
    deaths: int = 0

    def step(self) -> None:
        if self.chance.random() < 0.35:
            self.deaths += 1
            raise Died

    def live(self) -> list[Row]:
        return [row for row in self.rows if row.confirmations < 2]

    def work(self, adapter: Adapter) -> None:
        for row in self.live():
            self.follow(adapter, row)
        while self.waiting:
            batch = self.waiting[:3]
            prepared = adapter.prepare(batch, [row.tried() for row in self.live()])
            self.step()
            row = Row(prepared)
            self.rows.append(row)
            del self.waiting[: len(batch)]
            self.step()
            self.follow(adapter, row)

    def follow(self, adapter: Adapter, row: Row) -> None:
        found = adapter.lookup(row.tried())
        if isinstance(found, Absent):
            self.step()
            row.attempts, row.outcome = row.attempts + 1, ""
            self.step()
            result: SendResult = adapter.broadcast(row.prepared)
            self.step()
            row.outcome = {"Sent": "sent", "Refused": "refused", "Unclear": "unclear"}[type(result).__name__]
            self.step()
        row.confirmations = found.confirmations if isinstance(found, Confirmed) else 0


@pytest.mark.parametrize("seed", [7, 8])
def test_each_payment_arrives_exactly_once_though_everything_dies(monero: Monero, wallet: str, seed: int):
    chance = random.Random(seed)
    adapter = new_adapter(monero)
    fill(monero, adapter, [3 * XMR, 3 * XMR, 3 * XMR])
    addresses = [outside_address(monero) for _ in range(8)]
    payments = [Payment(f"w{n}", address, XMR // 10 * (n + 1)) for n, address in enumerate(addresses)]
    payer = Payer(chance, list(payments))

    for _ in range(MOST_LIVES):
        try:
            payer.work(adapter)
        except Died:
            adapter.close()
            adapter = new_adapter(monero)
            if chance.random() < 0.2:
                monero.restart_wallet("site", wallet=wallet)
        except NotEnoughFunds:
            monero.mine(LOCK)
        except NodeDown:
            adapter.health()
        if chance.random() < 0.4:
            monero.mine(1)
        if chance.random() < 0.1:
            monero.reorg(1, drop=chance.random() < 0.5)
        if not payer.waiting and not payer.live():
            break
    adapter.close()

    assert payer.deaths >= 5
    assert payer.waiting == []
    assert [monero.received(one.address) for one in payments] == [[one.amount] for one in payments]
