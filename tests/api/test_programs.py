"""The REST API as programs use it: with keys, a feed, webhooks, idempotency, limits and refusals they can rely on."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from adapters.demo import encode_address
from ledger.drains import webhooks as drain
from ledger.models import Address, Contact, Operation
from ledger.services import lifecycle, rates
from tests.accounts.people import signed_in
from tests.api.callers import Program, every_scope
from tests.support.hooks import receiver
from tests.support.live import LiveSite
from tests.support.money import balances, bound, charge, fund, make_coin, pay_now, scan_now, send
from tests.support.processes import PYTHON, ROOT
from tests.support.threads import at_once
from wallets_site.base.clock import now

OUTSIDE = encode_address("tst", b"\x09" * 20)
JSON = "application/json"


@pytest.fixture
def coin(site):
    return make_coin()


@pytest.mark.both_databases
def test_the_client_of_the_documentation_rebuilds_every_balance(live_site: LiveSite, alice, bob):
    coin, other = make_coin(), make_coin("BIG", 29)
    charge(coin, "move", fixed=7)
    charge(coin, "withdrawal", fixed=50)
    fund(alice, coin, 100_000)
    fund(alice, other, 2**128 - 1)
    send(alice, coin, "bob", 1_000)
    send(alice, other, "bob", 2**127)
    for number in range(8, 12):
        send(alice, coin, "bob", number)
    send(alice, coin, OUTSIDE, 3_000)
    paid = send(alice, coin, encode_address("tst", b"\x06" * 20), 4_000)
    lifecycle.cancel(user=alice, operation_id=paid.pk, key="x")
    pay_now(coin)
    scan_now(coin)

    for person in (alice, bob):
        done = subprocess.run(
            [PYTHON, ROOT / "docs" / "event_client.py", live_site.url], capture_output=True, text=True, check=False,
            env={"WALLETS_KEY": Program(person, "read").key},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count(" ok\n") == 4, done.stdout
    text = (ROOT / "docs" / "event_client.py").read_text()
    code = [line for line in text.split('"""', 2)[2].splitlines() if line.strip()]
    assert len(code) <= 40


def test_a_program_says_who_it_is_and_what_it_may(coin, alice):
    said = Program(alice, "read", "send").get("me").json()
    assert (said["username"], said["key"], said["scopes"]) == ("alice", "shop", ["read", "send"])
    assert "send_funds_to_user" in said["capabilities"]


def test_a_key_moves_coins_once_for_each_idempotency_key(coin, alice, bob):
    fund(alice, coin, 10_000)
    shop = Program(alice, "send")
    body = {"coin": "TST", "to": "bob", "amount": "0.00001"}
    assert shop.post("moves/preview", body).json()["total"] == "0.00001"
    first, again = shop.post("moves", body, key="one"), shop.post("moves", body, key="one")
    assert (first.status_code, first.json()) == (201, again.json())
    other = shop.post("moves", {**body, "amount": "0.00002"}, key="one")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert balances(coin, bob) == [(1_000, 0)]
    for key in ("", "x" * 101, "é"):
        assert shop.post("moves", body, key=key).status_code == 400
    assert balances(coin, bob) == [(1_000, 0)]


def test_twenty_at_once_with_one_idempotency_key_pay_once(coin, alice, bob):
    fund(alice, coin, 10_000)
    shop = Program(alice, "send")
    body = {"coin": "TST", "to": "bob", "amount": "0.00001"}
    answers = at_once(20, lambda _: Program.post(shop, "moves", body, key="one"))
    assert {(answer.status_code, answer.json()["id"]) for answer in answers} == {  # type: ignore[union-attr]
        (201, Operation.objects.get(user=alice, kind="move").pk)
    }
    assert balances(coin, bob) == [(1_000, 0)]


def test_each_door_takes_only_what_it_is_for(coin, alice, bob):
    fund(alice, coin, 10_000)
    shop = every_scope(alice)
    inside, outside = ({"coin": "TST", "to": to, "amount": "0.00002"} for to in ("bob", OUTSIDE))
    for path, body in (("moves", outside), ("moves/preview", outside), ("withdrawals", inside)):
        assert shop.post(path, body).status_code == 400, path
    assert balances(coin, alice, bob) == [(10_000, 0), (0, 0)]
    asked = shop.post("withdrawals", outside).json()
    assert (asked["kind"], asked["status"], asked["address"]) == ("withdraw", "pending", OUTSIDE)
    assert balances(coin, alice) == [(8_000, 2_000)]
    assert shop.post(f"withdrawals/{asked['id']}/cancel").json()["status"] == "cancelled"
    assert shop.post(f"withdrawals/{asked['id']}/cancel").json()["status"] == "cancelled"
    assert balances(coin, alice) == [(10_000, 0)]


def test_a_day_bound_of_a_key_is_shown_and_kept(coin, alice, bob):
    fund(alice, coin, 10_000)
    shop = Program(alice, "send", caps={coin: 1_500})
    body = {"coin": "TST", "to": "bob", "amount": "0.00001"}
    assert shop.post("moves", body).status_code == 201
    refused = shop.post("moves", body)
    assert (refused.status_code, refused.json()["code"], refused.json()["data"]) == (
        409,
        "limit_reached",
        {"left": "500"},
    )
    assert shop.get("limits").json()["key"] == [{"coin": "TST", "daily": "0.000015", "left": "0.000005"}]
    assert balances(coin, bob) == [(1_000, 0)]


def test_what_is_left_of_the_days_limits(coin, alice):
    bound(coin, "move", daily=5_000, minimum=10)
    fund(alice, coin, 10_000)
    shop = Program(alice, "read", "send")
    move = shop.get("limits").json()["limits"][0]
    assert move == {
        "coin": "TST", "purpose": "move", "minimum": "0.0000001", "maximum": None, "daily": "0.00005", "used": "0",
        "left": "0.00005",
    }  # fmt: skip


def test_an_address_for_each_customer_of_ones_own(coin, alice):
    shop = Program(alice, "receive")
    body = {"coin": "TST", "label": "Order 7", "customer_ref": "order-7"}
    first, again = shop.post("addresses", body, key="a"), shop.post("addresses", body, key="a")
    assert first.status_code == 201
    assert first.json() == again.json()
    shop.post("addresses", {"coin": "TST", "customer_ref": "order-8"})
    found = shop.get("addresses?coin=TST&customer_ref=order-7").json()["addresses"]
    assert [(row["address"], row["customer_ref"]) for row in found] == [(first.json()["address"], "order-7")]
    changed = shop.ask("PATCH", f"addresses/{first.json()['id']}", {"label": "Paid"})
    assert changed.json()["label"] == "Paid"
    assert Address.objects.filter(account__owner=alice).count() == 2


def test_contacts_are_added_once_and_removed(coin, alice, bob):
    shop = Program(alice, "manage")
    body = {"label": "Landlord", "to": "bob"}
    first, again = shop.post("contacts", body), shop.post("contacts", body)
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert first.json()["member"] == "bob"
    outside = shop.post("contacts", {"label": "Cold", "to": OUTSIDE, "coin": "TST"}).json()
    assert (outside["address"], outside["confirmed"]) == (OUTSIDE, None)
    assert [row["label"] for row in shop.get("contacts").json()["contacts"]] == ["Cold", "Landlord"]
    assert shop.ask("DELETE", f"contacts/{first.json()['id']}").status_code == 204
    assert Contact.objects.count() == 1


def test_rates_are_told_with_their_age(coin, alice):
    rates.set_rate(coin=coin, currency="EUR", price=rates.parse_price("81.25"))
    said = Program(alice, "read").get("rates?currency=eur").json()
    assert (said["currency"], said["rates"][0]["price"], said["rates"][0]["stale"]) == ("EUR", "81.25", False)
    assert Program(alice, "read").get("rates?currency=XXX").status_code == 400


def test_keys_are_made_by_people_and_listed_and_revoked_by_programs(coin, alice):
    person = signed_in(alice)
    body = {"name": "Shop", "scopes": ["read", "manage"], "caps": [{"coin": "TST", "daily": "2"}]}
    made = person.post("/api/v1/keys", json.dumps(body), content_type=JSON, headers={"Idempotency-Key": "k"})
    assert made.status_code == 201, made.content
    key = made.json()["key"]
    again = person.post("/api/v1/keys", json.dumps(body), content_type=JSON, headers={"Idempotency-Key": "k"})
    assert (again.json()["id"], again.json()["key"]) == (made.json()["id"], "")
    client, headers = Client(), {"Authorization": f"Bearer {key}", "Idempotency-Key": "k2"}
    refused = client.post("/api/v1/keys", json.dumps(body), content_type=JSON, headers=headers)
    assert refused.status_code == 403
    listed = client.get("/api/v1/keys", headers=headers).json()["keys"]
    assert [(row["name"], row["caps"]) for row in listed] == [("Shop", [{"coin": "TST", "daily": "2", "left": "2"}])]
    assert key not in json.dumps(listed)
    assert client.delete(f"/api/v1/keys/{made.json()['id']}", headers=headers).json()["revoked"]
    assert client.get("/api/v1/keys", headers=headers).status_code == 401


def test_a_session_too_old_makes_no_key(coin, clock, alice):
    person = signed_in(alice)
    clock.shift(timedelta(minutes=6))
    made = person.post(
        "/api/v1/keys", '{"name": "x", "scopes": ["read"]}', content_type=JSON, headers={"Idempotency-Key": "k"}
    )
    assert (made.status_code, made.json()["code"]) == (403, "proof_required")


def test_a_webhook_from_its_making_to_its_removal(coin, alice, bob, settings):
    fund(alice, coin, 1_000)
    shop = Program(bob, "manage")
    with receiver() as program:
        settings.WALLETS_WEBHOOK_PRIVATE = [program.place]
        made = shop.post("webhooks", {"url": program.url, "names": ["move_received"], "label": "Shop"}).json()
        place, secret = f"webhooks/{made['id']}", made["secret"]
        assert "secret" not in shop.get(place).json()
        assert "move_received" in shop.get("webhooks").json()["names"]
        send(alice, coin, "bob", 5)
        shop.post(f"{place}/test")
        drain.deliver()
        assert sorted(program.names) == ["move_received", "test"]
        assert all(heard.is_signed_by(secret) for heard in program.forget())
        newest, older = shop.get(f"{place}/deliveries").json()["deliveries"]
        assert {newest["state"], older["state"]} == {"sent"}
        assert newest["attempts"][0]["status"] == 200

        shop.post(f"deliveries/{older['id']}/resend")
        assert shop.post(f"{place}/resend", {"subject": newest["subject"]}).json() == {"resent": 1}
        renewed = shop.post(f"{place}/secret").json()["secret"]
        drain.deliver()
        assert all(heard.is_signed_by(secret) and heard.is_signed_by(renewed) for heard in program.heard)
        assert len(program.forget()) == 2

        assert shop.ask("PATCH", place, {"active": False}).json()["active"] is False
        assert shop.post(f"{place}/test").status_code == 409
        assert shop.ask("DELETE", place).status_code == 204
        assert shop.get(place).status_code == 404


def test_the_feed_by_pages(coin, alice, bob):
    fund(alice, coin, 1_000)
    for number in range(4):
        send(alice, coin, "bob", 1 + number)
    shop = Program(bob, "read")
    first = shop.get("events?limit=5").json()
    second = shop.get(f"events?after={first['next_after']}&limit=5").json()
    third = shop.get(f"events?after={second['next_after']}").json()
    found = first["events"] + second["events"]
    assert [row["number"] for row in found] == list(range(1, 10))
    assert [row["name"] for row in found] == ["balance_changed", "move_received"] * 4 + ["key_made"]
    assert third == {"events": [], "next_after": 9}


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "limit=501", "after=1&after=2", "before=1", "after=%D9%A1"]
)
def test_a_query_that_makes_no_sense_is_refused(coin, alice, query):
    assert Program(alice, "read").get(f"events?{query}").status_code == 400


def test_limits_of_a_key_are_exact_and_say_when_to_go_on(coin, alice, settings):
    settings.WALLETS_API_READS = 3
    shop, other = Program(alice, "read"), Program(alice, "read")
    answers = [shop.get("coins") for _ in range(5)]
    codes = [answer.status_code for answer in answers]
    assert codes in ([200, 200, 200, 429, 429], [200] * 3 + [429, 200]), "unless a minute begins in between"
    assert (answers[0]["RateLimit-Limit"], int(answers[0]["RateLimit-Remaining"]) <= 2) == ("3", True)
    late = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(late["Retry-After"]) <= 60
    assert late.json()["code"] == "throttled"
    assert other.get("coins").status_code == 200


@pytest.mark.both_databases
def test_thirty_at_once_get_no_more_than_their_limit(site, alice, settings):
    settings.WALLETS_API_READS = 5
    shop = Program(alice, "read")
    answers = at_once(30, lambda _: shop.get("coins").status_code)
    assert answers.count(200) in (5, 10), "10 when a minute begins in between"
    assert set(answers) == {200, 429}


def test_guessing_keys_is_slowed_down(coin, alice, settings):
    settings.WALLETS_API_WRONG_KEYS = 2
    shop = Program(alice, "read")
    shop.key = "wk_" + "A" * 43
    codes = [shop.get("coins").status_code for _ in range(6)]
    assert codes[0] == 401
    assert 429 in codes


@pytest.mark.parametrize(
    "carrier",
    [
        lambda key: {"headers": {"Authorization": f"Token {key}"}}, lambda key: {"headers": {"Authorization": key}},
        lambda key: {"headers": {"Authorization": f"Bearer  {key}"}}, lambda key: {"headers": {"X-Api-Key": key}},
        lambda key: {"query_params": {"api-key": key}}, lambda key: {"query_params": {"__wallets_api_key": key}},
        lambda key: {"headers": {"Cookie": f"key={key}"}}, lambda key: {"headers": {"Authorization": f"Bearer {key}x"}},
    ],
)  # fmt: skip
def test_a_key_opens_nothing_but_in_its_own_header(coin, alice, carrier):
    key = Program(alice, "read").key
    assert Client().get("/api/v1/accounts", **carrier(key)).status_code == 401


def test_a_bad_key_beside_a_good_session_is_refused_and_a_good_one_is_its_owners(coin, alice, bob):
    visitor = signed_in(alice)
    bad = visitor.get("/api/v1/me", headers={"Authorization": "Bearer wk_" + "A" * 43})
    assert bad.status_code == 401
    good = visitor.get("/api/v1/me", headers={"Authorization": f"Bearer {Program(bob, 'read').key}"})
    assert good.json()["username"] == "bob"


def test_the_wordpress_key_opens_nothing_here(coin, alice):
    from accounts import keys

    key = keys.show_key(alice, keys.PLUGIN_API)
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_an_answer_that_did_not_change_is_not_sent_again(coin, alice):
    shop = Program(alice, "read")
    first = shop.get("accounts")
    again = shop.get("accounts", **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    fund(alice, coin, 5)
    assert shop.get("accounts", **{"If-None-Match": first["ETag"]}).status_code == 200
    assert "no-store" in first["Cache-Control"]


def test_the_description_is_public_and_complete(site):
    answer = Client().get("/api/v1/schema?format=json")
    assert answer.status_code == 200
    said = json.loads(answer.content)
    for path, methods in said["paths"].items():
        for method, about in methods.items():
            if path.endswith("/schema"):
                continue
            assert {"400", "401", "403", "404", "409", "429"} <= set(about["responses"]), (path, method)
            named = {each["name"] for each in about.get("parameters", [])}
            assert method != "post" or path.endswith("preview") or "Idempotency-Key" in named, path


def test_the_description_comes_without_a_warning(site, tmp_path: Path):
    from django.core.management import call_command

    call_command("spectacular", "--validate", "--fail-on-warn", file=str(tmp_path / "api.yml"))


def test_the_owner_hears_nothing_of_a_message_but_its_status(coin, bob, settings):
    shop = Program(bob, "manage")
    with receiver() as program:
        settings.WALLETS_WEBHOOK_PRIVATE = [program.place]
        program.answers = lambda heard: 403
        place = f"webhooks/{shop.post('webhooks', {'url': program.url}).json()['id']}"
        shop.post(f"{place}/test")
        drain.deliver()
        (row,) = shop.get(f"{place}/deliveries").json()["deliveries"]
    assert row["attempts"][0] | {"at": "", "milliseconds": 0} == {
        "at": "", "status": 403, "error": "It answered with 403.", "milliseconds": 0,
    }  # fmt: skip
    assert (row["state"], row["next"] > now().isoformat()[:19]) == ("queued", True)


@pytest.mark.parametrize("path", ["me", "coins", "accounts", "limits", "operations?limit=5", "events?after=4&limit=5"])
def test_a_read_takes_as_many_statements_however_long_the_history(coin, alice, bob, path, django_assert_num_queries_of):
    shop = Program(bob, "read")
    fund(alice, coin, 1_000)

    def statements() -> int:
        shop.get("events?limit=500")  # the whole feed is written
        shop.get(path)
        with django_assert_num_queries_of() as counted:
            assert shop.get(path).status_code == 200
        return len(counted.statements)

    for _ in range(4):
        send(alice, coin, "bob", 1)
    few = statements()
    for _ in range(12):
        send(alice, coin, "bob", 1)
    assert statements() == few
    assert few <= 16
