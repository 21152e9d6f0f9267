"""The adapter driven by recorded replies of Forknote 1.0.8.3 and 2.1.2, one recorded moment at a time.

A call that was not made then, or with other parameters, fails the test. Replies a recording does not hold (heights
of the daemon, block hashes, its number of addresses) are given beside it, and named in each test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from adapters.base import Confirmed, Found, Pending, Prepared, Refused, Tried, Unknown
from adapters.forknote import Forknote, ForknoteOptions, history, snake
from adapters.forknote.orders import Order
from adapters.forknote.verdicts import WalletdError
from tests.adapters.forknote import replies
from tests.devnet.proxy import Proxy

HOT = "287mjU5tX3qPuBvRnZ4yYBcbFxjFe3zwq6ieYmHiSSEDfv6yoCcwrkNjLHeREKch7c4mjLy9caHcQPaasAoykmaP2byiP2D"
ALICE = "29wngHjJexEgDEznqbEJHXCTo4hjmpDv6Ek8E9pEE2KoRhVocb22B1QjLHeREKch7c4mjLy9caHcQPaasAoykmaP2gboztq"
BOB = "268W3RmeDVbQ1xzZcQhoQbG76omuRuMtiKb47Q5rbQGu7U4V6bmFtr2jLHeREKch7c4mjLy9caHcQPaasAoykmaP2gqd4NN"
C_HOT = "256d2GVtha6P1LHcMwZDTQP2D7BW7RaJWiJQmMiJKe5EZyeViSDJVAo7SxoTM2iL3oAT67nCMvzoFfhNj8BgotoZJGthBCZ"
C_ALICE = "27aN6apDzXDjLfiWZ1FCgvSu5fJ42EmutDxCoRifki3dRwzD3gudJKy7SxoTM2iL3oAT67nCMvzoFfhNj8BgotoZJHfxZZB"
C_BOB = "29WVvvoyigLJksgfzAo4WJ9G3dygkjBtbivTtmv1sUnuCEV3uVmBSPZ7SxoTM2iL3oAT67nCMvzoFfhNj8BgotoZJKWz4gM"
UNCONFIRMED = 4294967295
At = Callable[..., Any]


@contextmanager
def moment(name: str, prefix: str, dialect: str, **besides: Any) -> Iterator[Forknote]:
    """The adapter at the recorded moment: exchanges of `name` whose names begin with `prefix`."""
    rows = [row for row in replies.load(name) if row["name"].startswith(prefix)]
    assert rows, prefix
    stage = replies.Stage(rows, besides)
    proxy = Proxy(lambda: stage)
    url = f"http://127.0.0.1:{proxy.port}"
    adapter = Forknote(ForknoteOptions(url=url, daemon_url=url, dialect=dialect, network="test", quiet_seconds=0))
    try:
        yield adapter
    finally:
        adapter.close()
        proxy.close()
    assert not stage.wrong, stage.wrong


@pytest.fixture
def at_snake(monkeypatch: pytest.MonkeyPatch) -> At:
    """tip: the daemon's block count. rows: how many rows a call asked for when this was recorded."""

    def at(name: str, prefix: str, tip: int, rows: int = 50, **besides: Any) -> Any:
        for module in (history, snake):
            monkeypatch.setattr(module, "ROWS_A_CALL", rows)
        given = {"getblockcount": {"count": tip}, "get_address_count": {"count": 3}, "get_address": {"address": HOT}}
        return moment(f"snake-1.0.8.3-{name}", prefix, "snake", **given, **besides)

    return at


def at_camel(name: str, prefix: str, **besides: Any) -> Any:
    given = {"getAddresses": {"addresses": [C_HOT, C_ALICE, C_BOB]}, "getBlockHashes": {"blockHashes": ["ab" * 32]}}
    return moment(f"camel-2.1.2-{name}", prefix, "camel", **{**given, **besides})


def short(transfers: tuple[Found, ...]) -> list[tuple[str, int, int, bool]]:
    return [(one.address, one.amount, one.confirmations, one.locked) for one in transfers if one.incoming]


# -- snake: deposits --


def test_a_deposit_that_is_listed_twice_is_one(at_snake: At):
    with at_snake("02-deposits", "dep1 unconfirmed", 31) as adapter:
        assert short(adapter.transfers("", (), 10).transfers) == [(ALICE, 500_000_000, 0, False)]
    with at_snake("02-deposits", "dep1 after mine #2", 33) as adapter:
        assert short(adapter.transfers("", (), 10).transfers) == [(ALICE, 500_000_000, 2, True)]
    with at_snake("02-deposits", "dep1 after mine #3", 34) as adapter:
        assert short(adapter.transfers("", (), 10).transfers) == [(ALICE, 500_000_000, 3, False)]


def test_two_users_in_one_transaction_get_their_own_amounts(at_snake: At):
    with at_snake("02-deposits", "dep2 unconfirmed", 34) as adapter:
        found = adapter.transfers("", (), 10).transfers

    assert short(found)[1:] == [(ALICE, 300_000_000, 0, False), (BOB, 700_000_000, 0, False)]


def test_what_is_at_the_first_address_is_nobodys(at_snake: At):
    """Beside: what get_incoming_payments said of one payment id, recorded in an answer about three."""
    paid = {
        "amount": 300_000_000,
        "block_height": 34,
        "tx_hash": "5ed0539daa5e680ec67c0e35f27c253e3cb952206e33e3c6c16df7fe09ed8828",
        "unlock_time": 0,
    }
    incoming = {"payments": [{"id": "ab" * 32, "payments": [paid]}]}
    with at_snake("02-deposits", "dep3+4 confirmed 7", 43, get_incoming_payments=incoming) as adapter:
        found = adapter.transfers("", (), 10).transfers

    assert short(found) == [
        (ALICE, 500_000_000, 12, False),
        (ALICE, 300_000_000, 9, False),
        (BOB, 700_000_000, 9, False),
    ]


# -- snake: payments --


def test_change_and_payments_to_ourselves(at_snake: At):
    """The change entries of 689000000 and 420500000 are no deposits; 77000000 to a user is one."""
    incoming: dict[str, Any] = {"payments": []}
    with at_snake("03-withdrawals", "after sweep try", 47, get_incoming_payments=incoming) as adapter:
        page = adapter.transfers("", (), 10)

    assert (BOB, 77_000_000, 1, False) in short(page.transfers)
    assert {address for address, *_ in short(page.transfers)} == {ALICE, BOB}
    outgoing = [one for one in page.transfers if not one.incoming]
    assert len({one.txid for one in outgoing}) == 7
    assert [one.amount for one in outgoing if one.extra == "22" * 32] == [1_000_000, 2_000_000]


def order(payment_id: str, *, tail: tuple[str, ...] = ()) -> Prepared:
    made = Order("snake", payment_id, True, (("x", 50_000_000),), 1_000_000, 0, 14, tail)
    return Prepared(payment_id, made.text(), 1_000_000, slot=payment_id)


def test_a_payment_is_found_after_a_crash_though_its_numbers_were_dealt_anew(at_snake: At):
    crash = "04-restart-crash-reorg"
    with at_snake(crash, "07 right after", 62, 60) as adapter:
        first = adapter.lookup(Tried(order("33" * 32), attempts=1))
    with at_snake(crash, "11 after crash", 66, 60) as adapter:
        found = [adapter.lookup(Tried(order(number * 32), attempts=1)) for number in ("33", "44", "66")]

    assert isinstance(first, Pending)
    assert first.txid.startswith("bfb43d")
    assert [type(one) for one in found] == [Confirmed] * 3
    assert [one.confirmations for one in found if isinstance(one, Confirmed)] == [4, 1, 1]
    assert len({one.txid for one in found if isinstance(one, Confirmed)}) == 3


def test_a_payment_the_daemon_never_got_is_kept(at_snake: At):
    with at_snake("04-restart-crash-reorg", "14 daemon back", 66, 60) as adapter:
        found = adapter.lookup(Tried(order("77" * 32), attempts=1, outcome="unclear"))

    assert isinstance(found, Unknown)


def test_a_deposit_read_from_the_chain_after_a_crash_is_the_same_deposit(at_snake: At):
    crash = "04-restart-crash-reorg"
    incoming: dict[str, Any] = {"payments": []}
    with at_snake(
        crash, "10 before crash", 64, 60, get_incoming_payments=incoming, get_pending_balance={"pending_balance": 0}
    ) as adapter:
        before = adapter.transfers("", (), 10).transfers
    with at_snake(
        crash, "11 after crash", 66, 60, get_incoming_payments=incoming, get_pending_balance={"pending_balance": 0}
    ) as adapter:
        after = adapter.transfers("", (), 10).transfers

    names = [{(one.txid, one.output) for one in found if one.incoming} for found in (before, after)]
    assert names[0] == names[1]
    assert sum(amount for _, amount, _, _ in short(after)) == 500_000_000 + 1_000_000_000 + 77_000_000 + 5_123_000_000


def test_every_recorded_error_of_a_send_has_its_verdict():
    rows = [row for row in replies.load("snake-1.0.8.3-03-withdrawals") if row["name"].startswith("err ")]
    verdicts: dict[str, str] = {}
    for row in rows:
        verdicts[json.loads(row["body"])["error"]["message"]] = _answered(row["body"])

    assert verdicts == {
        "Bad address": "Refused",
        "Wrong amount": "Refused",
        "The destination is empty": "Refused",
        "Transaction fee is too small": "Refused",
        "MixIn count is too big": "Refused",
        "Sum overflow": "Refused",
        "Couldn't add payment id to extra": "Refused",
        "Invalid Request": "Unclear",
        "Parse error": "Unclear",
    }


def _answered(body: str) -> str:
    error = json.loads(body)["error"]
    verdict = WalletdError(error["code"], error["message"]).verdict
    return "Refused" if verdict in ("refused", "short") else "Unclear"


# -- camel --


def test_a_camel_deposit_from_the_pool_into_a_block():
    for prefix, first, confirmations in (
        ("dep1 unconfirmed", 0, 0),
        ("dep1 after mine 1", 25, 1),
        ("dep1 after mine 3", 25, 3),
    ):
        cursor = json.dumps({"block": first, "hash": ""})
        waiting = _transaction("dep1 / getTransaction unconfirmed")
        with at_camel("02-flows", prefix, getTransaction=waiting) as adapter:
            found = adapter.transfers(cursor, (), 10).transfers
        assert short(found) == [(C_ALICE, 500_000_000, confirmations, False)]


def _transaction(name: str, file: str = "02-flows") -> Any:
    (row, *_) = [row for row in replies.load(f"camel-2.1.2-{file}") if row["name"] == name]
    return json.loads(row["body"])["result"]


def test_camel_deposits_to_two_users_and_one_that_is_locked():
    """A deposit to the first address, which has unlock time 40 and a payment id, is nobody's."""
    with at_camel("02-flows", "dep3+4 confirmed") as adapter:
        found = adapter.transfers(json.dumps({"block": 30, "hash": ""}), (), 10).transfers

    assert sorted(short(found)) == [
        (C_ALICE, 300_000_000, 3, False),
        (C_ALICE, 500_000_000, 6, False),
        (C_BOB, 700_000_000, 3, False),
    ]


def test_camel_change_is_no_deposit_and_a_payment_to_a_user_is():
    with at_camel("02-flows", "w1 w2 confirmed") as adapter:
        page = adapter.transfers(json.dumps({"block": 36, "hash": ""}), (), 10)

    assert short(page.transfers) == [(C_ALICE, 77_000_000, 2, False)]
    assert len({one.txid for one in page.transfers if not one.incoming}) == 3


def test_a_camel_wallet_after_a_reorganisation():
    """One deposit double spent, one back in the pool, our payment too."""
    spent, back, ours = (
        "e32fe283e47b6a0f3592e2676c6a603547ba2431c403cbab2240f8acf76c80d0",
        "8d4bb948a162835e535a8deec1a6a87ceaaf7aa389055faecf7c38bb6987d8fa",
        "3fa6eced1e2d2b2a11449db12b9d5b5038aed7078fa79c66e00e9bd37271168b",
    )
    prepared = Prepared(ours, order("ff" * 32).blob, 1_000_000)
    with at_camel("03-crash-reorg", "14 ") as adapter:
        (gone,) = adapter.transfer(spent)
        (waiting,) = adapter.transfer(back)
        fate = adapter.lookup(Tried(prepared, attempts=1, outcome="sent"))
    with at_camel("03-crash-reorg", "15 ") as adapter:
        (mined,) = adapter.transfer(back)
        later = adapter.lookup(Tried(prepared, attempts=1, outcome="sent"))

    assert (gone.gone, gone.amount, gone.address) == (True, 100_000_000, C_ALICE)
    assert (waiting.gone, waiting.confirmations, mined.confirmations) == (False, 0, 3)
    assert fate == Pending(ours, 1_000_000)
    assert later == Confirmed(3, ours, 1_000_000)


def test_a_camel_payment_whose_reply_was_lost_waits_and_confirms():
    txid = _transaction("09 createDelayed", "03-crash-reorg")["transactionHash"]
    prepared = Prepared(txid, order("88" * 32).blob, 1_000_000)
    status = {"getStatus": {"blockCount": 66, "knownBlockCount": 66, "peerCount": 0}}
    with at_camel(
        "03-crash-reorg",
        "09 sendDelayed again",
        **status,
        getTransaction=_transaction("09 getTransaction later", "03-crash-reorg"),
    ) as adapter:
        answer = adapter.broadcast(prepared)
    with at_camel("03-crash-reorg", "09 confirmed", **status) as adapter:
        found = adapter.lookup(Tried(prepared, attempts=2, outcome="unclear"))

    assert type(answer).__name__ == "Unclear"
    assert found == Confirmed(1, txid, 1_000_000)


def test_a_camel_payment_deleted_before_it_was_sent_is_refused():
    txid = _transaction("createDelayed 2")["transactionHash"]
    prepared = Prepared(txid, order("33" * 32).blob, 1_000_000)
    deleted = _transaction("getTransaction deleted")
    with at_camel("02-flows", "sendDelayed deleted", getTransaction=deleted) as adapter:
        assert isinstance(adapter.broadcast(prepared), Refused)


def test_a_camel_payment_sent_again_is_sent():
    txid = _transaction("createDelayed")["transactionHash"]
    prepared = Prepared(txid, order("22" * 32).blob, 1_000_000)
    with at_camel(
        "02-flows", "sendDelayed again", getTransaction=_transaction("delayed getTransaction after send")
    ) as adapter:
        assert type(adapter.broadcast(prepared)).__name__ == "Sent"
