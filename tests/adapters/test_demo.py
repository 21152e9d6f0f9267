"""The simulated coin beyond the contract: its switches, its clock, its faucet, several processes."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured

from adapters import registry
from adapters.base import (
    Absent,
    AddressRequest,
    Confirmed,
    Dead,
    NodeDown,
    NodeRefused,
    NotEnoughFunds,
    Payment,
    Pending,
    Refused,
    Sent,
    Tried,
    Unclear,
    Watched,
)
from adapters.demo import Demo, DemoOptions, encode_address

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
OUTSIDE = encode_address("demo", bytes(20))
COIN = 100_000_000


@pytest.fixture
def travel() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def chain_file(tmp_path: Path) -> str:
    return str(tmp_path / "made" / "chain.sqlite3")


def demo(chain_file: str, **options: Any) -> Demo:
    return Demo(DemoOptions(chain_file=chain_file, **options))


def rich(chain_file: str, travel: time_machine.Traveller, **options: Any) -> Demo:
    """A node whose wallet holds five coins, confirmed."""
    adapter = demo(chain_file, faucet_seconds=0, **options)
    address = adapter.new_address(AddressRequest(number=1)).address
    adapter.faucet(address, 5 * COIN)
    travel.shift(timedelta(seconds=60))
    return adapter


def test_it_is_registered():
    adapter = registry.build("demo", {"chain_file": "unused"})

    assert isinstance(adapter, Demo)


def test_an_address_in_use_gets_its_gift_once_after_some_seconds(chain_file: str, travel: time_machine.Traveller):
    adapter = demo(chain_file, faucet_seconds=4, block_seconds=5, faucet_amount="250000000")
    address = adapter.new_address(AddressRequest(number=1)).address
    adapter.new_address(AddressRequest(number=2))  # in nobody's hands: no gift
    held = (Watched(address),)
    adapter.transfers("", held, 3)

    travel.shift(timedelta(seconds=3))
    early = adapter.transfers("", held, 3).transfers
    travel.shift(timedelta(seconds=1))
    (gift,) = adapter.transfers("", held, 3).transfers
    travel.shift(timedelta(seconds=6))
    (later,) = adapter.transfers("", held, 3).transfers

    assert early == ()
    assert (gift.incoming, gift.address, gift.amount, gift.confirmations) == (True, address, 250_000_000, 0)
    assert (later.txid, later.confirmations) == (gift.txid, 2)


def test_the_same_number_is_the_same_address_with_one_gift(chain_file: str, travel: time_machine.Traveller):
    adapter = demo(chain_file)
    made = {adapter.new_address(AddressRequest(number=7)).address for _ in range(3)}
    held = [Watched(address) for address in made]
    adapter.transfers("", held, 3)
    travel.shift(timedelta(seconds=10))

    assert len(made) == 1
    assert len(adapter.transfers("", held, 3).transfers) == 1


def test_two_chains_hand_out_different_addresses(tmp_path: Path, travel: time_machine.Traveller):
    made = {demo(str(tmp_path / name)).new_address(AddressRequest(number=1)).address for name in "ab"}

    assert len(made) == 2


def test_a_payment_to_ourselves_shows_both_sides(chain_file: str, travel: time_machine.Traveller):
    adapter = rich(chain_file, travel)
    own = adapter.new_address(AddressRequest(number=2)).address
    prepared = adapter.prepare([Payment("w1", own, COIN)], [])
    adapter.broadcast(prepared)

    assert [one.incoming for one in adapter.transfer(prepared.id)] == [False, True]
    assert adapter.funds(()).total == 5 * COIN - prepared.fee


def test_coins_promised_to_an_unsent_payment_cannot_be_promised_again(chain_file: str, travel: time_machine.Traveller):
    adapter = rich(chain_file, travel)
    first = adapter.prepare([Payment("w1", OUTSIDE, 3 * COIN)], [])

    with pytest.raises(NotEnoughFunds):
        adapter.prepare([Payment("w2", OUTSIDE, 3 * COIN)], [Tried(first)])

    adapter.broadcast(first)
    assert adapter.prepare([Payment("w2", OUTSIDE, COIN)], [Tried(first, attempts=1, outcome="sent")]).fee == 1000


def test_two_payments_of_the_same_coins_are_not_both_made(chain_file: str, travel: time_machine.Traveller):
    adapter = rich(chain_file, travel)
    first, second = (adapter.prepare([Payment(name, OUTSIDE, 3 * COIN)], []) for name in ("w1", "w2"))

    assert isinstance(adapter.broadcast(first), Sent)
    assert isinstance(adapter.broadcast(second), Refused)
    assert adapter.lookup(Tried(second, attempts=1, outcome="refused")) == Absent()
    assert adapter.chain.paid_to(OUTSIDE) == [3 * COIN]


def test_a_payment_that_falls_out_of_the_chain_can_be_sent_again(chain_file: str, travel: time_machine.Traveller):
    adapter = rich(chain_file, travel)
    prepared = adapter.prepare([Payment("w1", OUTSIDE, COIN)], [])
    tried = Tried(prepared, attempts=1, outcome="sent")
    adapter.broadcast(prepared)
    travel.shift(timedelta(seconds=5))
    confirmed = adapter.lookup(tried)
    adapter.chain.vanish(prepared.id)
    vanished = adapter.lookup(tried)
    adapter.broadcast(prepared)

    assert confirmed == Confirmed(1, prepared.id, 1000)
    assert vanished == Absent()
    assert adapter.lookup(tried) == Pending(prepared.id, 1000)
    assert adapter.chain.paid_to(OUTSIDE) == [COIN]


def test_amounts_of_29_decimals_are_exact(chain_file: str, travel: time_machine.Traveller):
    huge = 123_456_789 * 10**29 + 1
    adapter = demo(chain_file, decimals=29, faucet_amount=str(huge), faucet_seconds=1)
    address = adapter.new_address(AddressRequest(number=1)).address
    adapter.transfers("", [Watched(address)], 1)
    travel.shift(timedelta(seconds=60))

    assert adapter.funds(()).spendable == huge
    assert adapter.uri(address, huge).endswith("?amount=123456789.00000000000000000000000000001")


# -- switches --


def test_refused_sends_never_arrive_and_are_dead(chain_file: str, travel: time_machine.Traveller):
    prepared = rich(chain_file, travel).prepare([Payment("w1", OUTSIDE, COIN)], [])

    refused = demo(chain_file, refuse_sends=True).broadcast(prepared)
    later = demo(chain_file)

    assert isinstance(refused, Refused)
    assert isinstance(later.lookup(Tried(prepared, attempts=1, outcome="refused")), Dead)
    assert isinstance(later.broadcast(prepared), Refused)
    assert later.chain.paid_to(OUTSIDE) == []


def test_a_payment_already_made_is_not_refused_afterwards(chain_file: str, travel: time_machine.Traveller):
    adapter = rich(chain_file, travel)
    prepared = adapter.prepare([Payment("w1", OUTSIDE, COIN)], [])
    adapter.broadcast(prepared)
    stern = demo(chain_file, refuse_sends=True)

    assert stern.broadcast(prepared) == Sent(prepared.id, 1000)
    assert stern.lookup(Tried(prepared, attempts=1, outcome="sent")) == Pending(prepared.id, 1000)


def test_unclear_sends_arrive_and_lost_sends_do_not(chain_file: str, travel: time_machine.Traveller):
    adapter = rich(chain_file, travel)
    arrived, lost = (adapter.prepare([Payment(name, OUTSIDE, COIN)], []) for name in ("w1", "w2"))

    assert isinstance(demo(chain_file, unclear_sends=True).broadcast(arrived), Unclear)
    assert isinstance(demo(chain_file, lose_sends=True).broadcast(lost), Unclear)
    assert adapter.lookup(Tried(arrived, attempts=1, outcome="unclear")) == Pending(arrived.id, 1000)
    assert adapter.lookup(Tried(lost, attempts=1, outcome="unclear")) == Absent()


def test_slow_blocks_let_the_height_grow_slower_and_never_shrink(chain_file: str, travel: time_machine.Traveller):
    adapter = demo(chain_file, block_seconds=5)
    first = adapter.health().height or 0
    travel.shift(timedelta(seconds=50))
    fast = adapter.health().height
    slow = demo(chain_file, block_seconds=5, slow_block=True)
    at_switch = slow.health().height
    travel.shift(timedelta(seconds=300))

    assert (fast, at_switch) == (first + 10, first + 10)
    assert slow.health().height == first + 11
    assert demo(chain_file, block_seconds=5).health().height == first + 11


def test_a_chain_file_that_cannot_be_used_is_a_node_that_is_down(tmp_path: Path):
    (tmp_path / "rubbish").write_bytes(b"no database" * 100)
    for path in (str(tmp_path / "rubbish"), "/proc/none/chain.sqlite3"):
        adapter = demo(path)
        assert not adapter.health().ok
        with pytest.raises(NodeDown):
            adapter.funds(())


# -- faucet --


def test_the_faucet_pays_only_our_own_addresses(chain_file: str, travel: time_machine.Traveller):
    adapter = demo(chain_file)

    with pytest.raises(NodeRefused):
        adapter.faucet(OUTSIDE, COIN)


def test_the_faucet_calls_the_notify_url_once_the_coins_are_there(chain_file: str):
    heard: list[str] = []
    made: dict[str, int] = {}

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            made["transfers"] = len(demo(chain_file).transfer(self.path.rpartition("/")[2]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    adapter = demo(
        chain_file, notify_url=f"http://127.0.0.1:{server.server_port}/wallets/notify/DEMO", faucet_seconds=0
    )
    txid = adapter.faucet(adapter.new_address(AddressRequest(number=1)).address, COIN)
    server.shutdown()
    server.server_close()
    thread.join()

    assert heard == [f"/wallets/notify/DEMO/wallet/{txid}"]
    assert made == {"transfers": 1}


def test_a_site_that_does_not_hear_the_notify_loses_nothing(chain_file: str):
    adapter = demo(chain_file, notify_url="http://127.0.0.1:9/", faucet_seconds=0)

    txid = adapter.faucet(adapter.new_address(AddressRequest(number=1)).address, COIN)

    assert adapter.transfer(txid)[0].amount == COIN


# -- several processes --


def _use(chain_file: str, number: int) -> None:
    adapter = demo(chain_file, faucet_seconds=0)
    for step in range(5):
        address = adapter.new_address(AddressRequest(number=number * 10 + step)).address
        adapter.faucet(address, COIN)


def test_all_processes_see_one_chain(chain_file: str):
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_use, args=(chain_file, number)) for number in range(1, 4)]
    for child in children:
        child.start()
    for child in children:
        child.join()

    assert [child.exitcode for child in children] == [0, 0, 0]
    assert demo(chain_file).funds(()).total == 15 * COIN


@pytest.mark.parametrize(
    "change",
    [
        {"prefix": "Demo"},
        {"prefix": ""},
        {"prefix": "a:b"},
        {"block_seconds": 0},
        {"fee": "-1"},
        {"faucet_amount": "1.5"},
    ],
)
def test_options_that_cannot_be_are_refused(change: dict[str, Any]):
    with pytest.raises(ImproperlyConfigured):
        DemoOptions(**{"chain_file": "unused", **change})
