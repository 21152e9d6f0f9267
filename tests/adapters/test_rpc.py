"""The JSON-RPC client: every odd answer ends as NodeDown or RpcError, and no secret shows."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.base import NodeDown, NodeError
from adapters.rpc import JsonRpc, Reply, RpcError, atomic, coins, parse
from tests.adapters import stand_in
from tests.devnet.processes import free_port
from tests.devnet.proxy import Answered, Exchange

SECRET = "hunter2-hunter2"


def ask(answer: stand_in.Answer, method: str = "getblockcount", **login: Any) -> Any:
    with stand_in.node(answer) as proxy:
        rpc = JsonRpc(proxy.url, **login)
        try:
            return rpc.call(method)
        finally:
            rpc.close()


def test_a_result_comes_with_exact_numbers():
    answer = stand_in.body('{"result":{"a":0.10000000,"b":90071992547409931,"c":1e-8},"error":null,"id":1}')

    assert ask(answer) == {"a": Decimal("0.1"), "b": 90071992547409931, "c": Decimal("0.00000001")}


@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_an_error_is_taken_from_the_body_whatever_the_status(status: int):
    with pytest.raises(RpcError) as trouble:
        ask(stand_in.body(stand_in.error(-5, "Block not found\nmore"), status))

    assert (trouble.value.code, trouble.value.message) == (-5, "Block not found")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "the node refuses our user name or password (HTTP 401)"),
        (403, "the node forbids us this call (HTTP 403): check its list of allowed addresses and methods"),
        (502, "the node's answer cannot be read (HTTP 502)"),
        (200, "the node's answer cannot be read (HTTP 200)"),
    ],
)
def test_an_empty_answer_is_said_to_be_what_it_is(status: int, sentence: str):
    with pytest.raises(NodeDown) as trouble:
        ask(stand_in.body(b"", status), user="site", password=SECRET)

    assert str(trouble.value) == sentence


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b'{"result":1}',
        b'{"result":1,"id":2}',
        b'{"result":NaN,"id":1}',
        b'{"result":-Infinity,"id":1}',
        b'{"result":' + b"9" * 5000 + b',"id":1}',
        b'{"result":1e' + b"9" * 100 + b',"id":1}',
        b"[" * 100_000,
        b'{"error":"text","id":1}',
        b'{"error":{"code":"x"},"id":1}',
        b'{"error":{"code":true},"id":1}',
        b'{"error":[],"id":1}',
        b'{"result":"\xff\xfe","id":1}',
    ],
)
def test_rubbish_is_a_node_that_is_down(answer: bytes):
    with pytest.raises(NodeDown):
        ask(stand_in.body(answer))


def test_nobody_there_is_a_node_that_is_down():
    rpc = JsonRpc(f"http://127.0.0.1:{free_port()}", user="site", password=SECRET)

    with pytest.raises(NodeDown, match="connection refused"):
        rpc.call("getblockcount")


@pytest.mark.parametrize("fault", ["swallow", "drop_reply", "cut_reply"])
def test_a_lost_answer_is_a_node_that_is_down_and_nothing_is_asked_twice(fault: str):
    asked: list[str] = []

    def answer(exchange: Exchange, headers: dict[str, str]) -> Answered:
        asked.append(exchange.method)
        return 200, {}, b'{"result":1,"error":null,"id":1}'

    with stand_in.node(answer) as proxy:
        getattr(proxy, fault)("sendrawtransaction")
        rpc = JsonRpc(proxy.url)
        with pytest.raises(NodeDown):
            rpc.call("sendrawtransaction", ["00"])
        rpc.close()

    assert len(asked) == (0 if fault == "swallow" else 1)


def test_calls_of_one_step_share_its_time():
    never = threading.Event()

    def answer(exchange: Exchange, headers: dict[str, str]) -> Answered:
        never.wait(0.3)
        return 200, {}, b'{"result":1,"error":null,"id":1}'

    with stand_in.node(answer) as proxy:
        rpc = JsonRpc(proxy.url)
        with rpc.within(0.5):
            first = rpc.call("getblockcount")
            with rpc.within(100), pytest.raises(NodeDown):
                rpc.call("getblockcount")
            with pytest.raises(NodeDown, match="the time for this step is over"):
                rpc.call("getblockcount")
        rpc.close()

    assert first == 1


def test_no_secret_shows_in_errors_or_repr():
    rpc = JsonRpc(f"http://127.0.0.1:{free_port()}", user="site", password=SECRET)

    with pytest.raises(NodeDown) as trouble:
        rpc.call("walletpassphrase", [SECRET, 60])

    shown = "".join(map(repr, (rpc, trouble.value, trouble.value.__cause__, trouble.value.__context__)))
    assert SECRET not in shown


def test_a_basic_login_is_sent_with_the_first_call():
    seen: list[str] = []

    def answer(exchange: Exchange, headers: dict[str, str]) -> Answered:
        seen.append(headers.get("Authorization", ""))
        return 200, {}, b'{"result":1,"error":null,"id":1}'

    ask(answer, user="ålice", password="sécret")

    assert seen == ["Basic w6VsaWNlOnPDqWNyZXQ="]


class DigestNode:
    """A node whose digest logins die when it is told so, as monero-wallet-rpc's do with their connection."""

    def __init__(self) -> None:
        self.nonce = 1
        self.seen: list[str] = []

    def __call__(self, exchange: Exchange, headers: dict[str, str]) -> Answered:
        asked = dict(re.findall(r'(\w+)="?([^",]+)"?', headers.get("Authorization", "")))
        self.seen.append(asked.get("nonce", ""))
        if asked.get("nonce") != str(self.nonce) or asked.get("response") != self._expected(asked):
            challenge = f'Digest qop="auth",algorithm=MD5,realm="rpc",nonce="{self.nonce}",stale=false'
            return 401, {"WWW-Authenticate": challenge}, b"<html>"
        return 200, {}, b'{"result":1,"error":null,"id":%d}' % (1 if self.nonce == 1 else 2)

    @staticmethod
    def _expected(asked: dict[str, str]) -> str:
        def md5(*parts: str) -> str:
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        first, second = md5("site", "rpc", SECRET), md5("POST", asked["uri"])
        return md5(first, asked["nonce"], asked["nc"], asked["cnonce"], asked["qop"], second)


def test_a_digest_login_is_made_anew_when_the_node_has_forgotten_it():
    fake = DigestNode()
    with stand_in.node(fake) as proxy:
        rpc = JsonRpc(proxy.url, user="site", password=SECRET, auth="digest")
        first = rpc.call("get_version")
        fake.nonce = 7
        second = rpc.call("get_version")
        rpc.close()

    assert (first, second) == (1, 1)
    assert fake.seen[:2] == ["", "1"]
    assert fake.seen[-1] == "7"


def test_a_wrong_digest_password_is_tried_on_one_new_connection_and_then_given_up():
    fake = DigestNode()
    with pytest.raises(NodeDown, match="HTTP 401"):
        ask(fake, user="site", password="wrong", auth="digest")

    assert len(fake.seen) <= 4


# -- amounts --


@given(st.integers(-(10**30), 10**30), st.integers(0, 30))
def test_amounts_survive_the_way_to_the_node_and_back(amount: int, decimals: int):
    text = coins(amount, decimals)

    assert atomic(Decimal(text), decimals) == amount


@pytest.mark.parametrize("value", [Decimal("0.000000001"), Decimal("1E+1000000"), "1.5", None, True, [], 1.5])
def test_an_amount_that_is_not_exact_is_not_read(value: object):
    with pytest.raises(NodeDown):
        atomic(value, 8)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1.5", 150_000_000), ("-0.00002820", -2820), ("1e-8", 1), ("0E-8", 0), ("20999999.97690000", 2099999997690000)],
)
def test_the_numbers_nodes_write_are_read_exactly(text: str, amount: int):
    assert atomic(parse(text.encode()), 8) == amount


# -- fuzz --

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(max_size=200))
@example(b"[" * 5000)
def test_any_bytes_are_read_or_refused(body: bytes):
    try:
        parse(body)
    except NodeError:
        return


@given(anything, st.sampled_from(["text", "whole", "flag", "part", "parts", "texts"]), st.sampled_from("abc"))
def test_any_answer_is_read_or_refused(data: Any, reader: str, key: str):
    try:
        getattr(Reply(data, "test"), reader)(key)
    except NodeError:
        return


@given(anything)
def test_any_amount_is_read_or_refused(value: Any):
    try:
        assert isinstance(atomic(value, 8), int)
    except NodeError:
        return


def test_the_text_of_an_error_is_cut_short():
    with pytest.raises(RpcError) as trouble:
        ask(stand_in.body(json.dumps({"error": {"code": -1, "message": "x" * 10_000}, "id": 1})))

    assert len(str(trouble.value)) == 200
