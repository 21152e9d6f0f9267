"""Each defect of plugin 4.3.1 as one named test; what is missing here stands in docs/api-v3.md with its place."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts import keys
from accounts.models import User
from ledger.models import Account, Coin, Deposit, Operation, Transaction
from ledger.services import confirmations, lifecycle
from tests.api3.client import Plugin, read, with_key
from tests.api3.conftest import change
from tests.support.factories import make_user
from tests.support.money import address_of, balances, books, chain, fund, scan_now, switch
from tests.support.threads import at_once
from wallets_site.base.clock import now

pytestmark = [pytest.mark.usefixtures("site_row"), pytest.mark.both_databases]


@pytest.fixture
def rich(fees: Coin, alice: User) -> Coin:
    fund(alice, fees, 10 * 10**8)
    return fees


def test_at_most_one_of_many_moves_of_everything_says_success(rich, alice, bob):
    plugins = [with_key(alice) for _ in range(8)]
    answers = at_once(8, lambda number: plugins[number].ask(
        "do_move", symbol="TST", move_toaccount="bob", move_amount="9.999999"))  # fmt: skip
    said = [answer["result"] if isinstance(answer, dict) else repr(answer) for answer in answers]
    assert sorted(said) == ["error"] * 7 + ["success"]
    assert balances(rich, alice, bob) == [(0, 0), (999_999_900, 0)]


@pytest.mark.parametrize("symbol", ["TŜT", "ţst", "ＴＳＴ", "T ST", "tſt"])
def test_a_folded_symbol_shows_no_rows_and_no_secret(rich, at_alice, bob, symbol):
    change(confirm_move_user=True)
    at_alice.move("bob", "1")
    answer = at_alice.ask("get_transactions", symbol=symbol, tx_count="10", tx_from="0")
    assert answer["code"] == "-103"
    assert answer["transactions"] == []


def test_a_coin_that_is_off_shows_no_rows(rich, at_alice, bob):
    at_alice.move("bob", "1")
    Coin.objects.update(is_active=False)
    answer = at_alice.ask("get_transactions", symbol="TST", tx_count="10", tx_from="0")
    assert (answer["result"], answer["transactions"]) == ("error", [])


def test_no_answer_holds_the_confirmation_of_an_operation(rich, at_alice, at_bob, bob):
    change(confirm_move_user=True)
    at_alice.move("bob", "1", move_tags="gift")
    row = Operation.objects.get(incoming=False, kind="move")
    token = confirmations.token_of(row)
    seen = [at_alice.get("get_transactions", symbol="TST", tx_count="9", tx_from="0"), at_alice.get("get_coins_info")]
    seen.append(at_bob.get("get_transactions", symbol="TST", tx_count="9", tx_from="0"))
    for answer in seen:
        assert token.encode() not in answer.content
        assert row.confirm_digest.encode() not in answer.content


def test_an_over_long_tag_is_refused_without_a_dump(rich, at_alice, bob):
    answer = at_alice.move("bob", "1", move_tags="x" * 300)
    assert answer == {"result": "error", "code": "-105", "message": "The tags have at most 190 characters together."}
    assert Transaction.objects.filter(kind="move").count() == 0


def test_a_link_confirms_on_post_only_once_and_not_for_ever(rich, at_alice, alice, bob):
    change(confirm_move_user=True)
    at_alice.move("bob", "1")
    token = confirmations.token_of(Operation.objects.get(incoming=False, kind="move"))
    stranger = Client()
    assert stranger.get(f"/?__wallets_confirm={token}").status_code == 200
    assert balances(rich, bob) == [(0, 0)]
    assert stranger.post(f"/?__wallets_confirm={token}").status_code == 200
    assert stranger.post(f"/?__wallets_confirm={token}").status_code == 410
    assert balances(rich, alice, bob) == [(899_999_900, 0), (100_000_000, 0)]


def test_a_confirmation_leads_on_where_the_site_says_so(rich, at_alice, bob):
    change(confirm_move_user=True, confirm_redirect_url="/thanks/", confirm_redirect_seconds=5)
    at_alice.move("bob", "1")
    token = confirmations.token_of(Operation.objects.get(incoming=False, kind="move"))
    assert "Refresh" not in Client().get(f"/?__wallets_confirm={token}").headers
    assert Client().post(f"/?__wallets_confirm={token}").headers["Refresh"] == "5; url=/thanks/"
    assert "Refresh" not in Client().post(f"/?__wallets_confirm={token}").headers


def test_a_link_is_dead_after_its_time(rich, at_alice, alice, bob):
    change(confirm_move_user=True)
    at_alice.move("bob", "1")
    token = confirmations.token_of(Operation.objects.get(incoming=False, kind="move"))
    with time_machine.travel(now() + timedelta(hours=24, seconds=1)):
        assert Client().post(f"/?__wallets_confirm={token}").status_code == 410
    assert balances(rich, bob) == [(0, 0)]


def test_a_cancelled_operation_stays_cancelled(rich, at_alice, alice, bob):
    change(confirm_move_user=True)
    at_alice.move("bob", "1")
    row = Operation.objects.get(incoming=False, kind="move")
    token = confirmations.token_of(row)
    lifecycle.cancel(user=alice, operation_id=row.pk, key="k")
    assert Client().post(f"/?__wallets_confirm={token}").status_code == 410
    assert at_alice.transactions()[0]["status"] == "cancelled"
    assert balances(rich, alice, bob) == [(10 * 10**8, 0), (0, 0)]


def test_a_forged_notify_credits_nothing(rich, alice, anybody):
    before = books(rich)
    answer = anybody.ask("notify", symbol="TST", notify_type="wallet", notify_message="ab" * 32)
    assert answer == {"result": "success"}
    scan_now(rich)
    assert books(rich) == before
    assert Deposit.objects.count() == 1


def test_a_notify_revives_no_deposit_that_its_network_dropped(coin, alice, anybody):
    txid = chain(coin).mint(address_of(alice, coin), 5)
    scan_now(coin)
    chain(coin).vanish(txid)
    for _ in range(3):
        anybody.ask("notify", symbol="TST", notify_type="wallet", notify_message=txid)
        scan_now(coin)
    assert Operation.objects.get().status == "cancelled"
    assert balances(coin, alice) == [(0, 0)]


def test_a_key_is_not_renewed_from_another_site(at_alice, coin, alice):
    before = keys.show_key(alice, keys.PLUGIN_API)
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Referer": "https://evil.example/"}):
        answer = read(at_alice.client.get(
            "/?__wallets_apiversion=3&__wallets_action=do_reset_apikey", headers=headers))  # fmt: skip
        assert (answer["code"], answer["result"]) == ("-105", "error")
    assert keys.show_key(alice, keys.PLUGIN_API) == before


def test_a_page_of_ours_and_the_key_itself_renew_the_key(at_alice, coin, alice):
    query = "/?__wallets_apiversion=3&__wallets_action=do_reset_apikey"
    first = keys.show_key(alice, keys.PLUGIN_API)
    second = read(at_alice.client.get(query, headers={"Referer": "http://testserver/"}))["new_key"]
    assert with_key(alice).ask("get_coins_info")["result"] == "success"
    third = read(Client(headers={"authorization": f"Bearer {second}"}).get(query))["new_key"]
    assert len({first, second, third}) == 3
    for dead in (first, second):
        assert Plugin(authorization=f"Bearer {dead}").get("get_coins_info").status_code == 403


@pytest.mark.parametrize("figure", ["1,5", "0.5abc", "1e-3", "+0.2", "0.123456789", "１", "1_0", " 1 2"])
def test_a_figure_the_plugin_misread_is_refused(rich, at_alice, alice, bob, figure):
    answer = at_alice.move("bob", figure)
    assert (answer["result"], answer["code"]) == ("error", "-105")
    assert balances(rich, alice, bob) == [(10 * 10**8, 0), (0, 0)]


def test_balances_are_exact_to_the_last_digit(fees, at_alice, alice):
    fund(alice, fees, 1_234_567_890_123_456_789)
    text = at_alice.get("get_coins_info").content.decode()
    assert '"balance":12345678901.23456789,' in text
    assert '"move_fee":0.000001,' in text


def test_a_retry_of_the_same_request_pays_once(rich, at_alice, alice, bob):
    nonce = at_alice.nonce("do_move")
    for _ in range(2):
        answer = at_alice.ask("do_move", symbol="TST", move_toaccount="bob", move_amount="1", _wpnonce=nonce, _="17")
        assert answer == {"result": "success"}
    assert balances(rich, bob) == [(100_000_000, 0)]
    other = at_alice.ask("do_move", symbol="TST", move_toaccount="bob", move_amount="2", _wpnonce=nonce, _="17")
    assert other["code"] == "-105"


def test_an_idempotency_key_holds_for_programs_too(rich, alice, bob):
    program = with_key(alice)
    query = program._query("do_move", "3", {"symbol": "TST", "move_toaccount": "bob", "move_amount": "1"})
    for _ in range(2):
        assert read(program.client.post("/", query, headers={"Idempotency-Key": "order 17"}))["result"] == "success"
    assert balances(rich, bob) == [(100_000_000, 0)]


def test_without_a_key_each_request_is_a_payment_as_in_the_plugin(rich, at_alice, bob):
    at_alice.move("bob", "1")
    at_alice.move("bob", "1")
    assert balances(rich, bob) == [(200_000_000, 0)]


def test_a_recipient_without_wallets_is_as_unknown_as_nobody(rich, at_alice):
    make_user("dora", groups=())
    told = [at_alice.move(to, "1")["message"].replace(to, "?") for to in ("dora", "nobody", "dora@example.com", "99")]
    assert len(set(told)) == 1


def test_an_address_is_checked_when_it_is_asked_for(rich, at_alice, alice):
    answer = at_alice.withdraw("notanaddress", "1")
    assert answer["code"] == "-104"
    assert balances(rich, alice) == [(10 * 10**8, 0)]


def test_a_node_that_is_down_leaks_nothing(rich, at_alice, bob):
    switch(rich, chain_file="/dev/null/secret-path/chain.sqlite3")
    answer = at_alice.get("do_withdraw", symbol="TST", withdraw_address="x", withdraw_amount="1",
                          _wpnonce=at_alice.nonce("do_withdraw"))  # fmt: skip
    assert b"secret-path" not in answer.content
    assert answer.status_code == 200


def test_comments_hold_quotes_without_backslashes(rich, at_alice, bob):
    at_alice.move("bob", "1", move_comment='say "hi"\n\tit\'s\x07 <i>me</i>')
    assert at_alice.transactions()[0]["comment"] == 'say "hi" it\'s me'


def test_fees_belong_to_somebody(rich, at_alice, bob):
    at_alice.move("bob", "1")
    assert books(rich)["fee_income"] == 100


def test_newest_first_even_within_one_second(rich, at_alice, bob):
    for amount in ("1", "2", "3"):
        at_alice.move("bob", amount)
    shown = [row["amount"] for row in at_alice.transactions(count="3")]
    assert shown == ["-3.0000010000", "-2.0000010000", "-1.0000010000"]


def test_the_list_is_bounded_and_kept_by_no_cache(rich, at_alice):
    answer = at_alice.get("get_transactions", symbol="TST", tx_count="100000000", tx_from="0")
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_an_unconfirmed_request_is_cancelled_in_time_and_a_deposit_never(rich, at_alice, alice, bob):
    change(confirm_move_user=True)
    at_alice.move("bob", "1")
    chain(rich).mint(address_of(alice, rich), 7)
    scan_now(rich)
    with time_machine.travel(now() + timedelta(minutes=1441)):
        assert lifecycle.expire_unconfirmed() == 1
    states = dict(Operation.objects.filter(user=alice).values_list("gross", "status"))
    assert states[7] == "pending"
    assert states[100_000_100] == "cancelled"
    assert balances(rich, alice) == [(10 * 10**8, 0)]


@pytest.mark.parametrize("rows", [3, 300])
def test_a_balance_costs_the_same_whatever_the_history(rich, at_alice, alice, rows, django_assert_num_queries_of):
    account = Account.objects.get(owner=alice, kind="user")
    Operation.objects.bulk_create(
        Operation(user=alice, account=account, coin=rich, kind="deposit", incoming=True, status="done", gross=1)
        for _ in range(rows)
    )
    at_alice.get("get_coins_info")
    with django_assert_num_queries_of() as counted:
        at_alice.get("get_coins_info")
    assert len(counted.statements) == (4 if connection.vendor == "postgresql" else 5)  # there two go in one round trip
    assert not any("ledger_operation" in statement for statement in counted.statements)
