"""Notifications, receipts, statements, CSV, rates, status: what people read, keep and print."""

from __future__ import annotations

import csv
import io

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.drains import mail as mail_drain
from ledger.models import Operation
from ledger.services import rates
from tests.pages.reading import amounts_of, text_of
from tests.support.money import charge, fund, make_coin, send
from wallets_site.base.clock import now


def test_news_is_counted_until_it_was_read(coin, rich, bob, at_alice, at_bob):
    send(rich, coin, "bob", 1_000)
    assert ", 1 new" in text_of(at_bob.get("/activity/"))

    assert "A member sent you coins new" in text_of(at_bob.get("/notifications/"))

    assert "new" not in text_of(at_bob.get("/notifications/bell/"))
    assert "A member sent you coins new" not in text_of(at_bob.get("/notifications/"))


def test_what_is_muted_is_neither_shown_nor_mailed(coin, rich, bob, at_bob):
    at_bob.post("/notifications/choices/", {"hear": ["move_sent:mail", "move_sent:inbox"]})
    send(rich, coin, "bob", 1_000)
    mail_drain.deliver()

    assert "A member sent you coins" not in text_of(at_bob.get("/notifications/"))
    assert "bob@example.com" not in [to for each in mail.outbox for to in each.to]


def test_a_receipt_tells_all_of_it_and_to_its_owner_alone(coin, rich, bob, at_alice, at_bob):
    charge(coin, "move", fixed=1_000)
    sent = send(rich, coin, "bob", 200_000_000, comment="lunch")

    page = at_alice.get(f"/activity/{sent.pk}/receipt/")

    assert amounts_of(page) == ["2 TST", "0.00001 TST", "2.00001 TST"]
    assert "lunch" in text_of(page)
    assert at_bob.get(f"/activity/{sent.pk}/receipt/").status_code == 404


def test_a_months_statement_adds_up(coin, rich, bob, at_alice):
    send(rich, coin, "bob", 250_000_000)

    page = at_alice.get(f"/statements/TST/{now():%Y-%m}/")

    assert amounts_of(page)[:4] == ["0 TST", "10 TST", "2.5 TST", "7.5 TST"]
    assert f"/statements/TST/{now():%Y-%m}/" in at_alice.get("/statements/").content.decode()


@pytest.mark.parametrize("month", ["2026-13", "0000-01", "9999-01", "x", "2026-1", "2008-12"])
def test_a_month_that_is_none_is_not_there(coin, rich, at_alice, month):
    assert at_alice.get(f"/statements/TST/{month}/").status_code == 404


def test_the_file_holds_exactly_what_the_filter_shows(coin, rich, bob, at_alice):
    send(rich, coin, "bob", 100_000_000, comment="=cmd()")
    send(rich, coin, "bob", 200_000_000, comment="rent")

    def rows(query: str) -> list[dict[str, str]]:
        text = b"".join(at_alice.get(f"/activity/activity.csv?{query}").streaming_content).decode()
        return list(csv.DictReader(io.StringIO(text)))

    assert [row["amount"] for row in rows("kind=move")] == ["2.00000000", "1.00000000"]
    assert [row["comment"] for row in rows("text=rent")] == ["rent"]
    assert rows("text=cmd")[0]["comment"].startswith("'=")
    assert len(rows("")) == 3
    assert rows(f"since={now():%Y-%m-%d}&until={now():%Y-%m-%d}") == rows("")
    assert rows("until=2020-01-01") == []
    assert rows("kind=move")[0]["time"].endswith("+00:00")


def test_a_note_is_its_owners_alone(coin, rich, bob, at_alice, at_bob):
    sent = send(rich, coin, "bob", 1_000)
    at_alice.post(f"/activity/{sent.pk}/note/", {"note": "<b>for the tax office"})

    assert "&lt;b&gt;for the tax office" in at_alice.get(f"/activity/{sent.pk}/").content.decode()
    assert at_bob.post(f"/activity/{sent.pk}/note/", {"note": "mine"}).status_code == 404
    at_alice.post(f"/activity/{sent.pk}/note/", {"note": "x" * 501})
    assert Operation.objects.get(pk=sent.pk).note == "<b>for the tax office"


def test_rates_and_status_are_public(coin, site):
    assert "No rates" in text_of(Client().get("/rates/"))
    rates.set_rate(coin=coin, currency="USD", price=4_110_000_000)

    assert "$0.004110" in text_of(Client().get("/rates/?in=usd"))
    assert "Withdrawals work" in text_of(Client().get("/status/"))


@pytest.mark.parametrize("path", ["/", "/activity/", "/notifications/", "/contacts/", "/accounts/security/", "/rates/"])
def test_a_page_asks_the_same_however_much_there_is(coin, rich, bob, at_alice, path):
    def asked() -> int:
        at_alice.get(path)
        with CaptureQueriesContext(connection) as caught:
            at_alice.get(path)
        return len(caught)

    send(rich, coin, "bob", 1_000)
    few = asked()
    for _ in range(8):
        send(rich, coin, "bob", 1_000)
    fund(rich, make_coin("AAA"), 100)

    assert asked() == few


def test_a_zone_or_language_nobody_has_is_refused_beside_its_field(coin, rich, at_alice):
    page = at_alice.post("/accounts/preferences/", {"currency": "XXX", "language": "tlh", "time_zone": "Mars/Base"})

    assert page.content.decode().count('class="errorlist"') == 3
    rich.refresh_from_db()
    assert (rich.currency, rich.language, rich.time_zone) == ("", "", "")
