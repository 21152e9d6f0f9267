"""Fee levels of Bitcoin's family: what each costs where the node estimates, where it does not, and where it errs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from adapters.base import NodeRefused, Payment
from adapters.bitcoinlike import BitcoinLike, BitcoinOptions
from adapters.bitcoinlike.payments import level_of
from tests.adapters import stand_in
from tests.adapters.test_bitcoinlike_errors import ADDRESS, HEALTHY
from tests.devnet.proxy import Answered, Exchange

SIZE = 141  # vbytes a quote reckons with: one input, two outputs


class Estimator:
    """rates: coins per 1,000 vbytes by the number of blocks; a target that is missing has no estimate."""

    def __init__(self) -> None:
        self.rates: dict[int, float] = {}

    def __call__(self, exchange: Exchange, headers: dict[str, str]) -> Answered:
        found: object = HEALTHY[exchange.method]
        if exchange.method == "estimatesmartfee":
            target = exchange.params[0]
            rate = self.rates.get(target)
            found = {"errors": ["Insufficient data"], "blocks": target} if rate is None else {"feerate": rate}
        return 200, {}, json.dumps({"result": found, "error": None}).encode()


@pytest.fixture
def estimator() -> Estimator:
    return Estimator()


@pytest.fixture
def adapter(estimator: Estimator) -> Iterator[BitcoinLike]:
    with stand_in.node(estimator, own_ids=False) as proxy:
        made = BitcoinLike(BitcoinOptions(url=proxy.url, network="regtest", max_fee_rate=100))
        yield made
        made.close()


def rates(adapter: BitcoinLike) -> list[int]:
    """Atomic units per vbyte of slow, normal, fast, and of a payment that names no level."""
    size = adapter.quote(payment("")).fee // adapter._node.fee_rate()
    return [adapter.quote(payment(level)).fee // size for level in (*adapter.levels, "")]


def payment(level: str) -> Payment:
    return Payment(id="w1", address=ADDRESS, amount=1_000, level=level)


@pytest.mark.parametrize(
    ("estimates", "found"),
    [
        ({2: 0.0005, 6: 0.0002, 24: 0.0001}, [10, 20, 50, 20]),
        ({}, [20, 20, 20, 20]),
        ({6: 0.0003}, [30, 30, 30, 30]),
        ({2: 0.0005, 24: 0.0001}, [10, 20, 50, 20]),
        ({2: 0.0001, 6: 0.0002, 24: 0.0005}, [20, 20, 20, 20]),
        ({2: 0.5, 6: 0.0002, 24: 0.00000001}, [1, 20, 100, 20]),
    ],
    ids=["each its own", "no estimate", "only the usual", "all but the usual", "upside down", "within the bounds"],
)
def test_each_level_costs_what_its_target_costs(estimator, adapter, estimates, found):
    estimator.rates = estimates

    assert rates(adapter) == found


def test_each_level_says_how_long_the_network_takes(adapter):
    waits = [adapter.quote(payment(level)).wait for level in (*adapter.levels, "")]

    assert waits == ["about 60 minutes", "about 15 minutes", "about 5 minutes", "about 15 minutes"]


def test_a_payment_together_with_a_faster_one_is_as_fast():
    assert level_of([payment("slow"), payment("")]) == "normal"
    assert level_of([payment("slow"), payment("fast"), payment("normal")]) == "fast"
    assert level_of([payment("slow")]) == "slow"


def test_a_level_that_does_not_exist_is_refused_and_named(adapter):
    with pytest.raises(NodeRefused, match="fee level") as refusal:
        adapter.prepare([payment("fast"), payment("warp")], [])
    assert refusal.value.address == ADDRESS
    with pytest.raises(NodeRefused, match="fee level"):
        adapter.quote(payment("warp"))
