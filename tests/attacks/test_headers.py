"""Each answer of each kind of route, whatever its status, carries the same protective headers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from ledger.services import recognise
from tests.accounts.people import signed_in
from tests.api.callers import Program
from tests.api.test_routes import PAGES, ask, routes
from tests.support.factories import PASSWORD
from wallets_site.middleware import PLAIN_POLICY

PAGE_POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
    "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'",
    "manifest-src 'self'",
}  # fmt: skip


@pytest.fixture
def behind_tls(settings: Any) -> None:
    """As settings.py arranges a site with an https address."""
    settings.HTTPS = settings.SECURE_SSL_REDIRECT = settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    settings.SITE_URL = "https://testserver"


def missing(answer: Any, *, https: bool = True) -> list[str]:
    """What is wrong with the headers of this answer."""
    said = answer.headers
    wanted = {
        "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }  # fmt: skip
    if https:
        wanted["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    wrong = [f"{name}: {said.get(name)}" for name, value in wanted.items() if said.get(name) != value]
    if said.get("Referrer-Policy") not in ("same-origin", "origin", "no-referrer"):
        wrong.append(f"Referrer-Policy: {said.get('Referrer-Policy')}")
    policy = said.get("Content-Security-Policy", "")
    page = said.get("Content-Type", "").startswith("text/html")
    if (set(policy.split("; ")) != PAGE_POLICY) if page else (policy != PLAIN_POLICY):
        wrong.append(f"Content-Security-Policy: {policy}")
    return wrong


def never_kept(answer: Any) -> bool:
    """No cache may keep it, or it must ask before each use."""
    said = answer.headers.get("Cache-Control", "")
    return "no-store" in said


def test_every_page_carries_them_for_strangers_and_for_members(behind_tls, things, alice):
    stranger, at_alice = (Client(raise_request_exception=False) for _ in range(2))
    stranger.defaults["wsgi.url_scheme"] = at_alice.defaults["wsgi.url_scheme"] = "https"
    at_alice.force_login(alice)
    wrong = []
    for row in PAGES.values():
        for client in (stranger, at_alice):
            stranger.cookies.clear()
            answer = ask(client, row, things)
            faults = missing(answer) + ([] if never_kept(answer) or row.path == "/brand.css" else ["kept by caches"])
            if faults:
                wrong.append((row.method, row.path, answer.status_code, faults))
            if row.path == "/accounts/logout/":
                at_alice.force_login(alice)
    assert wrong == []


def ways(alice: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, more) of every status each surface gives."""
    key = {"headers": {"Authorization": f"Bearer {Program(alice, 'read').key}"}}
    bad = {"headers": {"Authorization": "Bearer wk_nothing"}}
    body = {"data": "{", "content_type": "application/json", **key}
    large = {"data": json.dumps({"memo": "x" * 70_000}), "content_type": "application/json"}
    return [
        ("GET", "/", {}), ("GET", "/accounts/login/", {}), ("GET", "/nothing/", {}), ("FOO", "/", {}), ("PUT", "/", {}),
        ("POST", "/accounts/login/", {"data": {"login": "x"}}), ("GET", "/", {"headers": {"Host": "evil.example"}}),
        ("POST", "/accounts/login/", {"headers": {"Content-Encoding": "gzip"}}),
        ("GET", "/api/v1/me", key), ("GET", "/api/v1/me", {}), ("GET", "/api/v1/me", bad), ("GET", "/api/v1/x", key),
        ("POST", "/api/v1/sends", body), ("POST", "/api/v1/addresses", body), ("DELETE", "/api/v1/me", key),
        ("TRACE", "/api/v1/me", key), ("POST", "/api/v1/sends", {"data": "a=1", "content_type": "text/plain", **key}),
        ("GET", "/lnbits/api/v1/wallet", {}), ("GET", "/lnbits/api/v1/health", {}), ("GET", "/lnbits/x", {}),
        ("GET", "/lnbits/api/v1/wallet", {"headers": {"X-Api-Key": "a" * 32}}), ("OPTIONS", "/lnbits/api/v1/wallet",
        {}),
        ("POST", "/lnbits/api/v1/payments/decode", large), ("TRACE", "/lnbits/api/v1/wallet", {}),
        ("GET", "/?__wallets_apiversion=3&__wallets_action=get_coins_info", {}),
        ("GET", "/?__wallets_apiversion=3&__wallets_action=notify", {}),
        ("PUT", "/?__wallets_apiversion=3&__wallets_action=get_coins_info", {}),
        ("POST", "/?__wallets_apiversion=3&__wallets_action=do_move&__wallets_symbol=A",
         {"data": {"__wallets_symbol": "B"}}),
        ("GET", "/?__wallets_confirm=" + "a" * 32, {}), ("GET", "/?__wallets_confirm=x", {}),
        ("GET", "/wallets/notify/TST/wallet/x", {}), ("GET", "/wallets/api3/notify/TST/wallet/x", {}),
        ("GET", "/admin/", {}), ("GET", "/admin/nothing/", {}), ("GET", "/api/v1/schema", {}),
    ]  # fmt: skip


def test_every_status_of_every_surface_carries_them(behind_tls, rich):
    seen, wrong, client = set(), [], Client(raise_request_exception=False)
    for method, path, more in ways(rich):
        answer = client.generic(method, path, secure=True, **more)
        seen.add(answer.status_code)
        if faults := missing(answer) + ([] if never_kept(answer) else ["kept by caches"]):
            wrong.append((method, path, answer.status_code, faults))
    assert wrong == []
    assert seen >= {200, 204, 302, 400, 401, 403, 404, 405, 410, 413, 415}


def test_an_error_inside_and_too_many_requests_carry_them(behind_tls, rich, settings, monkeypatch):
    settings.WALLETS_API_READS = 0
    shop = Program(rich, "read")
    limited = shop.client.get("/api/v1/me", secure=True, headers={"Authorization": f"Bearer {shop.key}"})
    monkeypatch.setattr(recognise, "recognise", lambda **_: 1 / 0)
    at_alice = Client(raise_request_exception=False)
    at_alice.force_login(rich)
    broken = at_alice.get("/send/TST/lookup/?to=bob", secure=True)
    assert (limited.status_code, broken.status_code) == (429, 500)
    assert missing(limited) + missing(broken) == []


def test_the_administration_carries_them(behind_tls, manager):
    at_manager = Client(raise_request_exception=False)
    at_manager.force_login(manager)
    wrong = []
    for route in routes():
        if route.startswith("admin/") and "<" not in route and "(" not in route and route != "admin/logout/":
            answer = at_manager.get("/" + route, secure=True)
            if faults := missing(answer) + ([] if never_kept(answer) else ["kept by caches"]):
                wrong.append((route, answer.status_code, faults))
    assert wrong == []


def test_plain_http_is_led_to_https_by_pages_and_refused_to_keys(behind_tls, rich):
    shop = Program(rich, "read")
    bearer = {"Authorization": f"Bearer {shop.key}"}
    page = Client().get("/accounts/login/")
    assert (page.status_code, page["Location"]) == (301, "https://testserver/accounts/login/")
    for path, headers in (
        ("/api/v1/me", bearer), ("/lnbits/api/v1/wallet", {"X-Api-Key": "a" * 32}),
        ("/?__wallets_apiversion=3&__wallets_action=get_coins_info", bearer),
        ("/lnbits/api/v1/wallet?api-key=" + "a" * 32, {}),
        ("/?__wallets_apiversion=3&__wallets_action=get_coins_info&__wallets_api_key=x", {}),
    ):  # fmt: skip
        answer = Client().get(path, headers=headers)
        assert answer.status_code == 403, path
        assert "renew this key" in answer.json()["detail"]
    assert Client().get("/api/v1/me", headers=bearer, secure=True).status_code == 200


def test_every_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts(behind_tls, alice):
    client = Client()
    client.get("/accounts/login/", secure=True)
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}, secure=True)
    client.get("/", secure=True)
    assert {"__Host-session", "__Host-csrf"} <= set(client.cookies)
    for name, cookie in client.cookies.items():
        assert name.startswith("__Host-"), name
        assert (cookie["path"], cookie["domain"], cookie["secure"], cookie["httponly"]) == ("/", "", True, True), name
        assert cookie["samesite"] == {"__Host-session": "Lax"}.get(name, "Strict"), name


def test_an_address_that_is_a_secret_is_told_to_no_other_page(things):
    for path in ("/contacts/confirm/nothing/", "/accounts/confirm-email/nothing/", "/accounts/password/reset/key/a-b/",
                 "/accounts/invitation/nothing/"):  # fmt: skip
        assert Client().get(path)["Referrer-Policy"] == "origin", path
    assert Client().get("/?__wallets_confirm=" + "a" * 32)["Referrer-Policy"] == "no-referrer"


def test_a_browser_forgets_what_it_stored_at_the_end_of_a_session(behind_tls, alice):
    client = Client()
    client.force_login(alice)
    assert client.post("/accounts/logout/", secure=True)["Clear-Site-Data"] == '"storage"'


def test_signing_out_leaves_no_page_to_go_back_to(alice, coin):
    client = signed_in(alice)
    assert never_kept(client.get("/"))
    client.post("/accounts/logout/")
    assert client.get("/").status_code == 302
