"""What the adapter makes of any answer: error codes, old versions, wrong shapes. The node is a stand-in over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import (
    AddressRequest,
    Health,
    NodeDown,
    NodeError,
    NodeRefused,
    NotEnoughFunds,
    Payment,
    Prepared,
    Refused,
    Sent,
    Tried,
    Unclear,
    Unknown,
)
from adapters.monero import Monero, MoneroOptions, codes
from adapters.monero.payments import Blob
from adapters.rpc import RpcError
from tests.adapters import stand_in
from tests.adapters.monero.test_addresses import STANDARD, SUBADDRESS
from tests.adapters.recordings import REPLIES
from tests.devnet.proxy import Exchange

TXID, IMAGE = "ab" * 32, "cd" * 32
INFO = {
    "status": "OK",
    "nettype": "mainnet",
    "height": 101,
    "target_height": 0,
    "synchronized": True,
    "offline": False,
    "untrusted": False,
    "version": "0.18.0.0",
}
ENTRY = {
    "address": SUBADDRESS,
    "amount": 7,
    "confirmations": 1,
    "fee": 2,
    "height": 100,
    "locked": True,
    "payment_id": "0" * 16,
    "subaddr_index": {"major": 0, "minor": 1},
    "timestamp": 1795164815,
    "txid": TXID,
    "type": "in",
    "unlock_time": 0,
}
OUTPUT = {"key_image": IMAGE, "amount": 10**12, "subaddr_index": {"minor": 1}, "unlocked": True, "frozen": False}
BALANCE = {"balance": 5, "unlocked_balance": 5}
AMOUNT = 5 * 10**11
MADE = {"amount": AMOUNT, "fee": 2, "tx_hash": TXID, "tx_metadata": "abcd", "tx_key": "ef" * 32}
HEALTHY: dict[str, Any] = {
    "get_version": {"version": 65561},
    "get_info": INFO,
    "get_address": {"address": STANDARD},
    "get_height": {"height": 101},
    "refresh": {"blocks_fetched": 0},
    "store": {},
    "freeze": {},
    "thaw": {},
    "create_address": {"address_index": 1, "address_indices": [1], "addresses": [SUBADDRESS]},
    "get_address_index": {"index": {"major": 0, "minor": 1}},
    "get_balance": {"per_subaddress": [BALANCE]},
    "get_transfers": {
        "in": [ENTRY],
        "out": [{**ENTRY, "type": "out", "destinations": [{"address": STANDARD, "amount": 7}]}],
    },
    "get_transfer_by_txid": {"transfers": [ENTRY]},
    "incoming_transfers": {"transfers": [OUTPUT]},
    "get_fee_estimate": {"status": "OK", "fee": 20, "fees": [20, 80, 320, 4000]},
    "transfer": {**MADE, "spent_key_images": {"key_images": [IMAGE]}},
    "relay_tx": {"tx_hash": TXID},
    "/get_transactions": {"status": "OK", "missed_tx": [TXID]},
    "/is_key_image_spent": {"status": "OK", "spent_status": [0]},
}
CALLS = sorted(HEALTHY)
PAYMENT = Payment("w1", STANDARD, AMOUNT)
BLOB = Blob(TXID, "abcd", (IMAGE,), "", 100, ((STANDARD, AMOUNT),))
PREPARED = Prepared(TXID, BLOB.text(), 2)
VERBS: dict[str, Callable[[Monero], Any]] = {
    "health": lambda adapter: adapter.health(),
    "funds": lambda adapter: adapter.funds(()),
    "new_address": lambda adapter: adapter.new_address(AddressRequest(number=1)),
    "is_ours": lambda adapter: adapter.is_ours(STANDARD),
    "transfers": lambda adapter: adapter.transfers("", (), 10),
    "transfer": lambda adapter: adapter.transfer(TXID),
    "quote": lambda adapter: adapter.quote(PAYMENT),
    "prepare": lambda adapter: adapter.prepare([PAYMENT], [Tried(PREPARED)]),
    "chores": lambda adapter: adapter.chores((), []),
    "broadcast": lambda adapter: adapter.broadcast(PREPARED),
    "lookup": lambda adapter: adapter.lookup(Tried(PREPARED, attempts=1)),
    "proof": lambda adapter: adapter.proof(Tried(PREPARED, attempts=1)),
}
NEVER_RAISE = {"health", "broadcast", "lookup", "proof"}
Node = tuple[dict[str, Any], Monero]


@pytest.fixture
def node() -> Iterator[Node]:
    """What the stand-in answers by call, to be changed by the test, and the adapter that asks it."""
    answers = dict(HEALTHY)

    def answer(exchange: Exchange, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        given = answers.get(exchange.method or exchange.path, RpcError(-32601, "Method not found"))
        if isinstance(given, bytes):
            return 200, {}, given
        if isinstance(given, RpcError):
            return 200, {}, json.dumps({"error": {"code": given.code, "message": given.message}, "id": 0}).encode()
        return 200, {}, json.dumps({"result": given, "id": 0} if exchange.method else given).encode()

    with stand_in.node(answer, own_ids=False) as proxy:
        adapter = Monero(MoneroOptions(wallet_url=proxy.url, daemon_url=proxy.url, outputs_ready=2))
        yield answers, adapter
        adapter.close()


def outcome(verb: str, adapter: Monero) -> NodeError | None:
    try:
        VERBS[verb](adapter)
    except NodeError as error:
        return error
    return None


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_healthy_stand_in_answers_everything(node: Node, verb: str):
    assert outcome(verb, node[1]) is None


# -- error codes --


def test_every_error_the_real_wallet_ever_gave_is_in_the_table():
    lines = [json.loads(line) for line in (REPLIES / "monero-0.18-errors.jsonl").read_text().splitlines()]
    seen = {line["code"] for line in lines}

    assert len(seen) >= 20
    assert seen <= set(codes.VERDICTS)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (-2, f"WALLET_RPC_ERROR_CODE_WRONG_ADDRESS: {STANDARD}", NodeRefused),
        (-5, "A single payment id is allowed per transaction", NodeRefused),
        (-46, "destination amount is zero", NodeRefused),
        (-16, "tx not possible", NotEnoughFunds),
        (-17, "not enough money", NotEnoughFunds),
        (-18, "Transaction would be too large.  try /transfer_split.", NotEnoughFunds),
        (-37, "not enough unlocked money", NotEnoughFunds),
        (-4, "transaction was not constructed", NodeDown),
        (-4, "Failed to get height", NodeDown),
        (0, "", NodeDown),
        (-7, "Command unavailable in restricted mode.", NodeDown),
        (-13, "No wallet file", NodeDown),
        (-38, "no connection to daemon", NodeDown),
        (-32602, "Invalid params", NodeDown),
        (-9999, "", NodeDown),
    ],
)
def test_an_error_while_preparing_is_definite_or_waits(node: Node, code: int, message: str, kind: type[NodeError]):
    answers, adapter = node
    answers["transfer"] = RpcError(code, message)

    error = outcome("prepare", adapter)

    assert type(error) is kind
    if isinstance(error, NodeRefused):
        assert error.address == STANDARD


@pytest.mark.parametrize(
    ("code", "kind"), [(-27, Refused), (-26, Refused), (-4, Unclear), (0, Unclear), (-38, Unclear), (-13, Unclear)]
)
def test_an_error_while_sending_is_unclear_unless_the_wallet_could_not_even_read_it(
    node: Node, code: int, kind: type[Any]
):
    answers, adapter = node
    answers["relay_tx"] = RpcError(code, "no")

    assert type(adapter.broadcast(PREPARED)) is kind


def test_a_failing_store_after_the_send_does_not_hide_that_it_was_sent(node: Node):
    answers, adapter = node
    answers["store"] = RpcError(-1, "disk full")

    assert adapter.broadcast(PREPARED) == Sent(TXID, 2)


def test_nothing_is_relayed_while_the_daemon_cannot_tell_whether_it_is_known(node: Node):
    answers, adapter = node
    answers["/get_transactions"] = b"<html>"
    answers["relay_tx"] = RpcError(-27, "must not be asked")

    assert isinstance(adapter.broadcast(PREPARED), Unclear)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (-13, "monero-wallet-rpc has no wallet open: start it with --wallet-file."),
        (-7, "monero-wallet-rpc runs with --restricted-rpc: start it without."),
        (-14, "The wallet has no account of this number: create it, or correct the number."),
        (0, "The wallet cannot reach its daemon."),
        (-9999, "The wallet says: no (-9999)"),
    ],
)
def test_health_says_each_trouble_in_one_sentence(node: Node, code: int, sentence: str):
    answers, adapter = node
    answers["get_address"] = RpcError(code, "no")

    assert adapter.health() == Health(ok=False, reason=sentence)


# -- old versions --


@pytest.mark.parametrize("call", [call for call in CALLS if not call.startswith("/") and call != "get_info"])
def test_a_call_that_an_old_wallet_does_not_know_is_reported(node: Node, call: str):
    answers, adapter = node
    del answers[call]
    errors = [str(outcome(verb, adapter)) for verb in VERBS] + [adapter.health().reason]

    told = [error for error in errors if "too old" in error or "Method not found" in error]
    assert told or call in ("thaw", "relay_tx", "store")


def test_an_old_wallet_is_refused_by_its_version(node: Node):
    answers, adapter = node
    answers["get_version"] = {"version": 65539}

    assert adapter.health().reason == "monero-wallet-rpc 1.3 is too old: this site needs 1.25 or later."


@pytest.mark.parametrize(
    ("field", "words"),
    [("tx_metadata", "no signed payment"), ("spent_key_images", "unexpected"), ("tx_hash", "unexpected")],
)
def test_a_field_that_an_old_wallet_does_not_give_is_reported_never_guessed(node: Node, field: str, words: str):
    answers, adapter = node
    answers["transfer"] = {key: value for key, value in HEALTHY["transfer"].items() if key != field}

    with pytest.raises(NodeDown, match=words):
        adapter.prepare([PAYMENT], [])


def test_a_daemon_without_fee_levels_quotes_only_the_lowest(node: Node):
    answers, adapter = node
    answers["get_fee_estimate"] = {"status": "OK", "fee": 20}

    assert adapter.quote(PAYMENT).fee == 20 * 2200
    with pytest.raises(NodeDown, match="too old"):
        adapter.quote(Payment("w1", STANDARD, AMOUNT, level="elevated"))


# -- a daemon that must not be believed --


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nettype": "testnet"}, "monerod is on the test network, this wallet expects the main network."),
        ({"nettype": "moon"}, "monerod is on the network 'moon', this wallet expects the main network."),
        ({"synchronized": False}, "monerod is still catching up: block 101 of 101."),
        ({"target_height": 500}, "monerod is still catching up: block 101 of 500."),
        ({"busy_syncing": True}, "monerod is still catching up"),
        ({"offline": True}, "monerod runs with --offline"),
        ({"untrusted": True}, "bootstrap daemon"),
        ({"status": "BUSY"}, "monerod is not ready: BUSY"),
    ],
)
def test_a_daemon_that_is_behind_or_elsewhere_proves_nothing(node: Node, change: dict[str, Any], words: str):
    answers, adapter = node
    answers["get_info"] = {**INFO, **change}

    assert words in adapter.health().reason
    for verb in ("transfers", "transfer", "prepare", "chores"):
        assert words in str(outcome(verb, adapter))
    found = adapter.lookup(Tried(PREPARED, attempts=1))
    assert isinstance(found, Unknown)
    assert words in found.reason


def test_a_wallet_that_is_far_behind_its_daemon_tells_no_transfers(node: Node):
    answers, adapter = node
    answers["get_height"] = {"height": 50}

    with pytest.raises(NodeDown, match="still reading the chain: block 50 of 101"):
        adapter.transfers("", (), 10)


def test_a_spent_coin_whose_spender_nobody_knows_is_for_people(node: Node):
    answers, adapter = node
    answers["/is_key_image_spent"] = {"status": "OK", "spent_status": [1]}
    answers["get_transfers"] = {}

    assert adapter.lookup(Tried(PREPARED, attempts=1)) == Unknown(
        "Its coins are spent by a payment that the wallet does not know: a person must decide."
    )


def test_a_wallet_that_builds_another_payment_is_not_followed(node: Node):
    answers, adapter = node
    answers["transfer"] = {**HEALTHY["transfer"], "amount": AMOUNT + 1}

    with pytest.raises(NodeDown, match="another payment"):
        adapter.prepare([PAYMENT], [])


def test_an_entry_of_the_pool_without_an_amount_is_not_a_deposit(node: Node):
    answers, adapter = node
    answers["get_transfers"] = {"pool": [{**ENTRY, "type": "pool", "amount": 0}]}

    assert adapter.transfers("", (), 10).transfers == ()


def test_a_transaction_in_a_block_and_in_the_pool_is_told_once(node: Node):
    answers, adapter = node
    answers["get_transfers"] = {"in": [ENTRY], "pool": [{**ENTRY, "type": "pool"}]}

    (one,) = adapter.transfers("", (), 10).transfers

    assert one.confirmations == 1


# -- rubbish --

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


def _places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from _places(value, (*path, key))


def _changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = _changed(data[path[0]], path[1:], value)
    return copy


PLACES = [(call, path) for call in CALLS for path in _places(HEALTHY[call])]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), verb=st.sampled_from(sorted(VERBS)), value=anything)
def test_any_value_at_any_place_of_an_answer_is_an_answer_of_ours(
    node: Node, place: tuple[str, tuple[Any, ...]], verb: str, value: Any
):
    answers, adapter = node
    call, path = place
    answers[call] = _changed(HEALTHY[call], path, value)
    try:
        raised = outcome(verb, adapter)
    finally:
        answers[call] = HEALTHY[call]

    assert raised is None or verb not in NEVER_RAISE


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"<html>", b'{"result":{"versio', b'{"result":NaN,"id":1}'])
@pytest.mark.parametrize("verb", sorted(VERBS))
def test_an_answer_that_is_cut_or_no_json_moves_nothing(node: Node, verb: str, raw: bytes):
    answers, adapter = node
    for call in CALLS:
        answers[call] = raw

    if verb == "health":
        assert not adapter.health().ok
    elif verb == "broadcast":
        assert isinstance(adapter.broadcast(PREPARED), Unclear)
    elif verb == "lookup":
        assert isinstance(adapter.lookup(Tried(PREPARED, attempts=1)), Unknown)
    else:
        assert isinstance(outcome(verb, adapter), NodeDown) or verb == "proof"
