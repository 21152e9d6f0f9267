"""Nobody is led from a page of this site to another one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from accounts.models import User
from tests.attacks.conftest import stranger
from tests.support.factories import PASSWORD

HERE = "http://testserver"
EVIL = (
    "https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "\\\\evil.example",
    "https:evil.example",
    "http:///evil.example", "///evil.example", "/\t/evil.example", "/%09/evil.example", "/%5cevil.example",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "@evil.example", ".evil.example",
    "https://testserver@evil.example", "https://testserver.evil.example", "//good%2eevil.example", "\n//evil.example",
    "/\n/evil.example", "https://evil.example\r\nSet-Cookie: a=b", " https://evil.example",
    "https://evil.example/" + "a" * 4000,
    "http://testserver:80@evil.example/", "//evil.example/%2f..", "ftp://testserver/",
)  # fmt: skip


def leads_away(location: str) -> bool:
    """As a browser reads it: backslashes are slashes, tabs and line breaks are nothing, unknown schemes run."""
    cleaned = location.strip().replace("\\", "/").translate({9: None, 10: None, 13: None})
    target = urlsplit(urljoin(HERE + "/accounts/login/", cleaned))
    return (target.scheme, target.netloc) != ("http", "testserver") or cleaned.startswith("//")


def test_no_form_of_the_word_next_leads_away(alice, bob, settings):
    settings.ACCOUNT_RATE_LIMITS = False  # a hundred sign-ins
    assert [answer["Location"] for answer in answers(alice, bob, "/contacts/")[:3]] == ["/contacts/"] * 3
    for wanted in EVIL:
        for answer in answers(alice, bob, wanted):
            assert answer.status_code in (200, 302), (wanted, answer.status_code)
            assert not leads_away(answer.get("Location", "/")), (wanted, answer["Location"])
            assert "HX-Redirect" not in answer


def answers(alice: User, bob: User, wanted: str) -> list[Any]:
    asked = quote(wanted, safe="")
    said = {"login": alice.email, "password": PASSWORD}
    found = [
        stranger().post(f"/accounts/login/?next={asked}", said),
        stranger().post("/accounts/login/", {**said, "next": wanted}),
        stranger().post("/wp-login.php", {"log": "alice", "pwd": PASSWORD, "redirect_to": wanted}),
    ]
    at_bob = stranger()
    at_bob.force_login(bob)
    away = {"Referer": "https://evil.example/"}
    return [
        *found,
        at_bob.get(f"/accounts/login/?next={asked}"),
        at_bob.post(f"/accounts/reauthenticate/?next={asked}", {"password": PASSWORD, "next": wanted}),
        at_bob.post(f"/accounts/hide-balances/?next={asked}", {"next": wanted}, headers=away),
        at_bob.get(f"/send/?next={asked}&return={asked}"),
        at_bob.post(f"/accounts/logout/?next={asked}", {"next": wanted}),
    ]


def test_the_judge_of_this_file_knows_what_leads_away():
    assert all(leads_away(text) for text in ("https://evil.example", "/\\evil.example", "//evil", "javascript:x"))
    assert not any(leads_away(text) for text in ("/", "/activity/?a=//b", "?x=1", "activity/"))
