"""A page of somebody else, open in a member's browser, does nothing in that member's name."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import sync_playwright

from tests.api.test_routes import API, PAGES, PREFIX, routes
from tests.api3.client import Plugin
from tests.attacks.conftest import nothing_happens, picture
from tests.support.components import needs
from tests.support.factories import PASSWORD
from tests.support.live import LiveSite
from tests.support.money import fresh_key

MOVE = {"symbol": "TST", "move_toaccount": "bob", "move_amount": "1"}
# What is no form of ours: their own key, secret, or the link's token is what counts.
FREE = ("/wallets/notify", "/lnbits/", "/wp-login.php", "/api/v1/")


def test_no_form_of_the_site_is_taken_without_its_token(things, alice):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(alice)
    wrong = []
    with nothing_happens():
        for row in PAGES.values():
            path = row.path.format(**things)
            if path.startswith(FREE) or path == "/":  # the front page takes forms of the WordPress API, with its nonces
                continue
            answer = client.post(path, {"to": "bob", "amount": "1", "name": "x", "scopes": "send"})
            if answer.status_code not in (403, 404, 405):
                wrong.append((path, answer.status_code))
    assert wrong == []


def test_no_form_of_the_administration_is_taken_without_its_token(things, manager):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(manager)
    wrong = []
    with nothing_happens():
        for route in routes():
            if route.startswith("admin/"):
                path = "/" + re.sub(r"<[^>]+>|\(\?P<[^)]+\)|\(.*?\)", "1", route).replace("^", "").replace("$", "")
                answer = client.post(path, {"action": "x", "_selected_action": "1"})
                if answer.status_code not in (403, 404, 405) and "/login/" not in answer.get("Location", ""):
                    wrong.append((path, answer.status_code))
    assert wrong == []


def test_no_write_of_the_rest_api_is_taken_from_a_session_without_its_token(things, alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    wrong = []
    with nothing_happens():
        for row in [row for rows in API.values() for row in rows if row.method != "GET"]:
            for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
                answer = client.generic(
                    row.method, f"/{PREFIX}{row.path.format(**things)}", json.dumps(row.body or {}), content_type=kind,
                    headers={"Idempotency-Key": fresh_key(), "Origin": "https://evil.example"},
                )  # fmt: skip
                if answer.status_code != 403:
                    wrong.append((row.method, row.path, kind, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize(
    "said",
    [
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Purpose": "prefetch;prerender"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", ["do_move", "do_withdraw", "do_new_address"])
def test_the_wordpress_api_takes_nothing_from_another_page_even_with_the_nonce(site_row, rich, bob, coin, said, action):
    plugin = Plugin().sign_in(rich)
    nonce = plugin.nonce(action)
    values = {**MOVE, "withdraw_address": "x", "withdraw_amount": "1", "_wpnonce": nonce}
    with nothing_happens():
        answer = plugin.client.get("/", plugin._query(action, "3", values), headers=said)
        assert answer.json()["result"] == "error"
        assert "Another site" in answer.json()["message"]
    assert plugin.move("bob", "1")["result"] == "success"


def test_a_key_is_renewed_by_no_other_page(site_row, rich, coin):
    plugin = Plugin().sign_in(rich)
    with nothing_happens():
        for said in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
            answer = plugin.client.get("/", plugin._query("do_reset_apikey", "3", {}), headers=said)
            assert answer.json()["result"] == "error", said


def test_nobody_is_signed_in_by_another_sites_form(alice):
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session


EVIL = """<!doctype html><title>evil</title><body>
<img src="{site}/?__wallets_apiversion=3&__wallets_action=do_move&{move}&_wpnonce={nonce}">
<img src="{site}/?__wallets_apiversion=3&__wallets_action=do_reset_apikey">
<link rel=prefetch href="{site}/?__wallets_apiversion=3&__wallets_action=do_move&{move}&_wpnonce={nonce}">
<iframe name=f src="{site}/send/TST/"></iframe><iframe name=g></iframe><iframe name=h></iframe>
<form id=one target=f method=post action="{site}/send/TST/"><input name=to value=bob><input name=amount value=1></form>
<form id=two target=g method=post enctype="text/plain" action="{site}/api/v1/sends">
<input name='{{"coin":"TST","to":"bob","amount":"1","x":"' value='"}}'></form>
<form id=three target=h action="{site}/"><input name=__wallets_apiversion value=3>
<input name=__wallets_action value=do_move><input name=__wallets_symbol value=TST>
<input name=__wallets_move_toaccount value=bob><input name=__wallets_move_amount value=1>
<input name=_wpnonce value="{nonce}"></form>
<script>
for (const id of ["one", "two", "three"]) document.getElementById(id).submit();
const say = (path, init) => fetch("{site}" + path, {{mode: "no-cors", credentials: "include", ...init}}).catch(() => 0);
Promise.all([
  say("/api/v1/sends", {{method: "POST", body: '{{"coin":"TST","to":"bob","amount":"1"}}'}}),
  say("/?__wallets_apiversion=3&__wallets_action=do_move&{move}&_wpnonce={nonce}"),
  say("/keys/new/", {{method: "POST", body: new URLSearchParams({{name: "x", scopes: "send"}})}}),
  say("/contacts/lock/", {{method: "POST"}}), say("/accounts/key/renew/", {{method: "POST"}}),
]).then(() => setTimeout(() => document.title = "done", 1500));
</script>"""


@pytest.fixture
def elsewhere() -> Iterator[Any]:
    """Another origin: what stands in `page` is served to whoever asks."""

    class Handler(http.server.BaseHTTPRequestHandler):
        page = b""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(type(self).page)

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_hostile_page_in_a_real_browser_moves_nothing_and_frames_nothing(
    live_site: LiveSite, site_row, rich, bob, elsewhere, monkeypatch
):
    """On another port of the same host, so that cookies do come along: SameSite alone stops nothing here."""
    client = Client()
    client.force_login(rich)
    session = str(client.session.session_key)
    nonces = client.get("/", {"__wallets_apiversion": "3", "__wallets_action": "get_nonces"}).json()["nonces"]
    move = "&".join(f"__wallets_{name}={value}" for name, value in MOVE.items())
    elsewhere.RequestHandlerClass.page = EVIL.format(site=live_site.url, move=move, nonce=nonces["do_move"]).encode()
    before = picture()
    shown: dict[str, str] = {}
    program = needs("chromium")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context()
        context.add_cookies([{"name": "session", "value": session, "url": live_site.url}])
        page = context.new_page()
        page.on("request", lambda asked: shown.update({asked.url.split("?")[0]: asked.method}))
        page.goto(f"http://127.0.0.1:{elsewhere.server_port}/", wait_until="domcontentloaded")
        page.wait_for_function("document.title === 'done'", timeout=30_000)
        framed = [frame.evaluate("document.body ? document.body.innerText : ''") for frame in page.frames[1:]]
        mine = context.new_page()
        mine.goto(live_site.url + "/")
        assert mine.get_by_role("heading", level=1).inner_text() == "Your coins"  # the cookie is good
        browser.close()
    assert f"{live_site.url}/api/v1/sends" in shown
    assert not any("Your coins" in text or "Send" in text for text in framed)
    assert picture() == before
