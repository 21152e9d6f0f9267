from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from adapters.demo import encode_address
from adapters.models import Wallet
from ledger import queries
from ledger.models import Coin, Operation, Posting
from tests.pages.reading import amounts_of, errors_beside, text_of, value_of
from tests.support.factories import PASSWORD, make_user
from tests.support.money import address_of, balances, charge, fund, make_coin, send, use_of

BAD_AMOUNTS = [
    ("-1", "The amount must be more than zero: leave out the minus sign."),
    ("0", "The amount must be more than zero."),
    ("0.00", "The amount must be more than zero."),
    ("0.123456789", "This coin has 8 decimals; the amount has 9."),
    ("1e3", "Write the amount out in full, without an exponent."),
    ("1,5", "Use a dot for decimals and no thousands separators, for example 1.5."),
    ("0.5abc", "Enter digits 0-9 and at most one dot, for example 0.5."),
    ("NaN", "Enter digits 0-9 and at most one dot, for example 0.5."),
    ("Infinity", "Enter digits 0-9 and at most one dot, for example 0.5."),
    ("١٢", "Enter digits 0-9 and at most one dot, for example 0.5."),
    ("9" * 400, "The amount has too many digits."),
    ("", "Enter an amount."),
    ("0x10", "Enter digits 0-9 and at most one dot, for example 0.5."),
]


def write(client: Client, coin: Coin, **typed: str) -> Any:
    """Step 1 with what somebody typed."""
    fields = {"to": "bob", "amount": "1", "comment": "", **typed}
    return client.post(f"/send/{coin.symbol}/", fields)


def review(client: Client, coin: Coin, **typed: str) -> tuple[str, Any]:
    """The address of the review page, and the page."""
    answer = write(client, coin, **typed)
    assert answer.status_code == 302, errors_beside(answer, "to") + errors_beside(answer, "amount")
    return answer["Location"], client.get(answer["Location"])


def confirm(client: Client, where: str, page: Any, **more: str) -> Any:
    return client.post(where, {"quote": value_of(page, "quote"), **more})


@pytest.mark.parametrize(("typed", "sentence"), BAD_AMOUNTS)
def test_it_refuses_a_bad_amount_beside_the_field_and_moves_nothing(coin, rich, bob, at_alice, typed, sentence):
    before = (balances(coin, rich, bob), Posting.objects.count())

    page = write(at_alice, coin, amount=typed, comment="rent")

    assert errors_beside(page, "amount") == [sentence]
    assert errors_beside(page, "to") == []
    assert (value_of(page, "to"), value_of(page, "amount"), value_of(page, "comment")) == ("bob", typed, "rent")
    assert (balances(coin, rich, bob), Posting.objects.count()) == before


def test_it_moves_coins_to_a_member_with_the_fee_on_top(coin, rich, bob, at_alice):
    charge(coin, "move", fixed=500)

    where, page = review(at_alice, coin, amount="2.5", comment="lunch")
    assert "The recipient gets 2.5 TST Fee 0.000005 TST Total from your balance 2.500005 TST" in text_of(page)
    answer = confirm(at_alice, where, page)

    sent = Operation.objects.get(user=rich, kind="move")
    assert answer["Location"] == f"/activity/{sent.pk}/"
    assert balances(coin, rich, bob) == [(749_999_500, 0), (250_000_000, 0)]
    assert sent.comment == "lunch"
    assert "To bob" in text_of(at_alice.get(answer["Location"]))


def test_it_withdraws_to_an_outside_address_shown_in_groups_of_four(coin, rich, bob, at_alice):
    away = address_of(bob, make_coin("OUT", prefix="tst"))

    where, page = review(at_alice, coin, to=away, amount="1")
    assert f"<span>{away[:4]}</span><span>{away[4:8]}</span>" in page.content.decode()
    answer = confirm(at_alice, where, page)

    asked = Operation.objects.get(user=rich, kind="withdraw")
    assert (asked.address, asked.status) == (away, "pending")
    assert balances(coin, rich) == [(900_000_000, 100_000_000)]
    assert "Cancel this withdrawal" in text_of(at_alice.get(answer["Location"]))


def test_it_says_before_confirming_that_an_address_is_a_members(coin, rich, bob, at_alice):
    _, page = review(at_alice, coin, to=address_of(bob, coin))

    assert "This address belongs to a member of this site" in text_of(page)


def test_it_refuses_an_address_of_another_network_beside_the_field(coin, rich, at_alice, bob):
    page = write(at_alice, coin, to=address_of(bob, make_coin("FAR")))

    assert len(errors_beside(page, "to")) == 1
    assert errors_beside(page, "amount") == []


def test_it_says_the_same_of_unknown_people_and_of_members_who_may_not_receive(coin, rich, at_alice):
    make_user("dora", groups=())

    unknown, barred = write(at_alice, coin, to="nobody"), write(at_alice, coin, to="dora")

    assert errors_beside(unknown, "to") == ["We cannot send TST to “nobody”. Check the spelling."]
    assert errors_beside(barred, "to") == ["We cannot send TST to “dora”. Check the spelling."]


def test_it_refuses_more_than_the_balance_beside_the_amount(coin, rich, bob, at_alice):
    page = write(at_alice, coin, amount="10.00000001")

    assert errors_beside(page, "amount") == ["There is not enough available for this amount and its fee."]
    assert value_of(page, "amount") == "10.00000001"


def test_max_sends_all_that_is_available_less_the_fee(coin, rich, bob, at_alice):
    charge(coin, "move", fixed=500)

    where, page = review(at_alice, coin, amount="whatever", max="1")
    confirm(at_alice, where, page)

    assert balances(coin, rich, bob) == [(0, 0), (999_999_500, 0)]


def test_a_double_click_pays_once(coin, rich, bob, at_alice):
    where, page = review(at_alice, coin)

    first, second = confirm(at_alice, where, page), confirm(at_alice, where, page)

    assert first["Location"] == second["Location"]
    assert balances(coin, rich, bob) == [(900_000_000, 0), (100_000_000, 0)]


def test_a_draft_already_sent_shows_its_operation(coin, rich, bob, at_alice):
    where, page = review(at_alice, coin)
    answer = confirm(at_alice, where, page)

    assert at_alice.get(where)["Location"] == answer["Location"]
    assert at_alice.get(f"{where}figures/")["Location"] == answer["Location"]


def test_the_same_payment_written_twice_pays_twice(coin, rich, bob, at_alice):
    for _ in range(2):
        confirm(at_alice, *review(at_alice, coin))

    assert balances(coin, rich, bob) == [(800_000_000, 0), (200_000_000, 0)]


def test_old_figures_are_worked_out_again_before_anything_is_paid(clock, coin, rich, bob, at_alice):
    where, page = review(at_alice, coin)
    charge(coin, "move", fixed=700)
    clock.shift(timedelta(seconds=61))

    answer = confirm(at_alice, where, page)
    assert answer["Location"] == where
    assert balances(coin, rich, bob) == [(1_000_000_000, 0), (0, 0)]

    again = at_alice.get(where)
    assert "worked out again and changed: the total was 1 TST before" in text_of(again)
    assert "Total from your balance 1.000007 TST" in text_of(again)
    confirm(at_alice, where, again)

    assert balances(coin, rich, bob) == [(899_999_300, 0), (100_000_000, 0)]


def test_the_figures_alone_say_that_nothing_changed(clock, coin, rich, bob, at_alice):
    where, _ = review(at_alice, coin)
    clock.shift(timedelta(seconds=61))
    piece = at_alice.get(f"{where}figures/")

    assert "worked out again a moment ago; they are the same" in text_of(piece)
    assert "<html" not in piece.content.decode()


def test_figures_are_not_worked_out_for_ever(clock, coin, rich, bob, at_alice):
    where, page = review(at_alice, coin)
    assert "hx-get" in page.content.decode()
    for _ in range(10):
        clock.shift(timedelta(seconds=61))
        page = at_alice.get(f"{where}figures/")

    assert "hx-get" not in page.content.decode()


def test_somebody_else_cannot_confirm_my_figures(coin, rich, bob, charlie, at_alice, at_bob):
    _, page = review(at_alice, coin, to="charlie")
    fund(bob, coin, 500_000_000)
    where, _ = review(at_bob, coin, to="charlie", amount="2")

    answer = confirm(at_bob, where, page)

    assert answer["Location"] == where
    assert balances(coin, rich, charlie) == [(1_000_000_000, 0), (0, 0)]


def test_a_review_of_another_session_is_not_there(coin, rich, bob, at_alice, at_bob):
    where, _ = review(at_alice, coin)

    assert at_bob.get(where).status_code == 404
    assert at_bob.post(where, {"quote": "x"}).status_code == 404


def test_an_old_sign_in_leads_to_confirming_who_it_is_and_back_with_everything_kept(clock, coin, rich, bob, at_alice):
    where, page = review(at_alice, coin, amount="3", comment="for the boat")
    clock.shift(timedelta(minutes=6))
    page = at_alice.get(where)

    asked = confirm(at_alice, where, page)
    assert asked["Location"].startswith("/accounts/reauthenticate/?next=")
    assert balances(coin, rich, bob) == [(1_000_000_000, 0), (0, 0)]

    back = at_alice.post(asked["Location"], {"password": PASSWORD})
    assert back["Location"] == where
    page = at_alice.get(where)
    assert "for the boat" in text_of(page)
    confirm(at_alice, where, page)

    assert balances(coin, rich, bob) == [(700_000_000, 0), (300_000_000, 0)]


def test_changing_a_draft_starts_from_what_was_typed(coin, rich, bob, at_alice):
    where, _ = review(at_alice, coin, amount="0.125", comment="tea")
    key = where.split("/")[-2]

    page = at_alice.get(f"/send/{coin.symbol}/?draft={key}")

    assert (value_of(page, "to"), value_of(page, "amount"), value_of(page, "comment")) == ("bob", "0.125", "tea")


def test_money_that_left_meanwhile_leads_back_to_the_form_with_the_reason(coin, rich, bob, at_alice):
    where, page = review(at_alice, coin, amount="8")
    other, second = review(at_alice, coin, amount="8")
    confirm(at_alice, other, second)

    answer = at_alice.post(where, {"quote": value_of(page, "quote")}, follow=True)

    assert "not enough" in text_of(answer).lower()
    assert value_of(answer, "amount") == "8"
    assert balances(coin, rich, bob) == [(200_000_000, 0), (800_000_000, 0)]


def test_a_node_that_is_down_leaves_balances_and_moves_and_says_why_withdrawals_wait(coin, rich, bob, at_alice):
    Wallet.objects.filter(pk=use_of(coin).wallet_id).update(state=Wallet.State.DOWN)

    page = at_alice.get("/send/TST/")
    assert "The Tstcoin node does not answer just now" in text_of(page)
    assert "10 TST" in amounts_of(page)
    refused = write(at_alice, coin, to=address_of(bob, make_coin("OUT", prefix="tst")))
    assert "node does not answer just now" in text_of(refused)
    confirm(at_alice, *review(at_alice, coin, to="bob"))

    assert balances(coin, rich, bob) == [(900_000_000, 0), (100_000_000, 0)]


def test_a_coin_switched_off_is_not_there(coin, rich, at_alice):
    Coin.objects.filter(pk=coin.pk).update(is_active=False)

    page = at_alice.get("/send/TST/")

    assert page.status_code == 404
    assert "There is no coin called TST." in text_of(page)


def test_every_digit_of_a_29_decimal_coin_is_shown(alice, bob, site, at_alice):
    coin = make_coin("TBAN", 29)
    fund(alice, coin, 2**128 - 1)
    whole = "3402823669.20938463463374607431768211455"

    where, page = review(at_alice, coin, amount=whole)

    assert f"{whole} TBAN" in amounts_of(page)
    confirm(at_alice, where, page)
    assert queries.balance(bob, coin).available == 2**128 - 1
    assert balances(coin, alice) == [(0, 0)]


def test_a_name_is_escaped(coin, rich, at_alice):
    page = write(at_alice, coin, to="<script>alert(1)</script>")

    assert "<script>alert" not in page.content.decode()
    assert value_of(page, "to") == "<script>alert(1)</script>"


def test_a_first_payment_to_an_address_is_told_on_its_review(coin, rich, bob, at_alice):
    away = encode_address("tst", b"\x15" * 20)
    words = "You have not paid this address before."

    assert words in text_of(at_alice.post("/send/TST/", {"to": away, "amount": "0.1"}, follow=True))
    send(rich, coin, away, 1_000)
    assert words not in text_of(at_alice.post("/send/TST/", {"to": away, "amount": "0.1"}, follow=True))
    assert words not in text_of(at_alice.post("/send/TST/", {"to": "bob", "amount": "0.1"}, follow=True))
