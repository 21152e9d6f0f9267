"""Which server it speaks to, whether to believe it, and what it makes of nonsense."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from adapters.base import InvalidAddress, NodeDown, NodeRefused, Payment, Prepared, Tried, Unclear, Unknown
from adapters.forknote import Forknote, ForknoteOptions
from adapters.forknote.addresses import payment_id_of
from tests.adapters import stand_in
from tests.adapters.forknote.conftest import MakeWorld
from tests.adapters.forknote.forknote_world import ForknoteWorld

URL = "http://127.0.0.1:8070"
# Addresses of walletd 1.0.8.3 on a private chain with Bytecoin's prefix.
ADDRESS = "287mjU5tX3qPuBvRnZ4yYBcbFxjFe3zwq6ieYmHiSSEDfv6yoCcwrkNjLHeREKch7c4mjLy9caHcQPaasAoykmaP2byiP2D"


def offline(**options: object) -> Forknote:
    return Forknote(ForknoteOptions(url=URL, **options))  # type: ignore[arg-type]


# -- which server --


def test_the_dialect_is_found_by_asking(world: ForknoteWorld):
    assert world.adapter.dialect.name == world.dialect
    assert world.dialect in world.adapter.health().version


def test_a_walletd_that_was_replaced_by_a_later_one_is_noticed(snake: ForknoteWorld, make_world: MakeWorld):
    camel = make_world("camel")
    assert snake.adapter.health().ok
    snake.proxy.close()
    moved = Forknote(replace(snake.adapter.options, url=camel.node.url))
    moved._spoken = "snake"  # as it was before

    assert "camel" in moved.health().version
    moved.close()


def test_what_speaks_neither_dialect_is_no_walletd():
    refusal = '{"error":{"code":-32601,"message":"Method not found"},"id":1,"jsonrpc":"2.0"}'
    with stand_in.node(stand_in.body(refusal)) as node:
        health = Forknote(ForknoteOptions(url=node.url)).health()

    assert not health.ok
    assert "no walletd" in health.reason


def test_a_json_password_is_sent_and_a_missing_one_is_said_so(make_world: MakeWorld):
    """TurtleCoin's walletd; its errors have another number, which does not matter."""
    world = make_world("camel", "--password", "secret", "--domain-code", "-32700", json_password="secret")
    world.fill(500_000_000)
    locked_out = world.make_adapter(json_password="")

    assert world.adapter.is_ours(world.outside_address()) is False
    assert locked_out.health().reason == "walletd refuses our rpc-password."
    assert "secret" not in repr(world.adapter.options)
    locked_out.close()


def test_the_snake_dialect_needs_the_daemon_for_heights(snake: ForknoteWorld):
    alone = snake.make_adapter(daemon_url="")

    assert "daemon_url" in alone.health().reason
    alone.close()


def test_a_silent_daemon_makes_the_snake_dialect_wait(snake: ForknoteWorld):
    snake.node.node(up=False)

    assert not snake.adapter.health().ok
    with pytest.raises(NodeDown):
        snake.poll()


def test_another_chain_or_wallet_is_refused(world: ForknoteWorld):
    method = "getAddresses" if world.dialect == "camel" else "get_address"
    first = world.node.ask(method)
    hot = first["addresses"][0] if world.dialect == "camel" else first["address"]
    right = world.make_adapter(genesis=world.adapter.dialect.genesis(), hot_address=hot)
    wrong = {
        "another chain": world.make_adapter(genesis="ab" * 32),
        "another wallet": world.make_adapter(hot_address=world.outside_address()),
    }

    assert right.health().ok
    for words, adapter in wrong.items():
        assert words in adapter.health().reason
        assert adapter.health().network == "test"  # it answers, so that the wallet is closed
        with pytest.raises(NodeDown, match=words):
            adapter.transfers("", (), 3)
        adapter.close()
    right.close()


def test_without_peers_the_main_network_is_not_believed(camel: ForknoteWorld):
    camel.node.switch(peers=0)
    main = camel.make_adapter(network="main")

    assert camel.adapter.health().ok
    assert main.health().reason == "The coin daemon has no peers."
    assert main.health().network == ""  # something to wait for
    main.close()


def test_the_fee_may_be_the_servers_minimum(camel: ForknoteWorld):
    """Karbo says it; Forknote does not."""
    status = camel.node.ask("getStatus")
    adapter = camel.make_adapter(fee="")
    payment = camel.payment(1)
    with pytest.raises(NodeDown, match="minimum fee"):
        adapter.quote(payment)
    body = json.dumps({"id": 1, "jsonrpc": "2.0", "result": {**status, "minimalFee": 2_000_000}})
    camel.proxy.answer(body.encode(), method="getStatus")

    assert adapter.quote(payment).fee == 2_000_000
    adapter.close()


def test_the_configured_fee_is_shown_at_review(world: ForknoteWorld):
    world.fill(500_000_000)
    dear = world.make_adapter(fee="5000000")

    assert dear.quote(world.payment(1)).fee == 5_000_000
    assert dear.quote(world.payment(1)).wait == "about 2 minutes"
    dear.close()


def test_every_method_of_the_snake_dialect_that_a_flow_does_not_need_stays_out_of_it(snake: ForknoteWorld):
    """Deleting an address moves the ones behind it: only a test calls it."""
    snake.fill(500_000_000)
    snake.adapter.broadcast(snake.adapter.prepare([snake.payment(1_000_000)], []))
    snake.poll()
    snake.adapter.chores((), [])

    assert not {"delete_address", "deleteAddress"} & {method for method, _ in snake.node.calls()}
    doomed = snake.node.ask("create_address")["address"]
    snake.adapter.dialect.delete_address(doomed)
    assert not snake.adapter.is_ours(doomed)


# -- looking things up --


def test_every_reading_call_can_be_looked_up_and_no_other(world: ForknoteWorld):
    address = world.fill(500_000_000)
    fields = {
        "index": "1",
        "address": address,
        "transfer_id": "0",
        "transaction_id": "0",
        "payments": "ab" * 32 + ", " + "cd" * 32,
        "height": "0",
        "starting_transaction_id": "0",
        "max_transaction_count": "9",
        "firstBlockIndex": "0",
        "blockCount": "99",
        "addresses": address,
        "transactionHash": world.poll().transfers[0].txid,
        "threshold": "10000000",
    }
    world.adapter.health()
    for reading in world.adapter.readings():
        said = world.adapter.explore(reading.method, {one.name: fields.get(one.name, "") for one in reading.fields})
        assert "error" not in said, (reading.method, said)

    for method in (
        "send_transaction",
        "sendTransaction",
        "getSpendKeys",
        "getViewKey",
        "reset",
        "delete_address",
        "save",
    ):
        assert method not in {reading.method for reading in world.adapter.readings()}
        with pytest.raises(NodeRefused):
            world.adapter.explore(method, {})


def test_a_reading_call_with_wrong_fields_is_refused_in_words(world: ForknoteWorld):
    balance, listing = (
        ("get_actual_balance", "list_transactions") if world.dialect == "snake" else ("getBalance", "getBlockHashes")
    )
    with pytest.raises(NodeRefused, match="has no field 'x'"):
        world.adapter.explore(balance, {"x": "1"})
    first = "starting_transaction_id" if world.dialect == "snake" else "firstBlockIndex"
    for text in ("-1", "1.5", "a", "9" * 40):
        with pytest.raises(NodeRefused, match="whole number"):
            world.adapter.explore(listing, {first: text})
    assert world.adapter.explore(balance, {"address": ""})
    assert world.adapter.explore(balance, {"address": world.outside_address()})["error"]["message"]


# -- nonsense --

NONSENSE = {
    "empty text for a list": b'{"id":1,"jsonrpc":"2.0","result":{"transactions":"","items":"","addresses":""}}',
    "text for a number": b'{"id":1,"jsonrpc":"2.0","result":{"transactions_count":"3","blockCount":"3","count":"1"}}',
    "contents as text": b'{"id":1,"jsonrpc":"2.0","result":"{}"}',
    "a list": b"[]",
    "cut": b'{"id":1,"jsonrpc":"2.0","result":{"count":1',
    "neither result nor error": b'{"id":1,"jsonrpc":"2.0"}',
    "both": b'{"id":1,"error":{"code":1,"message":"x"},"result":{}}',
    "an error without a number": b'{"id":1,"error":{"message":"x"}}',
    "a fraction": b'{"id":1,"jsonrpc":"2.0","result":{"count":1.5,"blockCount":1.5,"knownBlockCount":1.5}}',
    "not text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("dialect", ["snake", "camel"])
def test_nonsense_is_a_node_that_is_down(what: str, status: int, dialect: str):
    payment, prepared = Payment("w1", ADDRESS, 1), Prepared("ab" * 32, "{}", 1)
    with stand_in.node(stand_in.body(NONSENSE[what], status), own_ids=False) as node:
        adapter = Forknote(ForknoteOptions(url=node.url, daemon_url=node.url, dialect=dialect))
        assert not adapter.health().ok
        for ask in (
            lambda: adapter.funds(()),
            lambda: adapter.transfers("", (), 3),
            lambda: adapter.transfer("ab" * 32),
            lambda: adapter.quote(payment),
            lambda: adapter.prepare([payment], []),
            lambda: adapter.is_ours(ADDRESS),
        ):
            with pytest.raises(NodeDown):
                ask()
        assert isinstance(adapter.broadcast(prepared), Unclear)
        assert isinstance(adapter.lookup(Tried(prepared, attempts=1)), Unknown)
        adapter.close()


def test_the_answer_to_another_call_is_not_taken():
    with stand_in.node(stand_in.body('{"id":999,"jsonrpc":"2.0","result":{"count":1}}')) as node:
        adapter = Forknote(ForknoteOptions(url=node.url, daemon_url=node.url, dialect="snake"))
        assert "another call" in adapter.health().reason
        adapter.close()


# -- addresses and payment ids --


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (ADDRESS[:-1], "wrong or missing"),
        (ADDRESS + "1", "wrong"),
        (ADDRESS.lower(), "cannot stand together"),
        (ADDRESS.replace("2", "0", 1), "cannot stand in an address"),
        (ADDRESS[:50] + ("A" if ADDRESS[50] != "A" else "B") + ADDRESS[51:], "wrong"),
        ("", "wrong or missing"),
    ],
)
def test_a_damaged_address_is_refused_with_the_reason(text: str, why: str):
    with pytest.raises(InvalidAddress) as refusal:
        offline().check_address(text)

    assert why in refusal.value.message
    assert offline().check_address(f" {ADDRESS}\n").address == ADDRESS


def test_an_address_of_another_coin_names_both_prefixes():
    with pytest.raises(InvalidAddress) as refusal:
        offline(address_prefix=111).check_address(ADDRESS)

    assert "prefix 6" in refusal.value.message
    assert "111" in refusal.value.message


@pytest.mark.parametrize(
    ("extra", "found"),
    [
        ("01" + "ab" * 32, ""),
        ("01" + "ab" * 32 + "022100" + "cd" * 32, "cd" * 32),
        ("022100" + "cd" * 32 + "01" + "ab" * 32, "cd" * 32),
        ("01" + "ab" * 26 + "022100" + "cd" * 3, ""),  # the same bytes inside a key
        ("0209" + "00" * 9 + "022100" + "cd" * 32, "cd" * 32),
        ("02" + "8001" + "11" * 128 + "022100" + "cd" * 32, "cd" * 32),
        ("0221", ""),
        ("02", ""),
        ("0280", ""),
        ("de", ""),
        ("", ""),
        ("zz", ""),
    ],
)
def test_a_payment_id_is_read_field_by_field(extra: str, found: str):
    assert payment_id_of(extra) == found


# -- settings --


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"mixin": 65_536}, "65535"),
        ({"mixin": -1}, "65535"),
        ({"mixin": True}, "mixin"),
        ({"mixin": 1, "lowest_mixin": 2}, "lowest_mixin"),
        ({"fee": "1.5"}, "fee"),
        ({"fee": "0"}, "fee"),
        ({"fee": str(2**63)}, "fee"),
        ({"dialect": "kebab"}, "dialect"),
        ({"receive": "both"}, "receive"),
        ({"genesis": "abc"}, "genesis"),
        ({"scheme": "a b"}, "scheme"),
        ({"url": "http://8.8.8.8:8070"}, "public"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(options: dict[str, object], why: str):
    with pytest.raises(ImproperlyConfigured, match=why):
        ForknoteOptions(**{"url": URL, **options})  # type: ignore[arg-type]


def test_a_public_walletd_needs_a_login_or_https():
    assert ForknoteOptions(url="https://8.8.8.8:8070")
    assert ForknoteOptions(url="http://8.8.8.8:8070", user="u", password="p")
    assert ForknoteOptions(url="http://walletd:8070")


def test_a_manager_is_told_what_to_configure():
    assert "container-file" in offline().setup_lines("https://site/notify")
    assert "wallet-file" in offline(dialect="snake").setup_lines("https://site/notify")
    assert "bind-address=127.0.0.1" in offline().setup_lines("https://site/notify")


def test_no_floating_point_is_near_an_amount():
    folder = Path(__file__).parents[3] / "adapters" / "forknote"

    assert [path.name for path in sorted(folder.glob("*.py")) if "float(" in path.read_text()] == []
