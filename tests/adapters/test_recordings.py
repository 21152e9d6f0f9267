"""The recordings are no accomplices: what differs from the request that was recorded is noticed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.adapters import recordings
from tests.adapters.monero import recordings as monero
from tests.devnet.digest import DigestRpc
from tests.devnet.proxy import Proxy
from tests.devnet.rpc import CallError, DevnetError, Rpc

Call = tuple[str, list[Any], int]  # method, parameters, result
HEIGHT: Call = ("getblockcount", [], 111)
BALANCE: Call = ("getbalance", ["*", 6], 5)
Ask = Callable[..., Any]
Script = Callable[[Ask, Ask], None]  # the caller with its login, and one without


def as_recorded(ask: Ask, stranger: Ask) -> None:
    assert (ask("getblockcount"), ask("getbalance", "*", 6)) == (111, 5)


def another_method(ask: Ask, stranger: Ask) -> None:
    ask("getbestblockhash")


def other_params(ask: Ask, stranger: Ask) -> None:
    ask("getblockcount")
    ask("getbalance", "*", 1)


def another_order(ask: Ask, stranger: Ask) -> None:
    ask("getbalance", "*", 6)


def no_login(ask: Ask, stranger: Ask) -> None:
    stranger("getblockcount")


def one_call_more(ask: Ask, stranger: Ask) -> None:
    as_recorded(ask, stranger)
    ask("getblockcount")


def one_call_less(ask: Ask, stranger: Ask) -> None:
    ask("getblockcount")


WRONG = [another_method, other_params, another_order, no_login, one_call_more, one_call_less]


@pytest.mark.parametrize("script", [as_recorded, *WRONG], ids=lambda script: script.__name__)
def test_a_replay_of_litecoind_fails_when_a_request_differs(tmp_path: Path, script: Script):
    file = tmp_path / "replies.jsonl"
    rows = [
        {"path": "/", "method": method, "params": params, "status": 200,
         "body": json.dumps({"result": result, "error": None, "id": 1}, separators=(",", ":"))}
        for method, params, result in (HEIGHT, BALANCE)
    ]  # fmt: skip
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    playback = recordings.Playback(file)
    proxy = Proxy(lambda: playback)
    try:
        judge(script, Rpc(proxy.port, user="site", password="x"), Rpc(proxy.port), playback.check)
    finally:
        proxy.close()


@pytest.mark.parametrize("script", [as_recorded, *WRONG], ids=lambda script: script.__name__)
def test_a_replay_of_monero_fails_when_a_request_differs(tmp_path: Path, script: Script):
    file = tmp_path / "replies.jsonl"
    rows = [
        {"on": "site", "method": method, "params": {"of": params}, "body": json.dumps({"id": 0, "result": result})}
        for method, params, result in (HEIGHT, BALANCE)
    ]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    playback = monero.Playback(file)
    proxy = playback.proxy("site")
    try:
        ours, stranger = DigestRpc(proxy.port, "site", "x"), DigestRpc(proxy.port)
        judge(
            script,
            lambda method, *params: ours(method, of=list(params)),
            lambda method, *params: stranger(method, of=list(params)),
            playback.check,
        )
    finally:
        proxy.close()


def judge(script: Script, ask: Ask, stranger: Ask, check: Callable[[], None]) -> None:
    if script is as_recorded:
        script(ask, stranger)
        check()
        return
    with contextlib.suppress(CallError, DevnetError, ValueError):  # a refused call may be noticed at once
        script(ask, stranger)
    with pytest.raises(AssertionError):
        check()
