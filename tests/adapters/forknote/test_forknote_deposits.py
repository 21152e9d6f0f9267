"""What walletd lists, and what of it a user is credited. Amounts are those of the recordings."""

from __future__ import annotations

import json

import pytest

from adapters.base import AddressRequest, Found, NodeDown, Page, Watched
from adapters.forknote.options import PAYMENT_ID
from tests.adapters.forknote.conftest import MakeWorld
from tests.adapters.forknote.forknote_world import ForknoteWorld
from tests.adapters.world import DEPTH


class Books:
    """Credits as the ledger does: once per (txid, output), deep enough and not locked."""

    def __init__(self, world: ForknoteWorld) -> None:
        self.world = world
        self.cursor = ""
        self.credits: dict[tuple[str, str], tuple[str, int]] = {}
        self.outgoing: set[str] = set()

    def poll(self) -> Page:
        while True:
            page = self.world.adapter.transfers(self.cursor, (), DEPTH)
            self.cursor = page.cursor
            for one in page.transfers:
                self._take(one)
            if not page.more:
                return page

    def _take(self, one: Found) -> None:
        if not one.incoming:
            self.outgoing.add(one.txid)
        elif one.confirmations >= DEPTH and not one.locked and not one.gone:
            self.credits.setdefault((one.txid, one.output), (one.address, one.amount))

    def of(self, address: str) -> list[int]:
        return [amount for to, amount in self.credits.values() if to == address]


@pytest.fixture
def books(world: ForknoteWorld) -> Books:
    return Books(world)


def test_a_deposit_is_credited_once_through_pool_block_reorganisation_and_block(world: ForknoteWorld, books: Books):
    address = world.new_address()
    txid = world.fund(address, 500_000_000)
    books.poll()
    world.mine(4)
    books.poll()
    world.node.fork(depth=4, blocks=5)
    world.node.sync()
    back_in_the_pool = books.poll()
    world.mine(4)
    books.poll()

    assert [one.confirmations for one in back_in_the_pool.transfers if one.txid == txid] == [0]
    assert books.of(address) == [500_000_000]
    assert len(books.credits) == 1


def test_the_snake_dialect_lists_it_four_times_then(snake: ForknoteWorld):
    """So that the test above is known to be one."""
    address = snake.new_address()
    snake.fund(address, 500_000_000)
    snake.node.sync()
    snake.mine(4)
    snake.node.fork(depth=4, blocks=5)
    snake.node.sync()
    snake.mine(4)

    (row,) = snake.node.ask("list_transactions", starting_transaction_id=0, max_transaction_count=9)["transactions"]

    assert [one["amount"] for one in row["transfers"]] == [500_000_000] * 4


def test_one_transaction_to_two_users_credits_both(world: ForknoteWorld, books: Books):
    alice, bob = world.new_address(), world.new_address()
    world.node.pay(destinations=[[alice, 300_000_000], [bob, 700_000_000]], payment_id="ab" * 32)
    books.poll()
    world.mine(DEPTH)
    books.poll()

    assert books.of(alice) == [300_000_000]
    assert books.of(bob) == [700_000_000]
    assert len(books.credits) == 2


def test_the_snake_total_counts_the_first_address_only(snake: ForknoteWorld):
    alice, bob = snake.new_address(), snake.new_address()
    snake.node.pay(destinations=[[alice, 300_000_000], [bob, 700_000_000]])
    snake.mine(1)

    (row,) = snake.node.ask("list_transactions", starting_transaction_id=0, max_transaction_count=9)["transactions"]

    assert row["total_amount"] == 300_000_000


def test_change_of_our_own_payment_credits_nobody(world: ForknoteWorld, books: Books):
    address = world.fill(700_000_000)
    prepared = world.adapter.prepare([world.payment(10_000_000)], [])
    world.adapter.broadcast(prepared)
    books.poll()
    world.mine(DEPTH)
    books.poll()

    assert books.of(address) == [700_000_000]
    assert len(books.credits) == 1
    assert books.outgoing == {world.txid(prepared)}


def test_change_is_not_credited_after_a_crash_took_its_mark(world: ForknoteWorld, books: Books):
    address = world.fill(700_000_000)
    world.restart()
    prepared = world.adapter.prepare([world.payment(10_000_000)], [])
    world.adapter.broadcast(prepared)
    world.crash()
    world.mine(DEPTH)
    books.poll()

    assert books.of(address) == [700_000_000]
    assert len(books.credits) == 1


def test_a_payment_to_another_user_is_credited_once(world: ForknoteWorld, books: Books):
    """A move between users never reaches a node; this is what would happen if one did."""
    alice, bob = world.fill(500_000_000), world.new_address()
    payments = [world.payment(1_500_000, id="w1"), world.payment(77_000_000, bob, id="w2")]
    world.adapter.broadcast(world.adapter.prepare(payments, []))
    books.poll()
    world.mine(1)
    books.poll()
    world.mine(DEPTH)
    books.poll()

    assert books.of(alice) == [500_000_000]
    assert books.of(bob) == [77_000_000]
    assert len(books.credits) == 2


def test_a_double_spent_deposit_is_gone_before_and_after_it_is_final(world: ForknoteWorld, books: Books):
    address = world.new_address()
    early, late = world.fund(address, 100_000_000), world.fund(address, 60_000_000)
    world.mine(1)
    books.poll()
    world.node.fork(depth=1, blocks=2, drop=[early])
    world.node.sync()
    (gone,) = world.adapter.transfer(early)
    world.mine(DEPTH)
    books.poll()
    assert books.of(address) == [60_000_000]

    world.node.fork(depth=DEPTH, blocks=DEPTH + 1, drop=[late])
    world.node.sync()
    (gone_later,) = world.adapter.transfer(late)

    assert (gone.gone, gone.confirmations, gone.amount) == (True, 0, 100_000_000)
    assert (gone_later.gone, gone_later.confirmations, gone_later.amount) == (True, 0, 60_000_000)
    assert gone_later.output == address


@pytest.mark.parametrize("payment_id", ["", "ab" * 32])
def test_a_deposit_its_sender_locked_is_not_credited_before_it_can_be_spent(
    world: ForknoteWorld, books: Books, payment_id: str
):
    address = world.new_address()
    world.mine(35 - world.node.height())
    world.node.pay(destinations=[[address, 200_000_000]], payment_id=payment_id, unlock=40)
    world.mine(4)
    books.poll()
    assert books.of(address) == []
    (seen,) = [one for one in books.poll().transfers if one.address == address]
    assert (seen.confirmations, seen.locked) == (4, True)

    world.mine(1)
    books.poll()

    assert books.of(address) == [200_000_000]


def test_a_deposit_beside_a_locked_one_is_credited(world: ForknoteWorld, books: Books):
    address = world.new_address()
    world.node.pay(destinations=[[address, 200_000_000]], unlock=1000)
    world.node.pay(destinations=[[address, 150_000_000]])
    world.mine(DEPTH)
    books.poll()

    assert 200_000_000 not in books.of(address)
    assert books.of(address) == [150_000_000]


def test_a_block_reward_is_locked_for_ten_blocks(world: ForknoteWorld):
    address = world.new_address()
    world.node.mine(to=address, reward=59_000_000)
    world.mine(8)
    (one,) = world.poll().transfers
    (young,) = world.adapter.transfer(one.txid)
    world.mine(1)
    (ripe,) = world.adapter.transfer(one.txid)

    assert (young.amount, young.confirmations, young.locked) == (59_000_000, 9, True)
    assert (ripe.amount, ripe.confirmations, ripe.locked) == (59_000_000, 10, False)


def test_a_wallet_rebuilt_in_another_order_credits_nothing_twice(snake: ForknoteWorld):
    books, alice, bob = Books(snake), snake.new_address(), snake.new_address()
    snake.restart()
    for amount, address in ((1, alice), (2, bob), (3, alice), (4, bob)):
        snake.fund(address, amount * 100_000_000)
        snake.mine(1)
    snake.mine(10)
    books.poll()
    snake.node.switch(in_order=False)
    snake.fund(alice, 500_000_000)
    snake.fund(bob, 600_000_000)
    snake.mine(11)
    books.poll()
    snake.crash()  # only what was there at the last stop is left, and read again in another order
    books.poll()
    snake.mine(11)
    books.poll()

    assert sorted(books.of(alice)) == [100_000_000, 300_000_000, 500_000_000]
    assert sorted(books.of(bob)) == [200_000_000, 400_000_000, 600_000_000]


def test_a_history_shorter_than_the_cursor_is_read_from_the_beginning(snake: ForknoteWorld):
    books, address = Books(snake), snake.new_address()
    snake.restart()
    for _ in range(3):
        snake.fund(address, 100_000_000)
    snake.mine(12)
    books.poll()
    snake.node.switch(auto_sync=False)
    snake.crash()
    assert snake.node.ask("get_transactions_count") == {"transactions_count": 0}

    assert books.poll().transfers == ()
    snake.node.sync()
    assert len([one for one in books.poll().transfers if one.incoming]) == 3
    assert books.of(address) == [100_000_000] * 3


def test_the_end_of_the_history_is_an_empty_page_and_beyond_it_is_never_asked_for(snake: ForknoteWorld):
    snake.fill(100_000_000)
    snake.mine(10)
    cursor = snake.poll().cursor
    again = snake.poll(cursor)
    count = snake.node.ask("get_transactions_count")["transactions_count"]

    assert (again.transfers, again.more, count) == ((), False, 1)
    beyond = snake.node.ask("list_transactions", starting_transaction_id=2, max_transaction_count=9)
    assert beyond == {"code": -32001, "message": "vector::_M_default_append"}
    asked = [params for method, params in snake.node.calls() if method == "list_transactions"]
    assert [one["starting_transaction_id"] for one in asked[:-1] if one["starting_transaction_id"] > 1] == []


def test_a_long_history_comes_in_pages_and_only_its_end_comes_again(snake: ForknoteWorld):
    books = Books(snake)
    snake.node.fill_history(rows=1200)
    pages: list[Page] = []
    while not pages or pages[-1].more:
        pages.append(snake.adapter.transfers(books.cursor, (), DEPTH))
        books.cursor = pages[-1].cursor
    address = snake.new_address()
    snake.fund(address, 100_000_000)
    following = snake.adapter.transfers(books.cursor, (), DEPTH)

    assert [len(page.transfers) for page in pages] == [500, 500, 200]
    assert [one.amount for one in following.transfers] == [100_000_000]


def test_what_is_not_in_a_long_history_is_not_searched_for_in_all_of_it_again(snake: ForknoteWorld):
    snake.node.fill_history(rows=3000)

    def rows_asked() -> int:
        before = len(snake.node.calls())
        assert snake.adapter.transfer("ab" * 32) == ()
        asked = [params for method, params in snake.node.calls()[before:] if method == "list_transactions"]
        return sum(one["max_transaction_count"] for one in asked)

    assert rows_asked() >= 3000
    assert rows_asked() < 1100
    late = snake.fund(snake.new_address(), 100_000_000)
    assert len(snake.adapter.transfer(late)) == 1


def test_what_was_missing_is_found_in_a_history_that_was_rebuilt(snake: ForknoteWorld):
    """Wherever the rebuilt history puts it."""
    address = snake.new_address()
    lost = snake.fund(address, 100_000_000)
    snake.mine(1)
    snake.node.forget(txid=lost)
    for _ in range(3):
        snake.fund(address, 200_000_000)
    snake.mine(2)
    assert snake.adapter.transfer(lost) == ()
    snake.crash()
    snake.node.sync()

    assert [one.amount for one in snake.adapter.transfer(lost)] == [100_000_000]


def test_amounts_that_contradict_each_other_are_shown_but_locked(snake: ForknoteWorld):
    address = snake.new_address()
    snake.fund(address, 100_000_000)
    snake.mine(DEPTH)
    count = {"id": 1, "jsonrpc": "2.0", "result": {"transactions_count": 1}}
    row = snake.node.ask("list_transactions", starting_transaction_id=0, max_transaction_count=1)["transactions"][0]
    row["transfers"][-1] = {"address": address, "amount": 250_000_000, "type": 0}
    row["transfers"].append({"address": address, "amount": 100_000_000, "type": 0})
    snake.proxy.answer(_body({"result": {"transactions": [row]}}), method="list_transactions")
    snake.proxy.answer(_body(count), method="get_transactions_count")

    (one,) = snake.poll().transfers

    assert (one.amount, one.locked) == (100_000_000, True)


def _body(said: dict[str, object]) -> bytes:

    return json.dumps({"id": 1, "jsonrpc": "2.0", **said}).encode()


def test_an_address_that_is_lost_in_a_crash_is_named(snake: ForknoteWorld):
    address = snake.node.ask("create_address")["address"]
    kept = snake.new_address()
    watch = [Watched(kept, ref="1"), Watched(address, ref="30")]
    before = snake.adapter.transfers("", watch, DEPTH)
    snake.crash()

    assert before.lost == ()
    assert snake.adapter.transfers("", watch, DEPTH).lost == (address,)


def test_an_address_that_was_deleted_is_named(world: ForknoteWorld):
    watch = [Watched(world.adapter.new_address(_request(number)).address, str(number)) for number in (1, 2, 3)]
    method = "delete_address" if world.dialect == "snake" else "deleteAddress"
    assert world.node.ask(method, address=watch[1].address) == {}

    assert world.adapter.transfers("", watch, DEPTH).lost == (watch[1].address,)


def test_a_first_address_that_came_to_a_user_stops_the_wallet(snake: ForknoteWorld):
    """After its deletion change would go to whoever holds the next one."""
    user = snake.adapter.new_address(_request(1))
    snake.adapter.dialect.delete_address(snake.node.ask("get_address")["address"])

    with pytest.raises(NodeDown, match="belongs to a user"):
        snake.adapter.transfers("", [Watched(user.address, user.ref)], DEPTH)


def test_new_snake_addresses_are_given_only_once_they_are_verified(snake: ForknoteWorld):
    ahead = snake.make_adapter(addresses_ahead=3)
    ahead.chores((), [])
    count = snake.node.ask("get_address_count")["count"]

    assert count == 33
    assert [number for number in (0, 1, 29, 30, 32) if ahead.has_address_for(number)] == [1, 29]
    with pytest.raises(NodeDown, match="No verified address"):
        ahead.new_address(_request(30))
    ahead.close()


def test_a_wallet_that_lost_verified_addresses_gives_none(snake: ForknoteWorld):
    adapter = snake.make_adapter(verified_addresses=40)

    with pytest.raises(NodeDown, match="lost addresses"):
        adapter.new_address(_request(31))
    adapter.close()


def test_a_camel_address_is_saved_before_it_is_given(camel: ForknoteWorld):
    address = camel.new_address()
    calls = [method for method, _ in camel.node.calls()]
    camel.crash()

    assert calls.index("save") > calls.index("createAddress")
    assert camel.adapter.is_ours(address)


def test_a_chain_read_anew_is_waited_for(camel: ForknoteWorld):
    address = camel.fill(100_000_000)
    camel.mine(10)
    cursor = camel.poll().cursor
    camel.node.switch(auto_sync=False)
    assert camel.node.ask("reset") == {}

    with pytest.raises(NodeDown, match="has read 1 of"):
        camel.poll(cursor)
    assert not camel.adapter.health().synced
    camel.node.sync()
    assert [one.amount for one in camel.poll().transfers if one.address == address] == [100_000_000]


def test_a_cursor_on_an_orphaned_block_steps_back(camel: ForknoteWorld):
    address = camel.new_address()
    camel.mine(200)
    camel.fund(address, 100_000_000)
    camel.mine(DEPTH + 20)
    cursor = camel.poll().cursor
    camel.node.fork(depth=DEPTH + 20, blocks=DEPTH + 21)
    camel.node.sync()
    camel.mine(1)

    (one,) = [one for one in camel.poll(cursor).transfers if one.address == address]

    assert (one.amount, one.confirmations) == (100_000_000, 1)


# -- one address for all, with payment ids --


@pytest.mark.parametrize("dialect", ["snake", "camel"])
def test_with_payment_ids_each_user_has_one_and_a_deposit_names_it(make_world: MakeWorld, dialect: str):
    world = make_world(dialect, receive=PAYMENT_ID)
    alice, bob = (world.adapter.new_address(_request(number)) for number in (1, 2))
    world.node.pay(destinations=[[alice.address, 250_000_000]], payment_id=alice.extra.upper())
    world.node.pay(destinations=[[alice.address, 50_000_000]])
    world.mine(DEPTH)

    found = {one.extra: one.amount for one in world.poll().transfers}

    assert alice.address == bob.address
    assert len({alice.extra, bob.extra}) == 2
    assert found == {alice.extra: 250_000_000, "": 50_000_000}
    link = world.adapter.uri_with_extra(alice.address, alice.extra, 150_000_000)
    assert link == f"forknote:{alice.address}?amount=1.5&payment_id={alice.extra}"


@pytest.mark.parametrize("dialect", ["snake", "camel"])
def test_with_payment_ids_change_is_no_deposit_either(make_world: MakeWorld, dialect: str):
    world = make_world(dialect, receive=PAYMENT_ID)
    books, alice = Books(world), world.adapter.new_address(_request(1))
    world.node.pay(destinations=[[alice.address, 500_000_000]], payment_id=alice.extra)
    world.mine(DEPTH)
    world.adapter.broadcast(world.adapter.prepare([world.payment(10_000_000)], []))
    world.mine(DEPTH)
    books.poll()

    assert list(books.credits.values()) == [(alice.address, 500_000_000)]


def test_a_deposit_to_a_user_is_his_whatever_payment_id_it_carries(world: ForknoteWorld):
    address = world.new_address()
    world.node.pay(destinations=[[address, 100_000_000]], payment_id="cd" * 32)
    world.mine(1)

    (one,) = world.poll().transfers

    assert (one.address, one.extra) == (address, "")


def _request(number: int) -> AddressRequest:

    return AddressRequest(number=number)
