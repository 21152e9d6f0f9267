"""Small requests that would cost much, and numbers and texts that are not what they seem."""

from __future__ import annotations

import gzip
import json
import time
import zlib

import pytest
from django.test import Client

from tests.accounts.people import signed_in
from tests.api.callers import every_scope
from tests.api3.client import Plugin
from tests.api_lnbits.client import admin_of, purse_of
from tests.attacks.conftest import nothing_happens, stranger
from tests.support.lightning import lightning_coin
from tests.support.money import fresh_key

SEND = {"coin": "TST", "to": "bob", "amount": "0.00001"}
BODIES = {
    "nested lists": b"[" * 1500 + b"]" * 1500,
    "nested objects": b'{"a":' * 1500 + b"1" + b"}" * 1500,
    "open brackets": b"[" * 60_000,
    "a megabyte of brackets": b"[" * 1_000_000,
    "many digits": b'{"coin":"TST","to":"bob","amount":' + b"9" * 4301 + b"}",
    "a million digits": b'{"amount":' + b"9" * 1_000_000 + b"}",
    "infinity by exponent": b'{"coin":"TST","to":"bob","amount":1e999}',
    "NaN": b'{"coin":"TST","to":"bob","amount":NaN}',
    "Infinity": b'{"coin":"TST","to":"bob","amount":Infinity}',
    "minus Infinity": b'{"coin":"TST","to":"bob","amount":-Infinity}',
    "a name twice": b'{"coin":"TST","to":"bob","amount":"0.00001","amount":"9"}',
    "a name twice by escapes": b'{"coin":"TST","to":"bob","amount":"0.00001","\\u0061mount":"9"}',
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(SEND).encode(),
    "UTF-16": json.dumps(SEND).encode("utf-16"),
    "UTF-32": json.dumps(SEND).encode("utf-32"),
    "bytes of no text": b'{"coin":"\xff\xfe"}',
    "a hundred thousand names": b"{" + b",".join(b'"%d":1' % n for n in range(100_000)) + b"}",
    "NUL": b'{"coin":"TST","to":"bob\\u0000","amount":"0.00001"}',
    "half a pair": b'{"coin":"TST","to":"\\ud800","amount":"0.00001"}',
    "a number for a text": b'{"coin":"TST","to":7,"amount":"0.00001"}',
    "two values": json.dumps(SEND).encode() * 2,
    "nothing": b"",
}
AMOUNTS = (
    "١٢٣", "１", "1_000", " 5 ", "5\n", "+7", "-1", "-0", "0x10", "1e3", "1,5", "1.", ".5", "00.1", "1.5.2", "1" * 51,
    "0." + "1" * 9, "0." + "1" * 37, "9" * 100_000, "NaN", "Infinity", "²", "½", "五", "0", "0.0", "1\u200b", "٫5", "",
    "0.000000001", "1e-9", "1/2", "0b1", "1 000", "１.５",
)  # fmt: skip


@pytest.fixture
def shop(rich, bob):
    return every_scope(rich)


def post(shop, raw: bytes, **headers: str):
    said = {"Authorization": f"Bearer {shop.key}", "Idempotency-Key": fresh_key(), **headers}
    return stranger().post("/api/v1/sends", raw, content_type="application/json", headers=said)


def test_a_body_that_is_a_bomb_is_one_short_refusal(shop):
    for what in BODIES:
        with nothing_happens():
            started = time.process_time()
            answer = post(shop, BODIES[what])
            spent = time.process_time() - started
        assert answer.status_code in (400, 413), answer.content[:200]
        assert len(answer.content) < 2000
        assert spent < 1


def test_lnbits_refuses_the_same_bodies(rich):
    lightning_coin()
    program = admin_of(purse_of(rich), rich)
    program.client.raise_request_exception = False
    for what in set(BODIES) - {"a number for a text", "a byte order mark"}:
        with nothing_happens():
            answer = program.client.generic(
                "POST", "/lnbits/api/v1/payments", BODIES[what], content_type="application/json",
                headers={"X-Api-Key": program.key},
            )  # fmt: skip
        assert answer.status_code in (400, 413, 520), answer.content[:200]


def test_a_compressed_body_is_not_opened(shop):
    for coding in ("gzip", "deflate", "br", "zstd", "x-gzip", "gzip, identity", "GZIP"):
        packed = (
            gzip.compress(b" " * 10_000_000 + json.dumps(SEND).encode())
            if "g" in coding.lower()
            else zlib.compress(b"{}")
        )
        with nothing_happens():
            answer = post(shop, packed, **{"Content-Encoding": coding})
            form = stranger().post("/accounts/login/", packed, content_type="application/x-www-form-urlencoded",
                                 headers={"Content-Encoding": coding})  # fmt: skip
        assert (answer.status_code, form.status_code) == (415, 415)


def test_only_json_is_read_as_json(shop):
    for kind in (
        "application/xml",
        "text/xml",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/yaml",
        "",
    ):
        with nothing_happens():
            answer = stranger().generic(
                "POST", "/api/v1/sends", json.dumps(SEND), content_type=kind or "x/y",
                headers={"Authorization": f"Bearer {shop.key}", "Idempotency-Key": fresh_key()},
            )  # fmt: skip
        assert answer.status_code == 415


def test_a_figure_that_is_no_plain_decimal_moves_nothing_on_any_surface(site_row, rich, bob, coin):
    """What a form's field trims (blanks around) is no trick: the person sees the figure before it is sent."""
    browser, plugin, shop = signed_in(rich), Plugin().sign_in(rich), every_scope(rich)
    nonce = plugin.nonce("do_move")
    with nothing_happens():
        for amount in AMOUNTS:
            assert post(shop, json.dumps({**SEND, "amount": amount}).encode()).status_code == 400, amount[:50]
            if amount.strip() == amount:
                answer = browser.post("/send/TST/", {"to": "bob", "amount": amount})
                assert answer.status_code in (200, 400), amount[:50]
                move = {"symbol": "TST", "move_toaccount": "bob", "move_amount": amount[:3900], "_wpnonce": nonce}
                assert plugin.ask("do_move", **move)["result"] == "error", amount[:50]
    assert plugin.ask("do_move", symbol="TST", move_toaccount="bob", move_amount="0.5", _wpnonce=nonce)["result"] == (
        "success"
    )


QUERIES = [
    "limit=-1",
    "limit=0",
    "limit=1000000000000000000000",
    "before=-1",
    "before=1e3",
    "limit=٣",
    "ordering=password",
    "owner__password__startswith=a",
    "limit=1&limit=2",
    "before=9223372036854775808",
]


def test_a_query_that_no_list_has_is_refused(shop):
    for query in QUERIES:
        assert shop.get(f"operations?{query}").status_code == 400


def test_numbers_in_paths_that_no_database_holds_are_not_found(shop, rich):
    client = Client(raise_request_exception=False)
    client.force_login(rich)
    for number in (0, 2**31, 2**63 - 1, 2**63, 10**50):
        assert shop.get(f"operations/{number}").status_code == 404, number
        assert client.get(f"/activity/{number}/").status_code == 404, number
        assert client.post(f"/keys/{number}/revoke/").status_code == 404, number
    assert client.get("/activity/?page=" + "9" * 30).status_code in (200, 400, 404)


def test_a_form_with_too_many_fields_or_files_is_refused(rich):
    client = Client(raise_request_exception=False)
    client.force_login(rich)
    with nothing_happens():
        assert client.post("/send/TST/", {f"f{n}": "1" for n in range(201)}).status_code == 400
        assert client.post("/send/TST/", {"comment": "x" * 300_000}).status_code in (400, 413)


def test_the_site_takes_no_file_from_anybody(site):
    """No upload, so no picture bomb, no script in a drawing, no archive."""
    from django.apps import apps
    from django.db.models import FileField

    assert [
        field for model in apps.get_models() for field in model._meta.get_fields() if isinstance(field, FileField)
    ] == []


def test_a_password_of_a_megabyte_costs_no_hash(alice):
    started = time.process_time()
    stranger().post("/accounts/login/", {"login": alice.email, "password": "x" * 200_000})
    assert time.process_time() - started < 1
