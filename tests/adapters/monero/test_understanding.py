"""Signed Monero bytes read anew, on a real wallet: it agrees to what was asked for, and to nothing else."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.base import NodeDown, NodeRefused, Payment, Prepared
from adapters.monero import transaction, understanding
from adapters.monero.payments import Blob
from adapters.monero.transaction import Unreadable
from tests.adapters.litecoin_world import name_of
from tests.adapters.monero.world import LOCK, MoneroWorld, real
from tests.devnet.monero import Monero

XMR = 10**12
PAYMENT_ID = "1234567890abcdef"
REPLIES = Path(__file__).parents[1] / "replies/monero-0.18"


@pytest.fixture(scope="module")
def filled(monero: Monero, request: pytest.FixtureRequest) -> Iterator[MoneroWorld]:
    for world in real(monero, name_of(request)):
        world.fill(20 * XMR)
        yield world


def standard(world: MoneroWorld) -> str:
    return str(world.outside("get_address", account_index=0)["address"])


def fresh(world: MoneroWorld, prepared: Prepared) -> None:
    """Broadcast and mined, with the change of it unlocked."""
    world.adapter.broadcast(prepared)
    world.mine(LOCK)


def refuses(world: MoneroWorld, prepared: Prepared, payments: list[Payment]) -> None:
    with pytest.raises((NodeRefused, NodeDown)):
        world.adapter.demand_pays(prepared, payments)


def of_kind(world: MoneroWorld, kind: str) -> list[Payment]:
    own = standard(world)
    found = {
        "a subaddress": [world.payment(2 * XMR)],
        "a standard address": [Payment("w1", own, 2 * XMR)],
        "a payment id": [Payment("w1", own, 2 * XMR, extra=PAYMENT_ID)],
        "several": [world.payment(XMR), world.payment(2 * XMR, id="w2"), Payment("w3", own, XMR)],
    }
    return found[kind]


@pytest.mark.parametrize("kind", ["a subaddress", "a standard address", "a payment id", "several"])
def test_it_agrees_to_its_own_bytes_and_to_no_others(filled: MoneroWorld, kind: str):
    payments = of_kind(filled, kind)
    first, rest = payments[0], payments[1:]
    prepared = filled.adapter.prepare(payments, [])

    found = filled.adapter.demand_pays(prepared, list(reversed(payments)))
    assert (found.fee, found.is_proven) == (prepared.fee, True)
    for wrong in (
        [replace(first, amount=first.amount + 1), *rest],
        [replace(first, amount=first.amount - 1), *rest],
        [replace(first, address=filled.outside_address(), extra=""), *rest],
        [first, *payments],
        rest,
    ):
        refuses(filled, prepared, wrong)
        noted = tuple((one.address, one.amount) for one in wrong)
        forged = replace(Blob.read(prepared), wanted=noted).text()
        refuses(filled, replace(prepared, blob=forged), wrong)


def test_another_payment_id_than_the_recipients_is_found_out(filled: MoneroWorld):
    payment = Payment("w1", standard(filled), XMR, extra=PAYMENT_ID)
    prepared = filled.adapter.prepare([payment], [])
    other = replace(payment, extra="fedcba0987654321")
    address = filled.outside("make_integrated_address", payment_id=other.extra)["integrated_address"]
    forged = replace(Blob.read(prepared), wanted=((address, XMR),)).text()
    refuses(filled, replace(prepared, blob=forged), [other])


def test_bytes_that_pay_a_thief_too_are_found_out(filled: MoneroWorld):
    """Truly signed by the wallet, as one would who holds its password."""
    payment, thief = filled.payment(XMR), filled.outside_address()
    prepared = filled.adapter.prepare([payment], [])
    destinations = [{"address": payment.address, "amount": XMR}, {"address": thief, "amount": 3 * XMR}]
    made = filled.site(
        "transfer", destinations=destinations, account_index=0, do_not_relay=True, get_tx_metadata=True, get_tx_key=True
    )
    images = tuple(made["spent_key_images"]["key_images"])
    forged = replace(
        Blob.read(prepared),
        hash=made["tx_hash"],
        metadata=made["tx_metadata"],
        tx_key=made["tx_key"],
        key_images=images,
    )

    refuses(filled, replace(prepared, id=forged.hash, blob=forged.text()), [payment])
    as_asked = [payment, Payment("w2", thief, 3 * XMR)]
    told = replace(forged, wanted=tuple((one.address, one.amount) for one in as_asked))
    assert filled.adapter.demand_pays(replace(prepared, id=told.hash, blob=told.text()), as_asked).is_proven


def test_a_note_that_lookup_would_be_misled_by_is_found_out(filled: MoneroWorld):
    payment = filled.payment(XMR)
    prepared = filled.adapter.prepare([payment], [])
    blob = Blob.read(prepared)
    for forged in (
        replace(blob, key_images=("ab" * 32,)),
        replace(blob, tx_key="01" * 32),
        replace(blob, tx_key=""),
        replace(blob, tx_key="x"),
        replace(blob, metadata="x"),
        replace(blob, metadata="02" + blob.metadata[2:]),
        replace(blob, metadata=blob.metadata[:600]),
        replace(blob, metadata=blob.metadata[:400] + _another(blob.metadata[400]) + blob.metadata[401:]),
    ):
        refuses(filled, replace(prepared, blob=forged.text()), [payment])


def _another(digit: str) -> str:
    return "0" if digit != "0" else "1"


def test_more_for_the_network_than_max_fee_is_refused(filled: MoneroWorld):
    payment = filled.payment(XMR)
    prepared = filled.adapter.prepare([payment], [])
    with pytest.raises(NodeRefused, match="max_fee"):
        filled.make_adapter(max_fee=prepared.fee - 1).demand_pays(prepared, [payment])


def test_house_keeping_comes_home_whole(filled: MoneroWorld):
    split = filled.make_adapter(outputs_ready=6)
    prepared = split.chores([], [])
    assert prepared is not None
    assert split.demand_pays(prepared, []).is_proven
    refuses(filled, prepared, [filled.payment(XMR)])
    fresh(filled, prepared)

    joining = filled.make_adapter(outputs_ready=0, join_at=2)
    joined = joining.chores([], [])
    assert joined is not None
    assert joined.chore == "join"
    assert joining.demand_pays(joined, []).fee == joined.fee


def recorded() -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """(name, metadata, answer) of every payment that recorded wallets prepared."""
    for path in sorted(REPLIES.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            said = json.loads(line)
            if said.get("method") == "transfer" and '"tx_metadata": "01' in str(said.get("body")):
                answer = json.loads(said["body"])["result"]
                yield answer["tx_hash"], bytes.fromhex(answer["tx_metadata"]), answer


def test_every_recorded_transaction_is_read_by_its_name_fee_and_inputs():
    seen = 0
    for name, metadata, answer in recorded():
        made = transaction.read(metadata[1:])
        images = sorted(answer["spent_key_images"]["key_images"])
        assert (made.hash, made.fee, sorted(made.key_images)) == (name, answer["fee"], images)
        seen += 1
    assert seen > 20


def test_bytes_cut_off_or_changed_anywhere_are_unreadable_or_another_transaction():
    _name, metadata, _answer = next(recorded())
    whole = transaction.read(metadata[1:])
    for length in range(1500):
        with pytest.raises(Unreadable):
            transaction.read(metadata[1:][:length])
    chance = random.Random(7)
    for _ in range(150):
        spoilt = bytearray(metadata[1:])
        spoilt[chance.randrange(1500)] ^= 1 << chance.randrange(8)
        with contextlib.suppress(Unreadable):
            assert transaction.read(bytes(spoilt)).hash != whole.hash
    assert metadata[:1] == understanding.METADATA_VERSION
    assert len(whole.outputs) == 2
