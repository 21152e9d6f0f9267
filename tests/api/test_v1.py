"""The REST API: exact figures, strict requests, refusals as problem+json, nobody else's things."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client

from ledger.models import Deposit, Operation, Transaction
from tests.accounts.people import signed_in
from tests.support.money import address_of, balances, books, chain, charge, fund, make_coin, scan_now, send

HUGE = 2**128 - 1
HUGE_TEXT = "3402823669.20938463463374607431768211455"


@pytest.fixture
def coin(site):
    return make_coin()


@pytest.fixture
def api(alice):
    return Caller(alice)


class Caller:
    """alice's programs, or somebody else's: a signed-in session that speaks JSON."""

    def __init__(self, user) -> None:
        self.client: Client = signed_in(user)

    def get(self, path: str, **query: str):
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, body: object, key: str = "k"):
        raw = body if isinstance(body, str) else json.dumps(body)
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(f"/api/v1/{path}", raw, content_type="application/json", headers=headers)


@pytest.mark.both_databases
def test_128_bits_with_29_decimals_are_exact_through_form_api_page_and_model(alice, bob):
    coin = make_coin("BIG", 29)
    charge(coin, "move", fixed=1)
    fund(alice, coin, HUGE)
    api = Caller(alice)

    assert api.get("accounts").json()["accounts"][0]["available"] == HUGE_TEXT
    assert HUGE_TEXT in api.client.get("/").content.decode()

    review = api.client.post(
        "/send/BIG/", {"to": "bob", "amount": "3402823669.20938463463374607431768211453"}, follow=True
    )
    assert "3402823669.20938463463374607431768211453" in review.content.decode()
    assert "3402823669.20938463463374607431768211454" in review.content.decode(), "the total, with its fee"

    answer = api.post("sends", {"coin": "BIG", "to": "bob", "amount": "3402823669.20938463463374607431768211453"})
    assert answer.status_code == 201
    assert answer.json()["amount"] == "3402823669.20938463463374607431768211453"
    assert answer.json()["total"] == "3402823669.20938463463374607431768211454"
    sent = Operation.objects.get(pk=answer.json()["id"])
    assert (sent.gross, sent.fee, sent.net) == (HUGE - 1, 1, HUGE - 2)
    assert balances(coin, alice, bob) == [(1, 0), (HUGE - 2, 0)]
    page = api.client.get(f"/activity/{sent.pk}/").content.decode()
    assert "3402823669.20938463463374607431768211453" in page
    assert api.get("accounts").json()["accounts"][0]["available"] == "0.00000000000000000000000000001"


@pytest.mark.parametrize(
    "amount", [1, 0.5, True, None, ["1"], {"a": 1}, "-1", "0", "1e3", "1,5", "0.5abc", "NaN", "١٢٣", "9" * 400, ""]
)
def test_each_bad_amount_is_one_clear_error_and_moves_nothing(coin, alice, bob, api, amount):
    fund(alice, coin, 1_000)
    before = books(coin), Transaction.objects.count()

    answer = api.post("sends", {"coin": "TST", "to": "bob", "amount": amount})

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()) >= {"type", "title", "status", "code", "detail"}
    assert (books(coin), Transaction.objects.count()) == before


@pytest.mark.parametrize(
    "raw",
    [
        '{"coin": "TST", "coin": "TST", "to": "bob", "amount": "1"}', "[" * 2000 + "]" * 2000, "{", "\ud800".encode(
            "utf-8", "surrogatepass").decode("latin-1"), '{"amount": 1e999}', '{"amount": NaN}', "[]", '"x"', "null",
        '{"amount": ' + "9" * 5000 + "}", '{"coin": "TST", "to": "bob", "amount": "1", "is_staff": "true"}',
    ],
)  # fmt: skip
def test_what_is_no_plain_json_request_is_refused_and_moves_nothing(coin, alice, api, raw):
    fund(alice, coin, 1_000)
    before = books(coin)
    answer = api.post("sends", raw)
    assert answer.status_code == 400, answer.content
    assert books(coin) == before


def test_a_form_is_not_json(coin, api):
    answer = api.client.post("/api/v1/sends", {"coin": "TST"}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 415


def test_a_payment_needs_an_idempotency_key(coin, alice, bob, api):
    fund(alice, coin, 1_000)
    answer = api.post("sends", {"coin": "TST", "to": "bob", "amount": "0.00000001"}, key="")
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert balances(coin, bob) == [(0, 0)]


def test_the_same_key_answers_the_same_even_when_nothing_is_left(coin, alice, bob, api):
    fund(alice, coin, 1_000)
    body = {"coin": "TST", "to": "bob", "amount": "0.00001"}
    first, again = api.post("sends", body), api.post("sends", body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert balances(coin, alice, bob) == [(0, 0), (1_000, 0)]

    other = api.post("sends", {**body, "amount": "0.00000001"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_a_withdrawal_by_api_is_reserved_shown_and_cancelled(coin, alice, api):
    from adapters.demo import encode_address

    charge(coin, "withdrawal", fixed=50)
    fund(alice, coin, 1_000)
    there = encode_address("tst", b"\x03" * 20)
    preview = api.post("sends/preview", {"coin": "TST", "to": there, "amount": "0.000002"}).json()
    assert (preview["kind"], preview["fee"], preview["total"]) == ("withdrawal", "0.0000005", "0.0000025")
    assert balances(coin, alice) == [(1_000, 0)]

    asked = api.post("sends", {"coin": "TST", "to": there, "amount": "0.000002"}).json()
    assert (asked["status"], asked["waiting_for"]) == (
        "pending", "Waiting for the next payout run, usually within a minute.",
    )  # fmt: skip
    assert balances(coin, alice) == [(750, 250)]
    cancelled = api.post(f"operations/{asked['id']}/cancel", {}, key="c")
    assert cancelled.json()["status"] == "cancelled"
    assert balances(coin, alice) == [(1_000, 0)]


def test_what_waits_says_for_what_for_whom_and_how_long_it_took_before(coin, alice, api, clock):
    for _ in range(5):
        fund(alice, coin, 100)
    for row in Deposit.objects.all():
        Deposit.objects.filter(pk=row.pk).update(credited_at=row.seen_at + timedelta(seconds=30))
    fund_later = address_of(alice, coin)
    chain(coin).mint(fund_later, 25)
    chain(coin).mint(fund_later, 26)
    scan_now(coin)
    clock.shift(timedelta(seconds=10))

    rows = api.get("operations").json()["operations"]
    one = api.get(f"operations/{rows[0]['id']}").json()

    assert rows[0]["waiting"] == {
        "words": "Waiting for the network: 0 of 2 confirmations.", "who": "network", "elapsed": 10, "p50": 30,
        "p90": 30, "sample": 5, "likely_left": 20, "nearly_sure_left": 20, "until": None,
    }  # fmt: skip
    assert one["waiting"] == rows[0]["waiting"] == rows[1]["waiting"]
    assert [row["waiting"] for row in rows[2:]] == [None] * 5


def test_a_list_of_what_waits_asks_for_each_estimate_once(coin, alice, api, django_assert_num_queries_of):
    def statements() -> int:
        with django_assert_num_queries_of() as counted:
            assert api.get("operations").status_code == 200
        return len(counted.statements)

    chain(coin).mint(address_of(alice, coin), 25)
    scan_now(coin)
    statements()  # what the process remembers is read now
    few = statements()
    for _ in range(5):
        chain(coin).mint(address_of(alice, coin), 25)
    scan_now(coin)

    assert Operation.objects.filter(user=alice, status="pending").count() == 6
    assert statements() == few


def test_addresses_are_made_and_listed(coin, api):
    made = api.post("addresses", {"coin": "TST", "label": "Rent"})
    assert made.status_code == 201
    listed = api.get("addresses", coin="TST").json()["addresses"]
    assert [row["address"] for row in listed] == [made.json()["address"]]
    assert listed[0]["label"] == "Rent"


def test_operations_page_by_page(coin, alice, bob, api):
    fund(alice, coin, 1_000)
    for number in range(27):
        send(alice, coin, "bob", 1 + number)
    first = api.get("operations", coin="TST").json()
    second = api.get("operations", coin="TST", before=str(first["next_before"])).json()
    ids = [row["id"] for row in first["operations"] + second["operations"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(first["operations"]), len(ids), second["next_before"]) == (25, 28, None)


@pytest.mark.parametrize("before", ["x", "-1", "1e3", "9" * 30, "١"])
def test_a_page_number_that_is_none_is_refused(coin, api, before):
    assert api.get("operations", before=before).status_code == 400


def test_other_peoples_operations_and_addresses_do_not_exist(coin, alice, bob, charlie, api):
    fund(alice, coin, 1_000)
    address_of(alice, coin)
    mine = send(alice, coin, "bob", 5)
    stranger = Caller(charlie)
    assert stranger.get(f"operations/{mine.pk}").status_code == 404
    assert stranger.post(f"operations/{mine.pk}/cancel", {}).status_code == 404
    assert stranger.get("addresses", coin="TST").json() == {"addresses": []}
    assert stranger.get("operations").json()["operations"] == []


@pytest.mark.parametrize("path", ["coins", "accounts", "operations", "operations/1", "addresses?coin=TST"])
def test_nobody_reads_without_signing_in(coin, path):
    answer = Client().get(f"/api/v1/{path}")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


def test_a_password_alone_by_basic_authentication_opens_nothing(coin, alice):
    import base64

    from tests.support.factories import PASSWORD

    given = base64.b64encode(f"{alice.email}:{PASSWORD}".encode()).decode()
    answer = Client().get("/api/v1/accounts", headers={"Authorization": f"Basic {given}"})
    assert answer.status_code == 401


def test_a_session_cannot_be_used_from_another_site(coin, alice, bob):
    fund(alice, coin, 1_000)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in(alice).cookies
    body = json.dumps({"coin": "TST", "to": "bob", "amount": "0.00000001"})
    answer = strict.post("/api/v1/sends", body, content_type="application/json", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 403
    assert balances(coin, bob) == [(0, 0)]
