from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.models import Coin, Operation
from tests.accounts.people import signed_in
from tests.pages.reading import amounts_of, text_of
from tests.support.factories import make_user
from tests.support.money import address_of, balances, blocks, chain, charge, fund, make_coin, pay_now, scan_now, send


def rows(page: Any) -> int:
    return str(page.content.decode()).count('class="op ')


def test_an_empty_list_says_what_will_stand_there(coin, at_alice):
    assert "Nothing has happened yet" in text_of(at_alice.get("/activity/"))


def test_each_side_of_a_move_sees_its_own_row(coin, rich, bob, at_alice, at_bob):
    charge(coin, "move", fixed=1_000)
    send(rich, coin, "bob", 200_000_000, comment="lunch")

    assert "To bob" in text_of(at_alice.get("/activity/"))
    assert "\u22122.00001 TST" in text_of(at_alice.get("/activity/"))
    assert "From alice" in text_of(at_bob.get("/activity/"))
    assert "+2 TST" in text_of(at_bob.get("/activity/"))
    assert "lunch" in text_of(at_bob.get("/activity/"))


def test_a_member_without_a_name_is_shown_by_number_never_by_mail(coin, rich, bob, at_bob):
    type(rich).objects.filter(pk=rich.pk).update(username=None)
    send(rich, coin, "bob", 200_000_000)

    page = text_of(at_bob.get("/activity/"))

    assert f"From member {rich.pk}" in page
    assert "alice@example.com" not in page


def test_pages_of_25_follow_each_other_without_gap_or_repeat(coin, rich, bob, at_alice):
    for _ in range(30):
        send(rich, coin, "bob", 1_000)

    first = at_alice.get("/activity/")
    older = re.search(r'href="\?(before=\d+)"', first.content.decode())
    assert older is not None
    second = at_alice.get(f"/activity/?{older[1]}")

    def listed(page) -> list[str]:
        return re.findall(r'href="/activity/(\d+)/"', page.content.decode())

    assert (rows(first), rows(second)) == (25, 6)
    mine = Operation.objects.filter(user=rich).order_by("-pk").values_list("pk", flat=True)
    assert listed(first) + listed(second) == [str(pk) for pk in mine]
    assert "Older" not in text_of(second)


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("kind=deposit", {"deposit"}),
        ("kind=move", {"move"}),
        ("coin=TST&kind=move", {"move"}),
        ("status=pending", {"withdraw"}),
        ("coin=OTH", set()),
        ("kind=rubbish&status=&coin=NOPE&before=x", {"deposit", "move", "withdraw"}),
    ],
)
def test_filters_stand_in_the_address(coin, rich, bob, at_alice, query, kinds):
    make_coin("OTH")
    send(rich, coin, "bob", 1_000)
    send(rich, coin, address_of(bob, make_coin("OUT", prefix="tst")), 2_000)

    page = at_alice.get(f"/activity/?{query}")

    assert {operation.kind for operation in page.context["operations"]} == kinds
    assert ("Nothing matches" in text_of(page)) == (not kinds)


def test_older_pages_keep_the_filters(coin, rich, bob, at_alice):
    for _ in range(27):
        send(rich, coin, "bob", 1_000)

    html = at_alice.get("/activity/?kind=move").content.decode()

    assert 'href="?kind=move&amp;before=' in html


def test_an_operation_of_somebody_else_is_not_there(coin, rich, bob, charlie):
    hers = send(rich, coin, "bob", 1_000)
    at_charlie = signed_in(charlie)

    for path in (f"/activity/{hers.pk}/", f"/activity/{hers.pk}/live/", "/activity/999999999999999999999/"):
        assert at_charlie.get(path).status_code == 404
    assert at_charlie.post(f"/activity/{hers.pk}/cancel/").status_code == 404


def test_a_withdrawal_is_followed_until_it_is_done(clock, coin, rich, bob, at_alice):
    Coin.objects.filter(pk=coin.pk).update(explorer_tx="https://explorer.example/tx/{txid}")
    asked = send(rich, coin, address_of(bob, make_coin("OUT", prefix="tst")), 100_000_000)
    page = at_alice.get(f"/activity/{asked.pk}/")
    assert "Waiting for the next payout run" in text_of(page)
    assert "Nobody has to do anything: this site works on it." in text_of(page)
    assert f'data-live="operation:{asked.pk} nodes"' in page.content.decode()

    pay_now(coin)
    piece = at_alice.get(f"/activity/{asked.pk}/live/")
    asked.refresh_from_db()
    assert f"https://explorer.example/tx/{asked.txid}" in piece.content.decode()
    assert "Cancel this withdrawal" not in text_of(piece)
    assert "0/2 confirmations" in text_of(piece)

    blocks(3, clock)
    pay_now(coin)
    piece = at_alice.get(f"/activity/{asked.pk}/live/")

    assert "Done" in text_of(piece)
    assert "hx-get" not in piece.content.decode()


def test_an_explorer_that_is_no_https_address_is_not_linked(coin, rich, bob, at_alice):
    Coin.objects.filter(pk=coin.pk).update(explorer_tx="javascript:alert('{txid}')")
    deposit = Operation.objects.get(user=rich)

    html = at_alice.get(f"/activity/{deposit.pk}/").content.decode()

    assert deposit.txid in html
    assert "javascript:" not in html


def test_a_deposit_shows_its_confirmations(clock, coin, alice, at_alice):
    chain(coin).mint(address_of(alice, coin), 5_000)
    scan_now(coin)
    blocks(1, clock)
    scan_now(coin)
    deposit = Operation.objects.get(user=alice)
    page = at_alice.get(f"/activity/{deposit.pk}/")

    assert "1/2 confirmations" in text_of(page)
    assert '<progress id="confirmations" value="1" max="2">' in page.content.decode()
    assert amounts_of(page) == ["0.00005 TST"]


def test_a_queued_withdrawal_can_be_cancelled_once(coin, rich, bob, at_alice):
    asked = send(rich, coin, address_of(bob, make_coin("OUT", prefix="tst")), 100_000_000)
    assert balances(coin, rich) == [(900_000_000, 100_000_000)]

    for _ in range(2):
        page = at_alice.post(f"/activity/{asked.pk}/cancel/", {"key": "k"}, follow=True)
        assert balances(coin, rich) == [(1_000_000_000, 0)]

    assert "Cancelled" in text_of(page)


def test_a_withdrawal_on_its_way_is_not_cancelled(coin, rich, bob, at_alice):
    asked = send(rich, coin, address_of(bob, make_coin("OUT", prefix="tst")), 100_000_000)
    pay_now(coin)

    page = at_alice.post(f"/activity/{asked.pk}/cancel/", {"key": "k"}, follow=True)

    assert "cannot be cancelled" in text_of(page)
    assert balances(coin, rich) == [(900_000_000, 0)]


def test_nothing_is_changed_by_a_get(coin, rich, bob, at_alice):
    asked = send(rich, coin, address_of(bob, make_coin("OUT", prefix="tst")), 100_000_000)

    for path in (f"/activity/{asked.pk}/cancel/", "/receive/TST/new-address/", "/receive/TST/test-coins/"):
        assert at_alice.get(path).status_code == 405
    assert balances(coin, rich) == [(900_000_000, 100_000_000)]


def test_the_number_of_queries_does_not_grow_with_the_list(coin, rich, bob, at_alice):
    send(rich, coin, "bob", 1_000)
    at_alice.get("/activity/")
    with CaptureQueriesContext(connection) as few:
        at_alice.get("/activity/")
    other = make_coin("OTH")
    fund(rich, other, 100_000)
    for _ in range(10):
        send(rich, coin, "bob", 1_000)
        send(rich, other, "bob", 1_000)
    with CaptureQueriesContext(connection) as many:
        at_alice.get("/activity/")

    assert len(many) == len(few)


def test_somebody_who_may_not_list_is_refused(coin, rich):
    at_dora = signed_in(make_user("dora", groups=()))

    page = at_dora.get("/activity/")

    assert page.status_code == 403
    assert "This account may not see its activity." in text_of(page)
