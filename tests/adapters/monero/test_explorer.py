"""Every reading call of the node explorer, made on the real programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.litecoin_world import name_of
from tests.adapters.monero.world import MoneroWorld, real
from tests.devnet.monero import Monero


@pytest.fixture
def world(monero: Monero, request: pytest.FixtureRequest) -> Iterator[MoneroWorld]:
    yield from real(monero, f"explorer-{name_of(request)}")


def test_the_programs_have_every_reading_call_and_none_changes_the_wallet(world: MoneroWorld):
    address = world.fill(10**12)
    txid = world.poll().transfers[0].txid
    before = world.adapter.funds(())
    integrated = world.site("make_integrated_address", payment_id="1234567890abcdef")["integrated_address"]
    values = {
        "address": address, "txid": txid, "txids": txid, "txs_hashes": txid, "height": "1", "account_index": "0",
        "transfer_type": "all", "in": "true", "uri": f"monero:{address}", "integrated_address": integrated,
        "payment_id": "1234567890abcdef", "payment_ids": "1234567890abcdef", "key_image": "ab" * 32,
        "key_images": "ab" * 32, "key": "none", "data": "x", "signature": "SigV1x",
        "hash": world.adapter.explore("on_get_block_hash", {"height": "1"}),
    }  # fmt: skip
    refused = {}
    for one in world.adapter.readings():
        typed = {field.name: values.get(field.name, "") for field in one.fields if field.required or field.name == "in"}
        said = world.adapter.explore(one.method, typed, program=one.program)
        if isinstance(said, dict) and "error" in said:
            refused[one.method] = said["error"]["message"]

    # Made-up signatures and keys, and a block nobody named: refused, but known calls.
    assert set(refused) <= {"check_tx_proof", "check_reserve_proof", "verify", "get_attribute", "frozen", "get_block"}
    assert world.adapter.funds(()) == before
