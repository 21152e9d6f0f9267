"""The options, the seed that is shown nowhere, Nano by configuration, and what managers may look up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from adapters.banano import Banano, BananoOptions
from adapters.banano.options import COINS
from adapters.base import AddressRequest, InvalidAddress, NodeRefused
from adapters.registry import build
from tests.adapters.banano.world import BAN, SEED, BananoWorld, address_of

URL = "http://127.0.0.1:1"
ADDRESS = address_of(1)


def options(**given: Any) -> BananoOptions:
    return BananoOptions(**{"url": URL, "seed": SEED, **given})


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": ""},
        {"seed": "AB" * 31},
        {"seed": "ZZ" * 32},
        {"seed_file": "/etc/hostname"},
        {"coin": "bitcoin"},
        {"network_identifier": "AB"},
        {"work_threshold": "fff"},
        {"hot_address": "ban_bad"},
        {"representative": "nano_3t6k35gi95xu6tergt6p69ck76ogmitsa8mnijtpxm9fkcm736xtoncuohr3"},
        {"dust": "1.5"},
        {"dust": "0"},
        {"sweep_min": str(1 << 128)},
        {"max_backlog": -1},
    ],
    ids=lambda wrong: str(next(iter(wrong.items()))),
)
def test_a_wrong_option_is_named(wrong: dict[str, Any]):
    with pytest.raises(ImproperlyConfigured) as refusal:
        options(**wrong)

    assert SEED not in str(refusal.value)


def test_the_seed_may_lie_in_a_file(tmp_path: Path):
    file = tmp_path / "seed"
    file.write_text(f"{SEED}\n")
    adapter = Banano(options(seed="", seed_file=str(file)))

    assert adapter.new_address(AddressRequest(number=1)).address == address_of(1, SEED)
    for text in ("", "AB" * 31, "é" * 64):
        file.write_text(text)
        with pytest.raises(ImproperlyConfigured):
            Banano(options(seed="", seed_file=str(file)))
    with pytest.raises(ImproperlyConfigured):
        Banano(options(seed="", seed_file=str(tmp_path / "nowhere")))


def test_the_seed_is_shown_nowhere():
    adapter = Banano(options(password="secret-of-the-proxy"))

    for thing in (adapter.options, adapter, adapter._keys, adapter._node, adapter._worker):
        assert SEED.lower() not in repr(thing).lower()
        assert "secret-of-the-proxy" not in repr(thing)


def test_the_registry_builds_one():
    adapter = build("banano", {"url": URL, "seed": SEED})

    assert isinstance(adapter, Banano)
    assert adapter.max_batch == 1
    assert adapter.lane == "wallet"
    with pytest.raises(ImproperlyConfigured):
        build("banano", {"url": URL, "seed": SEED, "speed": 7})


def test_nano_is_the_same_by_configuration():
    adapter = Banano(options(coin="nano"))
    made = adapter.new_address(AddressRequest(number=1)).address

    assert made.startswith("nano_")
    assert adapter.check_address(made).network == COINS["nano"].genesis
    assert adapter.uri(made, 5) == f"nano:{made}?amount=5"
    assert (adapter.options.threshold(True), adapter.options.threshold(False)) == (
        0xFFFFFFF800000000,
        0xFFFFFE0000000000,
    )
    with pytest.raises(InvalidAddress, match="another network"):
        adapter.check_address(ADDRESS)


def test_the_setup_help_names_the_callback_the_loopback_and_the_hot_account():
    lines = Banano(options()).setup_lines("http://wallets.example:8000/wallets/notify/BAN/{kind}/%s").split("\n")

    assert 'target = "/wallets/notify/BAN/callback/node"' in lines
    assert 'address = "wallets.example"' in lines
    assert "port = 8000" in lines
    assert 'address = "::1"' in lines
    assert lines[0].endswith(address_of(0, SEED))


# -- looking things up --

SEED_DOCUMENT_CALLS = {
    "account_balance", "account_block_count", "account_get", "account_history", "account_info", "account_key",
    "account_representative", "accounts_balances", "accounts_frontiers", "block_info", "blocks_info",
    "representatives", "representatives_online",
}  # fmt: skip


def test_every_reading_call_of_the_rpc_manual_can_be_made(world: BananoWorld):
    world.fill(5 * BAN)
    frontier = world.node.ask("account_info", account=world.hot)["frontier"]
    values = {
        "account": world.hot, "accounts": f"{world.hot}, {ADDRESS}", "key": "AB" * 32, "hash": frontier,
        "hashes": frontier, "count": "2", "block": frontier,
    }  # fmt: skip

    offered = {reading.method: {field.name for field in reading.fields} for reading in world.adapter.readings()}
    assert set(offered) >= SEED_DOCUMENT_CALLS
    for method in sorted(SEED_DOCUMENT_CALLS):
        fields = {name: value for name, value in values.items() if name in offered[method]}
        answer = world.adapter.explore(method, fields)
        assert answer == world.node.ask(
            method,
            **{name: value.split(", ") if name in ("accounts", "hashes") else value for name, value in fields.items()},
        )
        assert "error" not in answer


def test_the_nodes_own_refusal_is_shown_as_it_is(world: BananoWorld):
    assert world.adapter.explore("block_info", {"hash": "XYZ"}) == {"error": "Invalid block hash"}


@pytest.mark.parametrize("method", ["send", "process", "wallet_create", "stop", "sign", "block_create", "", "__init__"])
def test_no_other_call_can_be_made(world: BananoWorld, method: str):
    world.node.do("asked")

    with pytest.raises(NodeRefused):
        world.adapter.explore(method, {})
    with pytest.raises(NodeRefused):
        world.adapter.explore("account_info", {"action": "send"})

    assert set(world.node.do("asked")) == set()
