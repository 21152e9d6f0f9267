"""Every error code and every odd reply of a Bitcoin-like node ends as one of our own answers."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import (
    AddressRequest,
    Health,
    InvalidAddress,
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
)
from adapters.bitcoinlike import BitcoinLike, BitcoinOptions, codes
from adapters.bitcoinlike.payments import Blob
from adapters.rpc import RpcError
from tests.adapters import recordings, stand_in
from tests.adapters.test_rpc import anything
from tests.devnet.proxy import Answered, Exchange

TXID, BLOCK, COIN = "aa" * 32, "bb" * 32, "cc" * 32
ADDRESS = "rltc1qsh0ss6s75xjxmq5ucgyu5mpg2cvnkmtgt722t6"
PREPARED = Prepared(TXID, Blob("00", ((COIN, 0),), ((ADDRESS, 100_000_000),), 2, BLOCK).text(), 2820, TXID)
PAYMENT = Payment("w1", ADDRESS, 100_000_000)
ENTRY = {
    "address": ADDRESS,
    "category": "receive",
    "amount": 1.5,
    "vout": 0,
    "confirmations": 1,
    "txid": TXID,
    "time": 1795165382,
    "blockheight": 7,
}
SCRIPT = {"addresses": [ADDRESS]}
VOUT = {"value": 1, "scriptPubKey": SCRIPT}
DECODED = {"txid": TXID, "vsize": 141, "vin": [{"txid": COIN, "vout": 0}], "vout": [VOUT]}
CHAIN = {"chain": "regtest", "blocks": 10, "headers": 10, "initialblockdownload": False, "bestblockhash": BLOCK}
HEALTHY: dict[str, Any] = {
    "getblockchaininfo": CHAIN,
    "getnetworkinfo": {"subversion": "/LitecoinCore:0.21.2.1/"},
    "getwalletinfo": {"private_keys_enabled": True},
    "getbalances": {"mine": {"trusted": 5, "untrusted_pending": 0, "immature": 0}},
    "getnewaddress": ADDRESS,
    "getaddressinfo": {"ismine": True, "ischange": False},
    "listsinceblock": {"transactions": [ENTRY], "removed": [ENTRY], "lastblock": BLOCK},
    "gettransaction": {**ENTRY, "details": [ENTRY], "hex": "00", "walletconflicts": [COIN], "blockhash": BLOCK},
    "getblockhash": BLOCK,
    "getblockheader": {"confirmations": 3},
    "estimatesmartfee": {"blocks": 0},
    "getmempoolinfo": {"mempoolminfee": 0.00001, "minrelaytxfee": 0.00001},
    "listlockunspent": [],
    "lockunspent": True,
    "createrawtransaction": "00",
    "fundrawtransaction": {"hex": "00", "fee": 0.0000282},
    "signrawtransactionwithwallet": {"hex": "00", "complete": True},
    "decoderawtransaction": DECODED,
    "testmempoolaccept": [{"allowed": True}],
    "sendrawtransaction": TXID,
    "getmempoolentry": {},
    "gettxout": {"confirmations": 1},
    "getrawtransaction": {"confirmations": 1},
    "listunspent": [{"amount": 1, "txid": COIN, "vout": number, "spendable": True} for number in range(3)],
    "getrawchangeaddress": ADDRESS,
}
VERBS: dict[str, Callable[[BitcoinLike], object]] = {
    "health": lambda adapter: adapter.health(),
    "funds": lambda adapter: adapter.funds(()),
    "new_address": lambda adapter: adapter.new_address(AddressRequest(number=1)),
    "is_ours": lambda adapter: adapter.is_ours(ADDRESS),
    "transfers": lambda adapter: adapter.transfers("", (), 3),
    "transfer": lambda adapter: adapter.transfer(TXID),
    "quote": lambda adapter: adapter.quote(PAYMENT),
    "prepare": lambda adapter: adapter.prepare([PAYMENT], [Tried(PREPARED)]),
    "chores": lambda adapter: adapter.chores((), [Tried(PREPARED)]),
    "broadcast": lambda adapter: adapter.broadcast(PREPARED),
    "lookup": lambda adapter: adapter.lookup(Tried(PREPARED, attempts=1, outcome="unclear")),
}
NEVER_RAISE = {"health", "broadcast", "lookup"}
CALLS = sorted(HEALTHY)


class ScriptedNode:
    """A node whose answers a test replaces one by one."""

    def __init__(self) -> None:
        self.answers = copy.deepcopy(HEALTHY)
        self.asked: set[str] = set()

    def __call__(self, exchange: Exchange, headers: dict[str, str]) -> Answered:
        self.asked.add(exchange.method)
        answer = self.answers[exchange.method]
        if isinstance(answer, RpcError):
            return 500, {}, stand_in.error(answer.code, answer.message)
        return 200, {}, json.dumps({"result": answer, "error": None}).encode()


def outcome(verb: str, adapter: BitcoinLike) -> NodeError | None:
    """What this verb raised of our own errors; any other error fails the test."""
    try:
        VERBS[verb](adapter)
    except NodeError as trouble:
        return trouble
    return None


@pytest.fixture(scope="module")
def scripted() -> Iterator[tuple[ScriptedNode, BitcoinLike]]:
    script = ScriptedNode()
    with stand_in.node(script, own_ids=False) as proxy:
        options = BitcoinOptions(url=proxy.url, network="regtest", consolidate_at=2)
        adapter = BitcoinLike(options)
        yield script, adapter
        adapter.close()


@pytest.fixture
def node(scripted: tuple[ScriptedNode, BitcoinLike]) -> tuple[dict[str, Any], BitcoinLike]:
    script, adapter = scripted
    script.answers = copy.deepcopy(HEALTHY)
    return script.answers, adapter


def test_the_scripted_node_is_healthy(node: tuple[dict[str, Any], BitcoinLike]):
    _, adapter = node

    assert adapter.health() == Health(True, "", "LitecoinCore:0.21.2.1", "regtest", 10)
    assert adapter.prepare([PAYMENT], []).fee == 2820
    assert adapter.broadcast(PREPARED) == Sent(TXID, 2820)
    assert len(adapter.transfers("", (), 3).transfers) == 1


@pytest.mark.parametrize("verb", VERBS)
def test_an_error_of_any_call_is_an_answer_of_ours(scripted: tuple[ScriptedNode, BitcoinLike], verb: str):
    script, adapter = scripted
    script.answers, script.asked = copy.deepcopy(HEALTHY), set()
    outcome(verb, adapter)
    for call in sorted(script.asked):
        for code in (*codes.VERDICTS, -9999, 0, 1):
            script.answers[call] = RpcError(code, "no")
            raised = outcome(verb, adapter)
            assert raised is None or (verb not in NEVER_RAISE and type(raised) is not RpcError), (call, code)
        script.answers[call] = HEALTHY[call]


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (-25, "bad-txns-inputs-missingorspent", Refused),
        (-26, "txn-mempool-conflict", Refused),
        (-27, "Transaction already in block chain", Sent),
        (-28, "Loading block index...", Unclear),
        (-22, "TX decode failed", Unclear),
        (-1, "", Unclear),
        (-4, "", Unclear),
        (-13, "", Unclear),
        (-18, "", Unclear),
        (-32601, "Method not found", Unclear),
        (-32603, "", Unclear),
        (7, "what is this", Unclear),
    ],
)
def test_only_a_definite_answer_to_a_broadcast_is_definite(
    node: tuple[dict[str, Any], BitcoinLike], code: int, message: str, expected: type
):
    answers, adapter = node
    answers["sendrawtransaction"] = RpcError(code, message)

    assert isinstance(adapter.broadcast(PREPARED), expected)


def test_another_txid_than_ours_is_unclear(node: tuple[dict[str, Any], BitcoinLike]):
    answers, adapter = node
    answers["sendrawtransaction"] = COIN

    assert isinstance(adapter.broadcast(PREPARED), Unclear)


@pytest.mark.parametrize(
    ("call", "code", "message", "expected"),
    [
        ("createrawtransaction", -5, "Invalid Litecoin address: abc", NodeRefused),
        ("createrawtransaction", -3, "Invalid amount", NodeRefused),
        ("createrawtransaction", -8, "Invalid parameter, duplicated address", NodeRefused),
        ("fundrawtransaction", -4, "Insufficient funds", NotEnoughFunds),
        ("fundrawtransaction", -6, "Insufficient funds", NotEnoughFunds),
        ("fundrawtransaction", -4, "Transaction too large", NotEnoughFunds),
        ("fundrawtransaction", -4, "Transaction has too long of a mempool chain", NotEnoughFunds),
        ("fundrawtransaction", -4, "Transaction amount too small", NodeRefused),
        ("fundrawtransaction", -4, "The transaction amount is too small to pay the fee", NodeRefused),
        ("fundrawtransaction", -4, "Error: Private keys are disabled for this wallet", NodeDown),
        ("fundrawtransaction", -6, "Fee exceeds maximum configured by user (e.g. -maxtxfee)", NodeDown),
        ("signrawtransactionwithwallet", -13, "Error: Please enter the wallet passphrase", NodeDown),
        ("signrawtransactionwithwallet", -22, "TX decode failed", NodeDown),
        ("getblockchaininfo", -28, "Loading block index...", NodeDown),
        ("estimatesmartfee", -8, "Invalid conf_target", NodeDown),
    ],
)
def test_what_an_error_means_for_a_preparation(
    node: tuple[dict[str, Any], BitcoinLike], call: str, code: int, message: str, expected: type[NodeError]
):
    answers, adapter = node
    answers[call] = RpcError(code, message)

    with pytest.raises(NodeError) as trouble:
        adapter.prepare([PAYMENT], [])

    assert type(trouble.value) is expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("dust", NodeRefused),
        ("too-long-mempool-chain", NotEnoughFunds),
        ("min relay fee not met", NodeDown),
        ("missing-inputs", NodeDown),
    ],
)
def test_what_the_mempool_would_not_take_is_not_recorded(
    node: tuple[dict[str, Any], BitcoinLike], reason: str, expected: type[NodeError]
):
    answers, adapter = node
    answers["testmempoolaccept"] = [{"allowed": False, "reject-reason": reason}]

    with pytest.raises(NodeError) as trouble:
        adapter.prepare([PAYMENT], [])

    assert type(trouble.value) is expected


def test_a_fee_above_the_highest_rate_is_not_signed_for(node: tuple[dict[str, Any], BitcoinLike]):
    answers, adapter = node
    answers["fundrawtransaction"] = {"hex": "00", "fee": 0.01}

    with pytest.raises(NodeDown, match="max_fee_rate"):
        adapter.prepare([PAYMENT], [])


@pytest.mark.parametrize(
    "change",
    [
        {"initialblockdownload": True},
        {"blocks": 9},
        {"chain": "main"},
    ],
)
def test_a_node_that_is_behind_or_elsewhere_is_asked_nothing_more(
    node: tuple[dict[str, Any], BitcoinLike], change: dict[str, Any]
):
    answers, adapter = node
    answers["getblockchaininfo"] = {**CHAIN, **change}

    assert not adapter.health().ok
    for verb in ("funds", "is_ours", "transfers", "transfer", "quote", "prepare", "chores"):
        with pytest.raises(NodeDown):
            VERBS[verb](adapter)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (-28, "The node is starting: Verifying blocks..."),
        (-18, "The node has no wallet of this name loaded: load it, or correct the name."),
        (-32601, "The node does not know a call this wallet needs: it is too old, or has no wallet."),
        (-9999, "The node says: Verifying blocks... (-9999)"),
    ],
)
def test_health_says_each_trouble_in_one_sentence(node: tuple[dict[str, Any], BitcoinLike], code: int, sentence: str):
    answers, adapter = node
    for call in CALLS:
        answers[call] = RpcError(code, "Verifying blocks...")

    assert adapter.health() == Health(ok=False, reason=sentence)


def test_every_error_the_real_daemon_ever_gave_is_in_the_table():
    lines = (recordings.REPLIES / "litecoind-0.21-errors.jsonl").read_text().splitlines()
    seen = {json.loads(json.loads(line)["body"])["error"]["code"] for line in lines}

    assert len(seen) >= 15
    assert seen <= set(codes.VERDICTS)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=st.sampled_from(CALLS), verb=st.sampled_from(sorted(VERBS)), answer=anything)
def test_any_answer_to_any_call_is_an_answer_of_ours(
    node: tuple[dict[str, Any], BitcoinLike], call: str, verb: str, answer: Any
):
    answers, adapter = node
    answers[call] = json.loads(json.dumps(answer, default=str))
    raised = outcome(verb, adapter)
    answers[call] = HEALTHY[call]

    assert raised is None or verb not in NEVER_RAISE


def _places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from _places(value, (*path, key))


PLACES = [(call, path) for call in CALLS for path in _places(HEALTHY[call]) if path]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), verb=st.sampled_from(sorted(VERBS)), value=anything)
def test_any_value_at_any_place_of_an_answer_is_an_answer_of_ours(
    node: tuple[dict[str, Any], BitcoinLike], place: tuple[str, tuple[Any, ...]], verb: str, value: Any
):
    answers, adapter = node
    call, path = place
    changed = copy.deepcopy(HEALTHY[call])
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = json.loads(json.dumps(value, default=str))
    answers[call] = changed
    raised = outcome(verb, adapter)
    answers[call] = HEALTHY[call]

    assert raised is None or verb not in NEVER_RAISE


@pytest.mark.parametrize(
    "change",
    [
        {"coin": "florin"},
        {"coin": "dogecoin", "network": "signet"},
        {"conf_target": 0},
        {"max_fee_rate": "12"},
        {"max_batch": True},
        {"fallback_fee_rate": 600},
    ],
)
def test_options_that_cannot_be_are_refused(change: dict[str, Any]):
    with pytest.raises(ImproperlyConfigured):
        BitcoinOptions(**{"url": "http://127.0.0.1:1", **change})


def test_the_password_does_not_show():
    options = BitcoinOptions(url="http://127.0.0.1:1", user="site", password="hunter2")

    assert "hunter2" not in repr(options)


@pytest.mark.parametrize(
    "url",
    ["https://wallets.example/wallets/notify/LTC", "https://wallets.example/wallets/notify/LTC/{kind}"],
)
def test_the_setup_lines_call_the_notify_url(url: str):
    adapter = BitcoinLike(BitcoinOptions(url="http://127.0.0.1:1"))

    assert adapter.setup_lines(url).splitlines() == [
        "server=1",
        "walletnotify=curl -sS -m 5 -o /dev/null -H 'Content-Type: text/plain' -d %w "
        "'https://wallets.example/wallets/notify/LTC/wallet/%s'",
        "blocknotify=curl -sS -m 5 -o /dev/null 'https://wallets.example/wallets/notify/LTC/block/%s'",
    ]


@pytest.mark.parametrize(
    ("body", "worth"),
    [(b"hot", True), (b"hot\n", True), (b"", True), (b"%w", True), (b"payer", False), (b"\xff", False)],
)
def test_a_hint_from_another_wallet_of_the_node_is_nothing(body: bytes, worth: bool):
    adapter = BitcoinLike(BitcoinOptions(url="http://127.0.0.1:1", wallet="hot"))

    assert (adapter.hint("wallet", TXID, body) is not None) is worth
    assert BitcoinLike(BitcoinOptions(url="http://127.0.0.1:1")).hint("wallet", TXID, body) is not None


def test_an_entry_of_an_orphaned_block_is_looked_up_again(node: tuple[dict[str, Any], BitcoinLike]):
    answers, adapter = node
    answers["listsinceblock"] = {"transactions": [], "removed": [ENTRY], "lastblock": BLOCK}
    answers["gettransaction"] = {**HEALTHY["gettransaction"], "confirmations": 2}

    (one,) = adapter.transfers("", (), 3).transfers

    assert (one.txid, one.amount, one.confirmations) == (TXID, 150_000_000, 2)


def test_an_address_that_is_no_text_is_not_handed_out(node: tuple[dict[str, Any], BitcoinLike]):
    answers, adapter = node
    answers["getnewaddress"] = 7

    with pytest.raises(NodeDown):
        adapter.new_address(AddressRequest(number=1))
    with pytest.raises(InvalidAddress):
        adapter.check_address("7")
