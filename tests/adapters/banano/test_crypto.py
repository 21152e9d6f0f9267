"""Vectors on which five other implementations and the real node agree."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from adapters.codecs import banano_crypto as crypto

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text())
raw = bytes.fromhex
BANANO_WORK = 0xFFFFFE0000000000


def block_hash(block: dict[str, str]) -> bytes:
    return crypto.state_hash(
        crypto.decode_address("ban_", block["account"]),
        raw(block["previous"]),
        crypto.decode_address("ban_", block["representative"]),
        int(block["balance"]),
        raw(block["link"]),
    )


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda vector: f"{vector['seed'][:4]}-{vector['index']}")
def test_each_key_and_address_comes_out_of_its_seed(vector: dict[str, Any]):
    private = crypto.private_key(raw(vector["seed"]), vector["index"])
    key = crypto.public_key(private)

    assert private.hex().upper() == vector["private_key"]
    assert key.hex().upper() == vector["public_key"]
    assert crypto.encode_address("ban_", key) == vector["address"]
    assert crypto.decode_address("ban_", vector["address"]) == key


def test_there_are_the_32_keys_it_was_agreed_on():
    assert len(VECTORS["keys"]) == 32


@pytest.mark.parametrize("vector", VECTORS["addresses_invalid"], ids=lambda vector: vector["why"])
def test_a_damaged_address_is_refused(vector: dict[str, str]):
    with pytest.raises(crypto.BadAddress):
        crypto.decode_address("ban_", vector["address"])


@pytest.mark.parametrize("vector", VECTORS["addresses_valid_special"], ids=lambda vector: vector["address"][:16])
def test_the_special_addresses_are_well_formed(vector: dict[str, str]):
    assert crypto.decode_address("ban_", vector["address"]).hex().upper() == vector["public_key"]


@pytest.mark.parametrize(("address", "told"), VECTORS["seed_document_addresses"].items(), ids=lambda one: str(one)[:20])
def test_each_example_of_the_rpc_manual_is_taken_or_refused_as_it_deserves(address: str, told: dict[str, Any]):
    if told["valid"]:
        assert crypto.decode_address("ban_", address).hex().upper() == told["pubkey"]
    else:
        with pytest.raises(crypto.BadAddress):
            crypto.decode_address("ban_", address)


@pytest.mark.parametrize("vector", VECTORS["blocks"], ids=lambda vector: vector["subtype"])
def test_each_block_has_its_name_signature_and_work(vector: dict[str, Any]):
    block, key = vector["block"], crypto.decode_address("ban_", vector["block"]["account"])
    name = block_hash(block)

    assert name.hex().upper() == vector["hash"]
    assert crypto.sign(raw(vector["private_key"]), name).hex().upper() == block["signature"]
    assert crypto.verify(key, name, raw(block["signature"]))
    assert f"{crypto.work_value(raw(vector['work_root']), int(block['work'], 16)):016x}" == vector["work_value"]
    assert crypto.work_is_enough(raw(vector["work_root"]), block["work"], BANANO_WORK)


def test_the_work_of_a_first_block_is_on_the_public_key():
    opened = VECTORS["blocks"][0]

    assert opened["work_root"] == crypto.decode_address("ban_", opened["block"]["account"]).hex().upper()
    assert not crypto.work_is_enough(bytes(32), opened["block"]["work"], BANANO_WORK)


def test_a_real_block_of_nanos_network_is_right():
    """Behind the manual's block_info example, whose account and hash are damaged."""
    real = VECTORS["real_block"]
    block, name = real["block"], block_hash(real["block"])

    assert name.hex().upper() == real["hash"]
    assert crypto.verify(crypto.decode_address("ban_", block["account"]), name, raw(block["signature"]))


def test_bananos_first_block_is_right():
    first = VECTORS["banano_live_genesis"]
    account = crypto.decode_address("ban_", first["block"]["account"])
    name = crypto.open_hash(
        raw(first["block"]["source"]), crypto.decode_address("ban_", first["block"]["representative"]), account
    )

    assert name.hex().upper() == first["hash"]
    assert crypto.verify(account, name, raw(first["block"]["signature"]))
    assert crypto.work_is_enough(account, first["block"]["work"], 0xFFFFFC0000000000)


@pytest.mark.parametrize("vector", VECTORS["work"], ids=lambda vector: vector["work"])
def test_work_is_judged_as_the_node_does(vector: dict[str, Any]):
    root = raw(vector["root"])

    assert f"{crypto.work_value(root, int(vector['work'], 16)):016x}" == vector["value"]
    assert crypto.work_is_enough(root, vector["work"], BANANO_WORK) is vector["valid_fffffe0000000000"]


def signed() -> tuple[bytes, bytes, bytes]:
    vector = VECTORS["blocks"][0]
    key = crypto.decode_address("ban_", vector["block"]["account"])
    return key, raw(vector["hash"]), raw(vector["block"]["signature"])


def test_a_changed_signature_message_or_key_is_refused():
    key, name, signature = signed()

    assert crypto.verify(key, name, signature)
    for place in (0, 31, 32, 63):
        wrong = bytearray(signature)
        wrong[place] ^= 1
        assert not crypto.verify(key, name, bytes(wrong))
    assert not crypto.verify(key, bytes(32), signature)
    assert not crypto.verify(crypto.public_key(bytes(32)), name, signature)
    assert not crypto.verify(b"\xff" * 32, name, signature)
    assert not crypto.verify(key, name, signature[:63])


def test_a_second_form_of_the_same_signature_is_refused():
    """S + L signs the same message for a careless verifier."""
    key, name, signature = signed()
    order = (1 << 252) + 27742317777372353535851937790883648493
    larger = int.from_bytes(signature[32:], "little") + order

    assert not crypto.verify(key, name, signature[:32] + larger.to_bytes(32, "little"))


@pytest.mark.parametrize("work", ["", "0" * 15, "0" * 17, "zzzzzzzzzzzzzzzz", "-000000000000001", "½" * 16])
def test_work_of_a_wrong_form_is_not_enough(work: str):
    assert not crypto.work_is_enough(bytes(32), work, 0)


def test_it_finds_work_and_gives_up_in_time():
    found = crypto.find_work(bytes(32), 0xFFF0000000000000, 60)

    assert found is not None
    assert crypto.work_is_enough(bytes(32), found, 0xFFF0000000000000)
    assert crypto.find_work(bytes(32), 1 << 64, 0) is None


def test_a_seed_or_number_of_the_wrong_size_makes_no_key():
    for seed, number in ((bytes(31), 0), (bytes(32), -1), (bytes(32), 1 << 32)):
        with pytest.raises(ValueError, match="32"):
            crypto.private_key(seed, number)


def test_signing_takes_at_most_five_milliseconds():
    key, name, _ = signed()
    crypto.sign(key, name)  # makes its table
    started = time.process_time_ns()
    for _ in range(40):
        crypto.sign(key, name)

    assert (time.process_time_ns() - started) // 40 < 5_000_000
