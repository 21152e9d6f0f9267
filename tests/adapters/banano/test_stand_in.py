"""The stand-in against recordings of a real node (nano-node V24.0): every call again, in order, run by run.

A difference is allowed only where DIFFERENT or NOT_MODELLED names it and says why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.codecs import banano_crypto as crypto
from tests.adapters.banano.world import BananoWorld
from tests.nodes.banano.calls import Calls
from tests.nodes.banano.ledger import Ledger
from tests.nodes.banano.server import EASY, GENESIS_KEY
from tests.nodes.banano.wallet import Held, WalletCalls

REPLIES = Path(__file__).parent / "replies"
LIVE_WORK = 0xFFFFFE0000000000
USER_SEED = "9F0E444C69F77A49BD0BE89DB92C38FE713E0963165CCA12FAF5712D7657120F"

CLOCKS = {"local_timestamp", "modified_timestamp", "build_info", "seconds"}

# 1: random. 2: a sum in floating point whose last digit differs. 3: a cache that the real node trims when it likes.
DIFFERENT = {
    "work": 1,
    "difficulty": 1,
    "multiplier": 2,
    "unchecked": 3,
}
DIFFERS_IN = {
    "work_generate": {"work", "difficulty", "multiplier"},
    "work_validate": {"multiplier"},
    "block_count": {"unchecked"},
    "wallet_create": {"wallet"},
}

# Calls that this site never makes, so that the stand-in does not answer them; the four with a key in the request
# must never be made at all.
NOT_MODELLED = {
    "block_create": "carries a private key",
    "confirmation_history": "timing of votes, for debugging",
    "confirmation_info": "votes, for debugging",
    "confirmation_quorum": "votes, for debugging",
    "key_create": "gives a private key",
    "node_id": "gives a private key",
    "sign": "carries a private key",
    "stats": "counters, for debugging",
    "telemetry": "sums over peers, which a network of one does not have",
    "wallet_info": "counters of the node's wallet",
    "wallet_seed": "gives the seed",
}

# The last call at which each of these was not yet confirmed; everything else was, a moment after it arrived.
UNCONFIRMED_UNTIL = {
    "85F0AA42": "wallet_add",
    "6A1B6E25": "u1_after_pocket_immediately",
    "30AF7477": "hot_info_pipeline",
    "E5F9688A": "u67_receivable",
    "3A927B62": "cycle_03_poll_at_once",
    "4E8AC4ED": "cycle_08_after_pocket",
    "32133EFF": "cycle_16_withdraw_resubmit",
}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (REPLIES / name).read_text().splitlines()]


class Replay:
    """A fresh ledger for each run, told when the real one had confirmed."""

    def __init__(self) -> None:
        self.ledger = Ledger(bytes.fromhex(GENESIS_KEY), LIVE_WORK)
        self.ledger.effort = EASY  # of the work it makes itself; what it is given must meet the live threshold
        self.calls = Calls(self.ledger)
        self.wallets = WalletCalls(self.calls)
        self.ledger.on_confirmed = self.wallets.pocket_confirmed
        self.names: dict[str, str] = {}  # the recorded wallet -> ours
        self.unconfirmed = dict(UNCONFIRMED_UNTIL)

    def confirm(self, row: dict[str, Any]) -> None:
        if row["run"].startswith("3"):  # the node without voting weight
            return
        self.ledger.online = "wallet_add" not in self.unconfirmed.values() or not row["run"].startswith("1")
        but = [name for name in self.ledger.blocks if name[:8] in self.unconfirmed]
        self.ledger.confirm_all(but)
        self.unconfirmed = {name: last for name, last in self.unconfirmed.items() if last != row["name"]}

    def ask(self, row: dict[str, Any]) -> Any:
        self.confirm(row)
        self.calls.control = not row["run"].startswith("2")
        request = row["request"]
        if isinstance(request, dict) and request.get("wallet") in self.names:
            request = {**request, "wallet": self.names[request["wallet"]]}
        answer = self.calls.answer(request)
        if "wallet" in row["body"]:
            self.names[row["body"]["wallet"]] = answer["wallet"]
        return json.loads(json.dumps(answer))

    def hold(self, recorded: str) -> None:
        """A wallet that the real node had from before the recording."""
        held = Held(bytes.fromhex(USER_SEED), self.ledger.genesis)
        for number in range(100):
            held.add(number)
        self.wallets.held[recorded] = held


def plain(value: Any, leave: set[str]) -> Any:
    """Without clocks and what may differ; a block written as text is read."""
    if isinstance(value, dict):
        return {name: plain(one, leave) for name, one in value.items() if name not in leave}
    if isinstance(value, list):
        return [plain(one, leave) for one in value]
    return json.loads(value) if isinstance(value, str) and value.startswith("{\n") else value


def compare(row: dict[str, Any], answer: Any) -> None:
    action = row["request"].get("action", "") if isinstance(row["request"], dict) else ""
    leave = CLOCKS | DIFFERS_IN.get(action, set())
    assert plain(answer, leave) == plain(row["body"], leave), row["name"]


def replayable(run: str) -> Iterator[dict[str, Any]]:
    """A race's winner first: the recording is in order of completion."""
    some = [row for row in rows("nano-node-24.jsonl") if row["run"][0] in run]
    races = [row for row in some if row["name"].startswith(("race_", "same_block_")) and row["name"] != "race_frontier"]
    for group in ("race_", "same_block_"):
        racers = [row for row in races if row["name"].startswith(group)]
        if racers:
            start = some.index(racers[0])
            some[start : start + len(racers)] = sorted(racers, key=lambda row: "error" in row["body"])
    for row in some:
        request = row["request"]
        on_the_wire = isinstance(request, dict) and not {"action", "a"} & set(request)  # see the wire tests below
        action = request.get("action") if isinstance(request, dict) else ""
        if not on_the_wire and (action not in NOT_MODELLED or "RPC control" in str(row["body"])):
            yield row


@pytest.mark.parametrize("run", ["12", "3", "4", "5"])
def test_every_recorded_call_gets_the_same_answer(run: str):
    replay, compared = Replay(), 0
    for row in replayable(run):
        if row["name"] == "send_id_600_chars":
            replay.hold(row["request"]["wallet"])
        if row["name"] == "wallet_destroy":
            replay.hold(row["request"]["wallet"])
        compare(row, replay.ask(row))
        compared += 1

    assert compared == {"12": 316, "3": 20, "4": 77, "5": 13}[run]


def test_one_clean_cycle_of_deposit_and_withdrawal_replays_from_the_first_block():
    replay = Replay()
    for row in rows("cycle.jsonl"):
        compare(row, replay.ask(row))

    assert len(rows("cycle.jsonl")) == 22


def test_only_what_is_named_may_differ():
    assert {name for names in DIFFERS_IN.values() for name in names} - {"wallet"} == set(DIFFERENT)


def test_every_recorded_signature_and_work_is_really_checked():
    """Flip one digit of either in a recorded block, and the stand-in refuses it as the real node does."""
    row = rows("cycle.jsonl")[0]
    for field, words in (("signature", "Bad signature"), ("work", "Block work is less than threshold")):
        block = {**row["request"]["block"], field: row["request"]["block"][field][:-1] + "F"}
        answer = Replay().calls.answer({**row["request"], "block": block})
        assert answer == {"error": words}


# -- the wire --


def test_it_answers_as_the_real_one_on_the_wire(world: BananoWorld):
    for method in ("GET", "PUT"):
        assert world.node.raw(b"", method=method) == b'{\n    "error": "Can only POST requests"\n}\n'
    assert world.node.raw(b"", method="OPTIONS") == b""
    assert b'"network_identifier": "04270D7F' in world.node.raw(b'{"action": "version"}', path="/any/path")


def test_its_callback_is_the_recorded_one(world: BananoWorld):
    recorded = json.loads((REPLIES / "callbacks.jsonl").read_text().splitlines()[0])["body"]
    replay = Replay()
    by_name = {row["name"]: row for row in rows("nano-node-24.jsonl")}
    assert replay.calls.answer(by_name["process_send"]["request"]) == {"hash": recorded["hash"]}
    block = replay.ledger.blocks[recorded["hash"]]

    hint = world.adapter.hint("callback", "", json.dumps(recorded).encode())

    assert json.loads(recorded["block"]) == replay.calls.contents(block)
    assert hint is not None
    assert hint.txid == block.hash
    assert hint.address == crypto.encode_address("ban_", bytes.fromhex(block.link))


@pytest.mark.parametrize("version", [23, 24, 25])
def test_many_balances_are_told_in_each_versions_way(world: BananoWorld, version: int):
    world.fill(5 * world.coin)
    unopened = world.outside_address()
    world.node.do("set", version=version)

    answer = world.node.ask("accounts_balances", accounts=[world.hot, unopened, "ban_bad"])

    told = {23: (True, None), 24: ({"error": "Account not found"}, None), 25: (True, {"ban_bad": "Bad account number"})}
    shown, errors = told[version]
    assert answer["balances"][world.hot]["balance"] == str(5 * world.coin)
    assert answer["balances"].get(unopened) in (shown, {"balance": "0", "pending": "0", "receivable": "0"})
    assert answer.get("errors") == errors
