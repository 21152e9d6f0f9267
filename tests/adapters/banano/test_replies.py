"""The adapter driven by what a real node (nano-node V24.0) answered. Nothing of it was written by us.

A call is answered when its action and every field it shares with the recording are equal; fields that only ask for
more (MORE) may be added. Anything else fails.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.banano import BananoOptions, fate, payments, receipts
from adapters.banano.blocks import Blob, Block, Head, receiving, sending
from adapters.banano.keys import Keyring
from adapters.banano.node import Node, Refusal
from adapters.base import Confirmed, NodeDown, Pending, Prepared, Sent, Tried
from adapters.codecs import banano_crypto as crypto
from tests.adapters.banano.test_stand_in import USER_SEED, rows
from tests.adapters.banano.world import GENESIS

# Fields that widen a question or ask for more of the same answer.
MORE = {
    "count",
    "threshold",
    "include_only_confirmed",
    "include_active",
    "include_confirmed",
    "pending",
    "raw",
    "representative",
    "subtype",
}
MEMBER, HOT = (
    "ban_1ccimbqendxpso4qdwcyd4owc466epx56fw1aa6ne7b3mka1hxe441qmsgqe",
    "ban_33rx83kzs178j4rouxiqomonfm41krqapizpfmdogiyuojsbniyx1cgpjpnm",
)
CYCLE = {row["name"]: row for row in rows("cycle.jsonl")}
DEPOSIT = CYCLE["cycle_02_outside_deposit"]["body"]["hash"]
RECORDED = {row["name"]: row for row in rows("nano-node-24.jsonl")}


class Recorded(Node):
    """Answers from the recording, in the order given; each answer serves one call."""

    def __init__(self, *names: str) -> None:
        super().__init__(BananoOptions(url="http://127.0.0.1:1", seed=USER_SEED, network_identifier=GENESIS))
        self.left = [{**RECORDED, **CYCLE}[name] for name in names]

    def ask(self, action: str, **fields: Any) -> dict[str, Any]:
        assert self.left, f"{action} was asked for, but nothing is left of the recording"
        row = self.left.pop(0)
        asked = json.loads(json.dumps({"action": action, **fields}))
        differ = {name for name in {*asked, *row["request"]} if asked.get(name) != row["request"].get(name)}
        assert differ <= MORE, f"{row['name']}: the request differs in {sorted(differ - MORE)}"
        answer: dict[str, Any] = row["body"]
        if "error" in answer:
            raise Refusal(answer["error"])
        return answer


def keys() -> Keyring:
    return Keyring(bytes.fromhex(USER_SEED), "ban_")


def key(address: str) -> str:
    return crypto.decode_address("ban_", address).hex().upper()


def block_of(name: str) -> Block:
    fields = {**RECORDED, **CYCLE}[name]["request"]["block"]
    return Block(
        account=key(fields["account"]),
        previous=fields["previous"],
        representative=key(fields["representative"]),
        balance=int(fields["balance"]),
        link=fields["link"],
        signature=fields["signature"],
        work=fields["work"],
    )


def recorded_payment(name: str, path: tuple[str, ...] = ()) -> Prepared:
    block = block_of(name)
    return Prepared(block.hash, Blob(block, 1, True, path or (block.previous,)).text(), 0)


def test_a_version_and_network():
    assert Recorded("version").check_network() == "Nano V24.0"


def test_an_unused_address_has_no_account():
    assert Recorded("cycle_01_unused_address").account(key(MEMBER)) is None


def test_nothing_is_receivable_before_the_send_is_confirmed_then_it_is():
    poll = ([MEMBER, HOT], 1)

    assert list(Recorded("cycle_03_poll_at_once").receivables(*poll, confirmed=True)) == []
    assert list(Recorded("cycle_10_poll_empty").receivables(*poll, confirmed=True)) == []
    ((address, name, amount, _),) = Recorded("cycle_04_poll_confirmed").receivables(*poll, confirmed=True)
    assert (address, name, amount) == (MEMBER, DEPOSIT, 4200000000000000000000000000001)


def test_a_deposit_is_read_from_its_own_block():
    sight = receipts.Sight(HOT, frozenset({MEMBER}), keys().knows)

    (found,) = receipts._incoming(Recorded("cycle_05_verify_source"), sight, {DEPOSIT})

    assert (found.txid, found.address, found.amount) == (DEPOSIT, MEMBER, 4200000000000000000000000000001)
    assert found.confirmations == 1000


def test_the_opening_block_comes_out_as_the_node_took_it():
    """Same name, same signature bytes; only work is luck."""
    real = block_of("cycle_07_pocket")
    head = Head(key(MEMBER), "0" * 64, 0, real.representative, ("0" * 64,))
    number = next(number for number in range(100) if keys().public(number) == key(MEMBER))

    made = receiving(head, DEPOSIT, 4200000000000000000000000000001).signed(keys().private(number))

    assert (made.hash, made.signature) == (real.hash, real.signature)
    assert crypto.work_is_enough(made.root, real.work, 0xFFFFFE0000000000)


def test_sweep_and_withdrawal_come_out_as_the_node_took_them():
    for name, before in (
        ("cycle_11_sweep_all_to_hot", 4200000000000000000000000000001),
        ("cycle_14_withdraw", 4200000000000000000000000000001),
    ):
        real = block_of(name)
        head = Head(real.account, real.previous, before, real.representative, (real.previous,))
        number = next(number for number in range(100) if keys().public(number) == real.account)
        made = sending(head, real.link, before - real.balance).signed(keys().private(number))
        assert (made.hash, made.signature) == (real.hash, real.signature)


def test_an_account_after_its_first_block_is_unconfirmed_then_confirmed():
    early = Recorded("cycle_08_after_pocket").account(key(MEMBER))
    late = Recorded("cycle_18_hot_info").account(key(HOT))

    assert early is not None
    assert (early.confirmed, early.balance) == ("0" * 64, 4200000000000000000000000000001)
    assert late is not None
    assert late.frontier == late.confirmed == block_of("cycle_14_withdraw").hash


def test_nothing_is_built_on_the_unconfirmed_first_block():
    with pytest.raises(NodeDown, match="not confirmed and not ours"):
        payments.head_of(Recorded("cycle_08_after_pocket"), key(MEMBER), [], "AB" * 32)


def test_a_payment_goes_from_pending_to_confirmed():
    prepared = recorded_payment("cycle_14_withdraw")
    tried = Tried(prepared, attempts=1, outcome="sent")

    assert fate.lookup(Recorded("version", "cycle_15_withdraw_status"), tried) == Pending(prepared.id, 0)
    assert fate.lookup(Recorded("version", "cycle_17_withdraw_confirmed"), tried) == Confirmed(1000, prepared.id, 0)


@pytest.mark.parametrize("name", ["cycle_14_withdraw", "cycle_16_withdraw_resubmit"])
def test_sending_and_sending_again_are_both_success(name: str):
    prepared = recorded_payment("cycle_14_withdraw")

    assert payments._process(Recorded(name), block_of("cycle_14_withdraw"), prepared.id) == Sent(prepared.id, 0)


@pytest.mark.parametrize(
    ("name", "definite"),
    [
        ("err_bad_signature", True),
        ("err_open_balance_mismatch", True),
        ("err_open_other_account", True),
        ("err_work_low", False),
        ("err_open_gap_source", False),
        ("err_gap_previous_unopened", False),
        ("err_open_twice_fork", False),
        ("err_fork_confirmed", False),
        ("stale_frontier_after_epoch", False),
        ("gap_second_first", False),
    ],
)
def test_each_refusal_means_what_it_means(name: str, definite: bool):
    block = block_of(name)

    answer = payments._process(Recorded(name), block, block.hash)

    assert type(answer).__name__ == ("Refused" if definite else "Unclear")


def test_a_chain_is_read_with_its_sends_receives_and_change():
    account = "ban_3yiqftdf6t4s9nwhtpjpqr1sd5yinyupa3m54fh7c1mxy53bkpecczshr4uy"

    entries, below = Recorded("history_raw").history(account, 3)

    assert [receipts.kind_of(one) for one in entries] == ["receive", "send", "change"]
    assert [one["height"] for one in entries] == ["11", "10", "9"]
    assert below == "9CD4A482FDA7A1F37596C7C036238C880F3378D447C3E316CDBB0C8D1D9C518F"


def test_an_epoch_block_in_a_chain_moves_nothing():
    account = "ban_3yiqftdf6t4s9nwhtpjpqr1sd5yinyupa3m54fh7c1mxy53bkpecczshr4uy"

    entries, _ = Recorded("history_epoch_raw").history(account, 1)

    assert [receipts.kind_of(one) for one in entries] == ["epoch"]


def test_balances_of_unopened_accounts_are_left_out_not_guessed():
    row = RECORDED["accounts_balances_deposit"]

    held = Recorded("accounts_balances_deposit").balances(row["request"]["accounts"])

    assert list(held.values()) == [100000000000000000000000000000000]


def test_frontiers_of_unopened_accounts_are_left_out():
    row = RECORDED["accounts_frontiers_deposit"]

    found = Recorded("accounts_frontiers_deposit").frontiers(row["request"]["accounts"])

    assert len(row["request"]["accounts"]) == 5
    assert list(found.values()) == ["DFA0B70299907EE5418143F5A6025368AD77552C429B1FDD8AD2D863C45A246E"]


def test_one_unknown_hash_among_known_ones_is_left_out():
    unknown = "AB" * 32
    node = Recorded("err_blocks_info_unknown_incl")
    node.left[0] = {**node.left[0], "request": {"action": "blocks_info", **BLOCKS_INFO, "hashes": [unknown]}}

    assert node.blocks([unknown]) == {}


BLOCKS_INFO = {"json_block": "true", "receivable": "true", "receive_hash": "true", "include_not_found": "true"}


def test_a_request_that_differs_fails():
    with pytest.raises(AssertionError, match="differs in"):
        Recorded("cycle_01_unused_address").account(key(HOT))
    with pytest.raises(AssertionError, match="nothing is left"):
        Recorded().account(key(HOT))
