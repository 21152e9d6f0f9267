"""Texts that would change a statement, in each parameter of each route: no error inside, nothing moved."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client

from tests.api.callers import every_scope
from tests.api.test_routes import API, PAGES, PREFIX
from tests.api3.client import Plugin
from tests.api_lnbits.client import Program as Lnbits
from tests.api_lnbits.client import admin_of, purse_of
from tests.attacks.conftest import nothing_happens
from tests.support.money import fresh_key

CORPUS = (
    "' OR 1=1--", '" OR ""="', "1; DROP TABLE ledger_posting;--", "') UNION SELECT password FROM accounts_user--",
    "1' AND (SELECT 1 FROM pg_sleep(5))--", "%", "_", "%%%%", "\\", "'", "1 OR 1=1", "$$;$$", "{{7*7}}", "${7*7}", "%s",
    "%(a)s", "\x00", "1e309", "٣", "9" * 40, "-1", "a" * 5000, "; SELECT 1", "/**/", "0x27",
)  # fmt: skip
NAMES = (
    "coin", "kind", "status", "before", "limit", "after", "subject", "currency", "customer_ref", "to", "amount",
    "extra",
    "q", "page", "day_from", "day_to", "ordering", "owner__password__startswith", "user", "account", "id", "draft",
    "next",
)  # fmt: skip
GOOD_STATUSES = {200, 201, 204, 302, 304, 400, 401, 403, 404, 405, 409, 410, 413, 429}


@pytest.fixture(autouse=True)
def _unhurried(settings):
    settings.WALLETS_API_READS = settings.WALLETS_API_WRITES = 1_000_000


def judged(answer: Any, *what: object) -> list[tuple[object, ...]]:
    body = b"" if answer.streaming else answer.content
    leaks = [
        word for word in (b"Traceback", b"OperationalError", b"syntax error", b"sqlite3", b"argon2") if word in body
    ]
    return [(*what, answer.status_code, leaks)] if answer.status_code not in GOOD_STATUSES or leaks else []


def test_in_every_query_of_pages_and_of_the_rest_api(things, alice):
    client, shop, wrong = Client(raise_request_exception=False), every_scope(alice), []
    client.force_login(alice)
    pages = [
        row.path.format(**things)
        for row in PAGES.values()
        if row.kind in ("own", "member", "open") and row.method == "GET"
    ]
    api = [f"/{PREFIX}{row.path.format(**things)}" for rows in API.values() for row in rows if row.method == "GET"]
    with nothing_happens():
        for number, text in enumerate(CORPUS):
            query = "&".join(f"{name}={quote(text)}" for name in NAMES)
            for path in pages[number % 4 :: 4]:
                if "/accounts/" not in path:
                    wrong += judged(client.get(f"{path}{'&' if '?' in path else '?'}{query}"), path, text)
            for path in api:
                name = NAMES[(number + len(path)) % 12]
                said = {"Authorization": f"Bearer {shop.key}"}
                wrong += judged(
                    client.get(f"{path.split('?')[0]}?{name}={quote(text)}", headers=said), path, name, text
                )
    assert wrong == []


def test_in_every_field_of_every_write(things, alice):
    client, shop, wrong = Client(raise_request_exception=False), every_scope(alice), []
    client.force_login(alice)
    for row in [row for rows in API.values() for row in rows if row.body]:
        assert isinstance(row.body, dict)
        for field in row.body:
            for text in CORPUS:
                answer = client.generic(
                    row.method, f"/{PREFIX}{row.path.format(**things)}", json.dumps({**row.body, field: text}),
                    content_type="application/json",
                    headers={"Authorization": f"Bearer {shop.key}", "Idempotency-Key": fresh_key()},
                )  # fmt: skip
                wrong += judged(answer, row.path, field, text)
    for text in CORPUS:
        for path in ("/send/TST/", "/contacts/", "/keys/new/", "/webhooks/new/", "/accounts/name/", "/purses/new/"):
            fields = dict.fromkeys(
                ("to", "amount", "comment", "label", "name", "url", "username", "coin", "scopes", "key"), text
            )
            wrong += judged(client.post(path, fields), path, text)
    assert wrong == []
    assert connection.introspection.table_names().count("ledger_posting") == 1


def test_in_every_parameter_of_the_wordpress_api_and_of_lnbits(site_row, things, alice):
    plugin, program, wrong = Plugin().sign_in(alice), admin_of(purse_of(alice, "till"), alice), []
    plugin.client.raise_request_exception = False
    nonces = plugin.ask("get_nonces")["nonces"]
    with nothing_happens():
        for text in CORPUS:
            for action in ("get_transactions", "do_move", "do_withdraw", "do_new_address", "notify", "get_coins_info"):
                names = ("symbol", "tx_count", "tx_from", "move_toaccount", "move_amount", "withdraw_address",
                         "withdraw_amount", "notify_type", "notify_message")  # fmt: skip
                answer = plugin.get(action, _wpnonce=nonces.get(action, ""), **dict.fromkeys(names, text))
                wrong += judged(answer, action, text)
            for path in ("/api/v1/payments/{}", "/usermanager/api/v1/users/{}", "/usermanager/api/v1/wallets/{}",
                         "/api/v1/payments?limit={}", "/api/v1/payments?offset={}&tag={}", "/api/v1/x/{}"):  # fmt: skip
                wrong += judged(program.get(path.replace("{}", quote(text, safe=""))), path, text)
            wrong += judged(program.post("/api/v1/payments", {"out": True, "bolt11": text}), "payments", text)
            wrong += judged(Lnbits(text.replace("\x00", "")).get("/api/v1/wallet"), "key", text)
    assert [each for each in wrong if each[-2] not in (520,)] == []
