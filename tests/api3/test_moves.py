"""do_move and do_withdraw where the recordings are silent: both meanings of AMOUNT, notes, limits, what is shown."""

from __future__ import annotations

import pytest
from django.test import override_settings

from accounts.models import User
from adapters.demo import encode_address
from ledger.models import Coin, FeeRule, Operation
from tests.api3.client import Plugin
from tests.api3.conftest import change
from tests.support.money import address_of, balances, bound, charge, fund, pay_now

pytestmark = [pytest.mark.usefixtures("site_row"), pytest.mark.both_databases]
AWAY = encode_address("tst", b"\x07" * 20)
COIN = 10**8


@pytest.fixture
def rich(coin: Coin, alice: User) -> Coin:
    fund(alice, coin, 10 * COIN)
    charge(coin, "move", fixed=100, ppm=10_000)
    charge(coin, "withdrawal", fixed=100_000)
    return coin


def test_the_amount_is_what_arrives_and_the_fee_comes_on_top(rich, at_alice, alice, bob):
    assert at_alice.move("bob", "1")["result"] == "success"
    assert balances(rich, alice, bob) == [(9 * COIN - 1_000_100, 0), (COIN, 0)]
    assert (at_alice.transactions()[0]["amount"], at_alice.transactions()[0]["fee"]) == (
        "-1.0100010000", "0.0100010000",
    )  # fmt: skip


def test_by_a_setting_the_amount_holds_the_fee_as_in_the_plugin(rich, at_alice, at_bob, alice, bob):
    with override_settings(WALLETS_API3_AMOUNT_INCLUDES_FEE=True):
        assert at_alice.move("bob", "1")["result"] == "success"
        everything = at_alice.move("bob", "9")
    assert everything == {"result": "success"}
    assert balances(rich, alice, bob) == [(0, 0), (10 * COIN - 10 * 1_000_000 - 200, 0)]
    assert at_bob.transactions()[-1]["amount"] == "0.9899990000"


@pytest.mark.parametrize(("includes", "shown"), [(False, "TST 10.10000100"), (True, "TST 10.00000001")])
def test_too_much_names_both_figures(rich, at_alice, includes, shown, bob):
    with override_settings(WALLETS_API3_AMOUNT_INCLUDES_FEE=includes):
        answer = at_alice.move("bob", "10.00000001" if includes else "10")
    assert answer["message"] == f"Could not move TST: Insufficient available funds: {shown} > TST 10.00000000"


def test_a_minimum_is_compared_with_the_figure_that_was_typed(rich, at_alice):
    bound(rich, "withdrawal", minimum=COIN)
    with override_settings(WALLETS_API3_AMOUNT_INCLUDES_FEE=True):
        assert at_alice.withdraw(AWAY, "1") == {"result": "success"}
        refused = at_alice.withdraw(AWAY, "0.99999999")
    assert refused["message"] == 'Could not withdraw TST: Minimum witdrawal amount for "TST" is 1.000000'


@pytest.mark.parametrize("to", ["bob", "BOB", " bob ", "bob@example.com"])
def test_a_recipient_by_name_or_mail(rich, at_alice, bob, to):
    assert at_alice.move(to, "1") == {"result": "success"}
    assert balances(rich, bob) == [(COIN, 0)]


def test_a_recipient_by_number(rich, at_alice, bob):
    assert at_alice.move(str(bob.pk), "1") == {"result": "success"}
    assert balances(rich, bob) == [(COIN, 0)]


def test_a_withdrawal_is_done_for_programs_when_the_network_has_it(rich, at_alice, alice):
    assert at_alice.withdraw(AWAY, "2", withdraw_comment="rent", withdraw_comment_to="landlord")["result"] == "success"
    row = at_alice.transactions()[0]
    assert (row["status"], row["txid"], row["retries"], row["comment"]) == ("pending", None, "3", "rent")
    pay_now(rich)
    row = at_alice.transactions()[0]
    assert (row["status"], len(row["txid"]), row["amount"]) == ("done", 64, "-2.0010000000")
    coin = at_alice.coin()
    assert (coin["balance"], coin["available_balance"]) == ("7.999", "7.999")
    assert Operation.objects.get(kind="withdraw").note == "landlord"
    assert "landlord" not in str(at_alice.transactions())


def test_the_private_note_stands_on_its_owners_page(rich, at_alice, alice):
    at_alice.withdraw(AWAY, "2", withdraw_comment_to="landlord")
    number = Operation.objects.get(kind="withdraw").pk
    assert "landlord" in at_alice.client.get(f"/activity/{number}/").content.decode()


def test_the_address_of_a_member_is_a_move_and_ones_own_is_refused(rich, at_alice, alice, bob):
    assert at_alice.withdraw(address_of(bob, rich), "1") == {"result": "success"}
    assert balances(rich, bob) == [(COIN, 0)]
    assert at_alice.withdraw(address_of(alice, rich), "1")["message"] == (
        "Could not withdraw TST: You cannot withdraw to one of your own deposit addresses on this system."
    )


def test_an_unproven_mail_moves_nothing_and_is_told_why(rich, at_alice, alice, bob):
    from allauth.account.models import EmailAddress

    EmailAddress.objects.filter(user=alice).update(verified=False)
    answer = at_alice.move("bob", "1")
    assert answer["code"] == "-105"
    assert "confirm your e-mail" in answer["message"]


def test_what_waits_lowers_the_available_balance_alone(rich, at_alice, at_bob, bob):
    change(confirm_move_user=True)
    FeeRule.objects.all().delete()
    at_alice.move("bob", "1")
    coin = at_alice.coin()
    assert (coin["balance"], coin["available_balance"]) == ("10", "9")
    assert at_bob.coin()["balance"] == "0"
    assert at_bob.transactions()[0]["status"] == "unconfirmed"


def test_who_has_no_name_is_a_number_to_others(rich, at_alice, alice, bob):
    at_alice.move("bob", "1")
    User.objects.filter(pk=bob.pk).update(username=None)
    assert at_alice.transactions()[0]["other_account_name"] == f"user {bob.pk}"


def test_a_posted_form_is_the_same_as_a_query(rich, alice, bob):
    plugin = Plugin().sign_in(alice)
    nonce = plugin.nonce("do_move")
    query = plugin._query("do_move", "3", {"symbol": "TST", "move_toaccount": "bob", "move_amount": "1"})
    assert plugin.client.post(f"/?_wpnonce={nonce}", query).json() == {"result": "success"}
    assert balances(rich, bob) == [(COIN, 0)]
