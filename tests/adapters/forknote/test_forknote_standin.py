"""The stand-in against the recordings: the same requests get the same answers, names apart. A difference is allowed
only by its number in DIFFERENCES."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.forknote import replies
from tests.nodes.forknote.standin import StandIn

DIFFERENCES = {
    "createAddress existing secret": "1: the secret key of this request is blanked out in the recording",
}
_CHANGING = re.compile(rf"[0-9a-f]{{64}}|timestamp|{replies.BLANKED}")
BLOCKS = 31  # of the recorded chain when the recordings begin
Steps = dict[str, Callable[[StandIn], Any]]


@pytest.fixture
def snake(tmp_path: Path):
    node = _start("snake", tmp_path)
    yield node
    node.close()


@pytest.fixture
def camel(tmp_path: Path):
    node = _start("camel", tmp_path)
    yield node
    node.close()


def _start(dialect: str, folder: Path) -> StandIn:
    node = StandIn(dialect, folder)
    node.mine(blocks=BLOCKS - 1)
    node.sync()
    node.switch(auto_sync=False, peers=0)
    return node


def _replay(node: StandIn, name: str, names: replies.Names, steps: Steps, last: str = "") -> dict[str, str]:
    """Differences by name of the exchange. steps: what happened before the first exchange whose name begins so."""
    found: dict[str, str] = {}
    left = dict(steps)
    for row in replies.load(name):
        for start in [start for start in left if row["name"].startswith(start)]:
            left.pop(start)(node)
        if last and row["name"].startswith(last):
            break
        if row["server"] == "outside":
            _play_outside(node, row, names, replies.brought_by_strangers(name))
            continue
        ours = node.raw(names.translate(row["request"] or ""), verb=row["http_method"], path=row["path"])
        difference = _compare(names, row["body"], ours)
        if difference:
            found[row["name"]] = difference
    assert not left, f"never came to {list(left)}"
    return found


def _compare(names: replies.Names, recorded: str, ours: str) -> str:
    if not recorded.startswith("{"):
        return "" if recorded == ours else f"recorded {recorded!r}, here {ours!r}"
    difference = names.difference(json.loads(recorded), json.loads(ours))
    if difference or _CHANGING.search(recorded):
        return difference
    return "" if names.translate(recorded) == ours else "another text"  # escapes and spaces too


def _play_outside(node: StandIn, row: dict[str, Any], names: replies.Names, brought: dict[str, int]) -> None:
    params = json.loads(names.translate(row["request"]))["params"]
    if "destinations" in params or "transfers" in params:
        paid = params.get("destinations") or params["transfers"]
        payment_id = params.get("payment_id") or params.get("paymentId", "")
        unlock = params.get("unlock_time") or params.get("unlockTime", 0)
        said = json.loads(row["body"])["result"].get("transactionHash", "")
        destinations = [[one["address"], one["amount"]] for one in paid]
        txid = node.pay(destinations=destinations, payment_id=payment_id, unlock=unlock, brought=brought.get(said, 0))
        if said:
            names.known[said] = txid


def _mine_to(height: int, limit: int | None = None) -> Callable[[StandIn], Any]:
    def do(node: StandIn) -> None:
        node.mine(blocks=height - node.height())
        node.sync(limit=limit)

    return do


def _only_mine(node: StandIn) -> None:
    node.mine()


SNAKE_DEPOSITS: Steps = {
    "dep1 unconfirmed": lambda node: node.sync(),
    "dep1 after mine #1": _only_mine,  # walletd has not looked yet
    "dep1 after mine #2": _mine_to(33, 32),  # and is one block behind
    "dep1 after mine #3": _mine_to(34, 33),
    "dep2 unconfirmed": lambda node: node.sync(),
    "dep2 confirmed": _only_mine,
    "dep3+4 confirmed 1 ": lambda node: (node.switch(in_order=False), _mine_to(36)(node)),
    "dep3+4 confirmed 7": _mine_to(43),
}
SNAKE_PAYMENTS: Steps = {
    "ok mixin 0": lambda node: node.switch(pick=[200_000_000]),
    "second spend": lambda node: node.switch(pick=[700_000_000]),
    "w1+w2 confirmed /": _mine_to(44),
    "w1+w2 confirmed 3+": _mine_to(46),
    "payment id with two": lambda node: node.switch(pick=[300_000_000]),
    "same address twice": lambda node: node.switch(pick=[500_000_000]),
    "w3 w4 confirmed": lambda node: node.sync(),
}
CAMEL_FLOWS: Steps = {
    "deposit 1": lambda node: node.sync(),
    "dep1 unconfirmed": lambda node: node.sync(),
    "dep1 after mine 1": _mine_to(32),
    "dep1 after mine 2": _mine_to(33),
    "dep1 after mine 3": _mine_to(34),
    "dep2 confirmed": _mine_to(35),
    "dep3+4 confirmed": lambda node: (node.switch(in_order=False), _mine_to(37)(node)),
    "all unlocked": _mine_to(42),
    "err bad address": lambda node: node.switch(pick=[500_000_000, 200_000_000]),
    "w1 w2 confirmed": _mine_to(44),
}


def test_the_snake_dialect_answers_as_recorded(snake: StandIn):
    names = replies.Names()
    protocol = _replay(snake, "snake-1.0.8.3-01-protocol", names, {})
    deposits = _replay(snake, "snake-1.0.8.3-02-deposits", names, SNAKE_DEPOSITS)
    # Later payments spend what CryptoNote split into digits: the model keeps outputs whole.
    payments = _replay(snake, "snake-1.0.8.3-03-withdrawals", names, SNAKE_PAYMENTS, last="with mixin 1")

    assert (protocol, deposits, payments) == ({}, {}, {})


def test_the_camel_dialect_answers_as_recorded(camel: StandIn):
    names = replies.Names()
    protocol = _replay(camel, "camel-2.1.2-01-protocol", names, {})
    flows = _replay(camel, "camel-2.1.2-02-flows", names, CAMEL_FLOWS, last="mixin 1")

    assert set(protocol) | set(flows) == set(DIFFERENCES), {**protocol, **flows}


def test_an_answer_has_two_headers_and_a_lost_wallet_hangs_up(snake: StandIn):
    connection = http.client.HTTPConnection("127.0.0.1", snake.port)
    connection.request("POST", "/json_rpc", b'{"method":"get_address_count"}')
    answer = connection.getresponse()
    headers = dict(answer.getheaders())
    answer.read()
    connection.close()
    snake.stop()

    assert headers == {"Content-Length": "38", "Server": "CryptoNote-based HTTP server"}
    with pytest.raises(OSError, match=r".*"):
        snake.raw("{}")


@pytest.mark.parametrize("lost", ["kill", "stop"])
def test_only_a_graceful_stop_keeps_a_new_snake_address(snake: StandIn, lost: str):
    snake.ask("create_address")
    getattr(snake, lost)()
    snake.start()

    assert snake.ask("get_address_count") == {"count": 1 if lost == "kill" else 2}


def test_deleting_a_camel_address_rewrites_history(camel: StandIn):
    """A payment becomes a receipt: 489000000, as recorded."""
    alice = camel.ask("createAddress")["address"]
    first = camel.ask("getAddresses")["addresses"][0]
    camel.pay(destinations=[[alice, 500_000_000]])
    _mine_to(40)(camel)
    paid = [{"address": camel.outside_address(), "amount": 10_000_000}]
    txid = camel.ask("sendTransaction", transfers=paid, fee=1_000_000, anonymity=65_536, changeAddress=first)
    _mine_to(42)(camel)
    camel.ask("deleteAddress", address=alice)

    found = camel.ask("getTransaction", **txid)["transaction"]

    assert (found["amount"], found["state"]) == (489_000_000, 0)
    assert found["transfers"] == [
        {"address": first, "amount": 489_000_000, "type": 0},
        {"address": "", "amount": -500_000_000, "type": 0},
        {"address": "", "amount": 10_000_000, "type": 0},
    ]
