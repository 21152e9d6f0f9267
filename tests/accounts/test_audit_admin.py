"""Managers find what happened, by who, about whom, what and when, and take it away in two forms."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, cast

import pytest
from django.http import QueryDict

from accounts import audit_chain
from accounts.audit import record
from accounts.models import AuditEvent
from tests.accounts.people import signed_in

PLACE = "/admin/accounts/auditevent/"


@pytest.fixture
def browser(site, alice, bob, manager):
    made = signed_in(manager)
    record("login", who=alice, ip="192.0.2.7")
    record("person_changed", who=manager, object=f"user {bob.pk}", fields=["email"])
    record("settings_changed", who=manager, object='=HYPERLINK("http://evil")', note="+1\n2")
    return made


def text(answer: Any) -> str:
    return b"".join(cast("Any", answer).streaming_content).decode()


def lines(browser: Any, query: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text(browser.get(f"{PLACE}export.jsonl{query}")).splitlines()]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?by=alice", ["login"]),
        ("?by=alice@example.com", ["login"]),
        ("?about_whom=bob", ["person_changed"]),
        ("?about_whom=nobody", []),
        ("?what=settings_changed", ["settings_changed"]),
        ("?q=192.0.2.7", ["login"]),
        ("?by=manager&about_whom=bob", ["person_changed"]),
        ("?at__gte=2100-01-01T00:00:00Z", []),
    ],
)
def test_it_is_found_and_given_out_as_it_is_shown(browser, query, found):
    assert browser.get(PLACE + query).status_code == 200
    assert [line["what"] for line in lines(browser, query)] == found
    event = AuditEvent.objects.latest("pk")
    assert (event.what, event.object, event.data) == (
        "audit_exported",
        "json lines",
        {"filters": QueryDict(query[1:]).urlencode()},
    )


def test_the_page_offers_both_with_its_filters(browser):
    page = browser.get(PLACE + "?by=alice").content.decode()
    assert f'href="{PLACE}export.csv?by=alice"' in page
    assert f'href="{PLACE}export.jsonl?by=alice"' in page
    assert 'name="about_whom"' in page


def test_no_spreadsheet_takes_a_cell_for_a_formula(browser):
    answer = browser.get(f"{PLACE}export.csv?what=settings_changed")
    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.reader(io.StringIO(text(answer))))
    assert rows[0] == ["id", "at", "who", "about", "what", "object", "ip", "data", "erased_at"]
    assert rows[1][5] == '\'=HYPERLINK("http://evil")'
    assert json.loads(rows[1][7]) == {"note": "+1\n2"}


def test_nobody_else_takes_it_and_nothing_is_changed_by_it(browser, alice):
    audit_chain.seal_pending(everything=True)
    for place in ("export.csv", "export.jsonl", ""):
        assert signed_in(alice).get(PLACE + place).status_code in (302, 403)
    pk = AuditEvent.objects.earliest("pk").pk
    assert browser.post(f"{PLACE}{pk}/change/", {"what": "x"}).status_code == 403
    assert browser.post(f"{PLACE}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert browser.get(f"{PLACE}add/").status_code == 403
    assert audit_chain.verify().ok
