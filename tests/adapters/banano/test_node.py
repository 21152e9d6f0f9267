"""The node's moods, versions and rubbish, and the addresses that need no node."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.banano import Banano, BananoOptions
from adapters.banano.node import Node, number, truth
from adapters.base import AddressRequest, Dead, InvalidAddress, NodeDown, NodeRefused, Sent, Tried, Watched
from adapters.codecs import banano_crypto as crypto
from tests.adapters.banano.world import BAN, BURN, GENESIS, SEED, BananoWorld, address_of

URL = "http://127.0.0.1:1"


def options(**given: Any) -> BananoOptions:
    return BananoOptions(**{"url": URL, "seed": SEED, **given})


# -- health --


def test_a_healthy_node(world: BananoWorld):
    health = world.adapter.health()

    assert (health.ok, health.version, health.network) == (True, "Nano V24.0", GENESIS)
    assert health.height == 1


def test_the_live_network_is_the_default_and_another_one_is_refused(world: BananoWorld):
    health = world.rebuilt(network_identifier="").health()

    assert not health.ok
    assert "another network" in health.reason


def test_a_wrong_seed_is_told_by_the_address_of_number_0(world: BananoWorld):
    assert world.rebuilt(hot_address=world.hot).health().ok

    health = world.rebuilt(hot_address=address_of(0)).health()

    assert not health.ok
    assert "seed is not the one" in health.reason


def test_a_node_that_is_behind_is_not_believed(world: BananoWorld):
    world.node.do("set", extra_backlog=1001)

    health = world.adapter.health()

    assert (health.ok, health.synced) == (False, False)
    assert "1001 blocks wait" in health.reason


def test_a_node_without_peers_is_not_believed(world: BananoWorld):
    adapter = world.rebuilt(min_peers=1)
    assert adapter.health().reason == "The node has no peers: what it says is old."

    world.node.do("set", peers=3)

    assert adapter.health().ok


# -- versions --


@pytest.mark.parametrize("version", [22, 23, 24, 25])
def test_the_whole_round_works_with_each_version(world: BananoWorld, version: int):
    """accounts_receivable has another name before V24; balances and frontiers tell of missing accounts differently."""
    world.node.do("set", version=version)
    world.new_address()  # never opened
    send = world.deposit(world.new_address(), 3 * BAN)

    assert [one.txid for one in world.poll().transfers] == [send]
    assert world.adapter.funds(world.watch).total == 3 * BAN
    assert world.tidy() == ["collect", "sweep", "collect"]
    assert world.send(prepared := world.prepared(BAN)) == Sent(prepared.id, 0)
    world.node.do("confirm_all")
    loser = world.prepared(BAN)
    world.kill(loser)
    assert isinstance(world.adapter.lookup(Tried(loser)), Dead)
    found = {one.txid: one.confirmations for one in world.poll().transfers}
    assert (found[send], found[prepared.id]) == (1000, 1000)
    assert world.adapter.funds(world.watch).total == 2 * BAN


# -- rubbish --


@pytest.mark.parametrize(
    "value", ["-1", "+1", "1.0", "1e5", "", " 1", "٣", "9" * 40, str(1 << 128), 7, None, True, ["1"]]
)
def test_only_digits_are_a_number(value: Any):
    with pytest.raises(NodeDown):
        number(value)


def test_a_number_is_exact():
    assert number("340282366920938463463374607431768211455") == (1 << 128) - 1
    assert number("0") == 0


def test_truth_is_text_and_false_is_not_true():
    assert (truth("true"), truth("1"), truth("false"), truth("0")) == (True, True, False, False)
    for value in ("yes", "", None, True, 1):
        with pytest.raises(NodeDown):
            truth(value)


class Says(Node):
    """A node that gives one answer to everything."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(options(network_identifier=GENESIS))
        self._answer = answer

    def ask(self, action: str, **fields: Any) -> dict[str, Any]:
        return self._answer


NAME = "AB" * 32
ADDRESS = address_of(1)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"frontiers": 7},
        {"frontiers": ["x"]},
        {"frontiers": None},
    ],
    ids=str,
)
def test_frontiers_that_are_no_map_are_refused(answer: dict[str, Any]):
    with pytest.raises(NodeDown):
        Says(answer).frontiers([ADDRESS])


def test_an_empty_map_written_as_empty_text_is_empty():
    assert Says({"frontiers": ""}).frontiers([ADDRESS]) == {}
    assert Says({"balances": ""}).balances([ADDRESS]) == {}
    assert list(Says({"blocks": ""}).receivables([ADDRESS], 1, confirmed=True)) == []
    assert Says({"blocks": "", "blocks_not_found": [NAME]}).blocks([NAME]) == {}
    assert Says({"history": ""}).history(ADDRESS, 5) == ([], "")
    assert Says({"peers": ""}).peers() == 0


@pytest.mark.parametrize(
    "entry",
    [
        {"amount": "1.5", "source": ADDRESS},
        {"amount": "-1", "source": ADDRESS},
        {"amount": 1, "source": ADDRESS},
        {"source": ADDRESS},
        [],
        "text",
    ],
    ids=str,
)
def test_a_receivable_of_a_wrong_form_is_refused(entry: Any):
    with pytest.raises(NodeDown):
        list(Says({"blocks": {ADDRESS: {NAME: entry}}}).receivables([ADDRESS], 1, confirmed=True))


@pytest.mark.parametrize("name", ["ab" * 32, "AB", "AB" * 33, "ZZ" * 32])
def test_a_hash_of_a_wrong_form_is_refused(name: str):
    """The node itself pads short hex silently: lengths are checked here."""
    entry = {"amount": "1", "source": ADDRESS}
    with pytest.raises(NodeDown):
        list(Says({"blocks": {ADDRESS: {name: entry}}}).receivables([ADDRESS], 1, confirmed=True))


def test_a_block_that_is_not_the_one_asked_for_is_refused(world: BananoWorld):
    world.fill(BAN)
    frontier = world.node.ask("account_info", account=world.hot)["frontier"]
    answer = world.node.ask("block_info", hash=frontier, json_block="true")

    assert Says(answer).block(frontier)
    with pytest.raises(NodeDown, match="another block"):
        Says(answer).block(NAME)
    with pytest.raises(NodeDown, match="two accounts"):
        Says({**answer, "block_account": ADDRESS}).block(frontier)
    with pytest.raises(NodeDown, match="no block in it"):
        Says({**answer, "contents": '{"type": "state"}'}).block(frontier)


def test_a_send_of_the_oldest_kind_still_tells_whom_it_pays():
    """Legacy blocks name their destination themselves; one may still wait to be collected."""
    contents = {"type": "send", "previous": NAME, "destination": ADDRESS, "balance": "00FF"}
    answer = {"block_account": address_of(2), "amount": "5", "confirmed": "true", "contents": contents}

    seen = Says(answer).block("CD" * 32)

    assert seen is not None
    assert (seen.subtype, seen.amount) == ("send", 5)
    assert seen.destination == crypto.decode_address("ban_", ADDRESS).hex().upper()


@pytest.mark.parametrize("how", ["truncated", "http_502", "rubbish", "lost_call"])
@pytest.mark.parametrize("action", ["version", "accounts_frontiers", "accounts_receivable", "account_info"])
def test_a_broken_answer_to_any_call_moves_nothing(world: BananoWorld, how: str, action: str):
    world.fill(5 * BAN)
    world.deposit(world.new_address(), 3 * BAN)
    world.node.do("fail", how=how, action=action)

    ask = world.poll if action != "account_info" else lambda: world.prepared(BAN)
    with pytest.raises(NodeDown):
        ask()
    assert len(world.poll().transfers) == 2


# -- addresses --


def test_an_address_is_its_number_of_the_seed_whatever_the_node_says(world: BananoWorld):
    world.outage()

    made = world.adapter.new_address(AddressRequest(number=7))

    assert (made.address, made.ref) == (address_of(7, SEED), "7")
    assert world.rebuilt().new_address(AddressRequest(number=7)) == made


@pytest.mark.parametrize("wanted", [0, -1, 1 << 32])
def test_the_hot_account_and_impossible_numbers_are_never_given_out(world: BananoWorld, wanted: int):
    with pytest.raises(NodeRefused):
        world.adapter.new_address(AddressRequest(number=wanted))


@pytest.mark.parametrize(
    "text",
    [BURN, "ban_1burnbabyburndiscoinferno111111111111111111111111111aj49sw3w"],
)
def test_a_burn_account_is_refused_in_words(text: str):
    with pytest.raises(InvalidAddress, match="lost for ever"):
        Banano(options()).check_address(text)


@pytest.mark.parametrize("damage", [str.upper, lambda text: text.replace("ban_", "ban-"), lambda text: text[:-1]])
def test_forms_that_the_node_itself_would_take_are_refused(damage: Any):
    with pytest.raises(InvalidAddress):
        Banano(options()).check_address(damage(ADDRESS))


def test_numbers_far_apart_are_recognised_without_deriving_all_between(world: BananoWorld):
    adapter = world.adapter
    adapter.new_address(AddressRequest(number=1_000_000))

    assert adapter.is_ours(address_of(1_000_000, SEED))
    assert adapter.is_ours(address_of(1_000_050, SEED))
    assert adapter.is_ours(address_of(99, SEED))
    assert adapter.is_ours(world.hot)
    assert not adapter.is_ours(address_of(1))
    assert not adapter.is_ours("rubbish")


def test_what_is_watched_is_ours_though_its_number_is_far(world: BananoWorld):
    far = address_of(500_000, SEED)
    watch = [Watched(far, "500000"), Watched(address_of(1, SEED), "1")]
    world.deposit(far, BAN)

    (one,) = world.adapter.transfers("", watch, 1).transfers

    assert one.address == far


@pytest.mark.parametrize("entry", [7, "text", ["x"]], ids=str)
def test_a_balance_of_a_wrong_form_is_refused(entry: Any):
    with pytest.raises(NodeDown):
        Says({"balances": {ADDRESS: entry}}).balances([ADDRESS])


@pytest.mark.parametrize("name", [7, "ab" * 32, "AB", ""], ids=str)
def test_a_frontier_of_a_wrong_form_is_refused(name: Any):
    with pytest.raises(NodeDown):
        Says({"frontiers": {ADDRESS: name}}).frontiers([ADDRESS])
