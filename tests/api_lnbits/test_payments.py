"""Asking for money and paying: exact amounts, honest answers, and after each refusal nothing has moved."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta

import pytest

from accounts.models import User
from adapters.base import Health
from adapters.codecs import bolt11
from ledger import queries
from ledger.models import Account, Delivery, Event, Invoice, Kind, Operation, Transaction
from ledger.services import mail, purses, wallets
from tests.api_lnbits.client import Program, admin_of, cashier_of, purse_of, refused
from tests.support.lightning import node, outside
from tests.support.money import pay_now, scan_now, switch, use_of
from tests.support.threads import at_once
from wallets_site.base.clock import now
from wallets_site.base.errors import WrongState

SAT = 1000
BAD_AMOUNTS = [0, -5, "abc", 1.9, 0.5, True, None, 10**30, "1e3", "", "0.5", "-1", [], {}, "NaN", 2**63, "١٢", "1 000"]


@pytest.fixture
def till(coin, bob) -> Program:
    """bob's program."""
    return admin_of(purse_of(bob, "till"), bob)


def invoice(program: Program, sats: object = 1000, **more: object):
    return program.ok("POST", "/api/v1/payments", {"out": False, "amount": sats, "memo": "Tip", **more}, 201)


def pay(program: Program, text: str):
    return program.post("/api/v1/payments", {"out": True, "bolt11": text})


def fill(program: Program, coin, sats: int) -> None:
    """From outside, by the network."""
    made = invoice(program, sats)
    node(coin).faucet(made["bolt11"], sats * SAT)
    scan_now(coin)
    assert balance(program) >= sats * SAT


def balance(program: Program) -> int:
    return int(program.ok("GET", "/api/v1/wallet")["balance"])


def standing() -> tuple[object, ...]:
    """All that money is: every account, and how many events there were."""
    return [*Account.objects.order_by("pk").values_list("pk", "debits", "credits")], Transaction.objects.count()


# Asking ------------------------------------------------------------------------------------------------
def test_an_invoice_has_the_names_of_old_and_new_servers_and_no_preimage(cashier, shop):
    made = invoice(cashier, 1000)
    assert made["bolt11"] == made["payment_request"]
    assert made["checking_id"] == made["payment_hash"] == bolt11.decode(made["bolt11"]).payment_hash
    assert (made["amount"], made["fee"], made["status"], made["pending"]) == (1_000_000, 0, "pending", True)
    assert (made["preimage"], made["memo"], made["wallet_id"]) == (None, "Tip", shop.ident)
    assert made["lnurl_response"] is None
    assert "detail" not in made


def test_an_invoice_is_a_real_one_with_a_payment_secret(cashier):
    read = bolt11.decode(invoice(cashier, 1000)["bolt11"])
    assert (read.amount, read.description) == (1_000_000, "Tip")
    assert len(read.secret) == 64


@pytest.mark.parametrize("amount", [12, "12", 12.0])
def test_whole_numbers_of_sats_in_every_form_are_taken(cashier, amount):
    assert invoice(cashier, amount)["amount"] == 12_000


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_a_bad_amount_is_refused_and_makes_nothing(cashier, amount):
    before = standing()
    refused(cashier.post("/api/v1/payments", {"out": False, "amount": amount, "memo": "x"}), 400, "amount")
    assert not Invoice.objects.exists()
    assert standing() == before


@pytest.mark.parametrize("body", ['{"out": false, "amount": NaN}', '{"out": false, "amount": 1e400, "memo": "x"}',
                                  '{"out": false, "amount": ' + "9" * 5000 + "}", "", "{", "[]", '"x"',
                                  '{"out": false, "amount": 1, "amount": 2}', "[" * 30_000, "\xff",
                                  '{"out": "perhaps", "amount": 1}', '{"out": false}'])  # fmt: skip
def test_a_bad_body_is_one_json_error(cashier, body):
    refused(cashier.post("/api/v1/payments", body), 400)
    assert not Invoice.objects.exists()


@pytest.mark.parametrize("more", [{"unit": "EUR"}, {"unit": "msat"}, {"memo": "x" * 641}, {"memo": 5}, {"expiry": -1},
                                  {"expiry": "soon"}, {"expiry": 10**9}, {"description_hash": "zz"},
                                  {"unhashed_description": "zz"}, {"extra": [1]}, {"extra": {"a": "x" * 5000}},
                                  {"webhook": "http://127.0.0.1/x"}, {"webhook": "http://169.254.169.254/latest"},
                                  {"payment_hash": "ab" * 32}, {"fiat_provider": "stripe"},
                                  {"webhook": "ftp://shop.example/"}, {"webhook": "nonsense"}])  # fmt: skip
def test_what_an_invoice_cannot_be_is_refused(cashier, more):
    refused(cashier.post("/api/v1/payments", {"out": False, "amount": 5, **more}), 400)
    assert not Invoice.objects.exists()


@pytest.mark.parametrize("length", [70_000, 300_000])
def test_a_body_that_is_too_large_is_413(cashier, length):
    refused(cashier.post("/api/v1/payments", {"out": False, "amount": 5, "memo": "x" * length}), 413)


def test_a_description_hash_takes_the_place_of_the_memo(cashier):
    text = "what was bought"
    digest = hashlib.sha256(text.encode()).hexdigest()
    for more in ({"description_hash": digest}, {"unhashed_description": text.encode().hex()}):
        read = bolt11.decode(invoice(cashier, 5, **more)["bolt11"])
        assert (read.description_hash, read.description) == (digest, "")


def test_unknown_words_and_any_content_type_are_taken(cashier):
    body = json.dumps({"out": False, "amount": 5, "memo": "x", "internal": True, "lnurl_callback": "y", "labels": []})
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        assert cashier.call("POST", "/api/v1/payments/", body, **{"Content-Type": kind}).status_code == 201


def test_what_was_attached_comes_back(cashier):
    made = invoice(cashier, 5, extra={"tag": "shop", "share": 1.5}, external_id="order-42")
    found = cashier.ok("GET", f"/api/v1/payments/{made['payment_hash']}")["details"]
    assert (found["extra"], found["tag"], found["external_id"]) == ({"tag": "shop", "share": "1.5"}, "shop", "order-42")


def test_a_repeated_idempotency_key_answers_with_the_same_invoice(cashier):
    body, headers = {"out": False, "amount": 5, "memo": "x"}, {"Idempotency-Key": "order-1"}
    first, again = (cashier.call("POST", "/api/v1/payments", body, **headers).json() for _ in range(2))
    assert first["payment_hash"] == again["payment_hash"]
    refused(cashier.call("POST", "/api/v1/payments", {**body, "amount": 6}, **headers), 520)


def test_a_site_whose_lightning_wallet_is_gone_says_so(cashier, coin):
    wallet = use_of(coin).wallet
    wallets.record_health(wallet, Health(ok=False, reason="off"))
    switch(coin, outage=True)
    refused(cashier.post("/api/v1/payments", {"out": False, "amount": 5}), 503)


# Paying ------------------------------------------------------------------------------------------------
@pytest.mark.both_databases
def test_paying_an_invoice_of_this_site_settles_at_once(admin, till, coin, shop):
    fill(admin, coin, 5000)
    made = invoice(till, 1000)

    answer = pay(admin, made["bolt11"])

    paid = answer.json()
    assert answer.status_code == 201
    assert (paid["payment_hash"], paid["amount"], paid["fee"]) == (made["payment_hash"], -1_000_000, 0)
    assert (paid["status"], paid["pending"], paid["wallet_id"]) == ("success", False, shop.ident)
    assert (balance(admin), balance(till)) == (4_000_000, 1_000_000)
    for program, amount in ((admin, -1_000_000), (till, 1_000_000)):
        found = program.ok("GET", f"/api/v1/payments/{made['payment_hash']}")
        assert (found["paid"], found["status"], found["details"]["amount"]) == (True, "success", amount)
        assert found["details"]["pending"] is False


def test_paying_an_outside_invoice_ends_with_its_cost(admin, coin):
    fill(admin, coin, 5000)
    switch(coin, fee=7000)
    text = outside(coin, 1_000_000)

    paid = pay(admin, text)
    assert paid.status_code == 201
    assert paid.json()["status"] == "pending"
    pay_now(coin)

    found = admin.ok("GET", f"/api/v1/payments/{paid.json()['payment_hash']}")
    assert (found["paid"], found["details"]["amount"], found["details"]["fee"]) == (True, -1_000_000, -7000)
    assert balance(admin) == 5_000_000 - 1_000_000 - 7000


def test_a_payment_without_an_answer_stays_pending_and_is_not_sent_again(admin, coin):
    fill(admin, coin, 5000)
    switch(coin, hold_seconds=600)
    text = outside(coin, 1_000_000)
    name = pay(admin, text).json()["payment_hash"]
    pay_now(coin)

    assert admin.ok("GET", f"/api/v1/payments/{name}")["status"] == "pending"
    refused(pay(admin, text), 520, fate="pending")
    assert Operation.objects.filter(incoming=False).count() == 1


def test_a_payment_that_failed_is_no_201_and_gives_everything_back(admin, coin):
    fill(admin, coin, 5000)
    switch(coin, refuse_sends=True)
    text = outside(coin, 1_000_000)
    name = pay(admin, text).json()["payment_hash"]
    for _ in range(4):
        pay_now(coin)

    found = admin.ok("GET", f"/api/v1/payments/{name}")
    assert (found["paid"], found["status"], found["preimage"]) == (False, "failed", None)
    assert balance(admin) == 5_000_000
    refused(pay(admin, text), 520, fate="failed")


def test_without_money_it_says_insufficient_balance(admin, till):
    before = standing()
    refused(pay(admin, invoice(till, 1000)["bolt11"]), 520, "Insufficient balance")
    assert standing() == before


def test_the_reserve_of_the_route_must_be_there_too(admin, coin):
    fill(admin, coin, 1000)
    before = standing()
    refused(pay(admin, outside(coin, 1_000_000)), 520, "Insufficient balance")
    assert standing() == before


def test_a_paid_invoice_is_not_paid_again(admin, till, coin, alice):
    fill(admin, coin, 5000)
    text = invoice(till, 1000)["bolt11"]
    assert pay(admin, text).status_code == 201
    other = admin_of(purse_of(alice, "other"), alice)
    before = standing()

    refused(pay(admin, text), 520, fate="success")
    refused(pay(other, text), 520, fate="failed")
    assert standing() == before


@pytest.mark.both_databases
def test_the_same_invoice_paid_by_many_at_once_is_paid_once(admin, till, coin):
    fill(admin, coin, 5000)
    text = invoice(till, 1000)["bolt11"]

    answers = at_once(8, lambda _: pay(Program(admin.key), text).status_code)

    assert sorted(map(str, answers)) == ["201", *["520"] * 7]
    assert (balance(admin), balance(till)) == (4_000_000, 1_000_000)


@pytest.mark.both_databases
def test_the_whole_balance_spent_by_many_at_once_is_spent_once(admin, till, coin):
    fill(admin, coin, 1000)
    texts = [invoice(till, 1000)["bolt11"] for _ in range(8)]

    answers = at_once(8, lambda number: pay(Program(admin.key), texts[number]).status_code)

    assert sorted(map(str, answers)) == ["201", *["520"] * 7]
    assert (balance(admin), balance(till)) == (0, 1_000_000)


def test_ones_own_invoice_is_refused(admin, coin):
    fill(admin, coin, 5000)
    before = standing()
    answer = pay(admin, invoice(admin, 1000)["bolt11"])
    assert answer.status_code in (400, 520)
    assert standing() == before


def test_an_invoice_key_pays_nothing(cashier, admin, till, coin):
    fill(admin, coin, 5000)
    before = standing()
    refused(pay(cashier, invoice(till, 1000)["bolt11"]), 403, "Admin key required.")
    refused(cashier.post("/api/v1/payments", {"amount": 5}), 403)
    assert standing() == before


def test_a_missing_invoice_is_400(admin):
    refused(admin.post("/api/v1/payments", {"out": True}), 400, "Missing BOLT11 invoice")
    refused(admin.post("/api/v1/payments", {}), 400, "Missing BOLT11 invoice")


NODE = hashlib.sha256(b"somebody else").digest()


def signed(currency: str = "bcrt", amount: int | None = 1_000_000, **more: object) -> str:
    made = {"timestamp": int(now().timestamp()), "payment_hash": b"\x07" * 32, **more}
    return bolt11.encode(NODE, currency=currency, amount=amount, secret=b"\x01" * 32, **made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "lnbc1garbage", "zz", "x" * 4000, "x" * 5000, signed()[:-1], signed()[:-1] + "q", signed(amount=None),
        signed("bc"),
        signed(timestamp=1_600_000_000), "lightning:", 5, ["a"], "a\0b",
    ],
)  # fmt: skip
def test_a_bad_invoice_is_refused_and_nothing_moves(admin, coin, text):
    fill(admin, coin, 5000)
    before = standing()
    answer = pay(admin, text)
    assert answer.status_code in (400, 520)
    refused(answer, answer.status_code)
    assert standing() == before


def test_upper_case_and_the_prefix_of_links_are_taken(admin, till, coin):
    fill(admin, coin, 5000)
    assert pay(admin, invoice(till, 7)["bolt11"].upper()).status_code == 201
    assert pay(admin, "lightning:" + invoice(till, 7)["bolt11"]).status_code == 201
    assert balance(till) == 14_000


def test_an_expired_invoice_is_refused_before_and_after_it_was_looked_at(admin, till, coin, clock):
    fill(admin, coin, 5000)
    made = invoice(till, 1000, expiry=2)
    clock.shift(timedelta(seconds=3))
    before = standing()

    refused(pay(admin, made["bolt11"]), 520, "expired")
    found = till.ok("GET", f"/api/v1/payments/{made['payment_hash']}")
    assert (found["paid"], found["status"], found["preimage"]) == (False, "failed", None)
    answer = pay(admin, made["bolt11"])
    refused(answer, 520, "expired")
    assert made["wallet_id"] not in answer.content.decode()
    assert standing() == before


def test_an_invoice_of_ours_signed_anew_with_another_amount_mints_nothing(admin, till, coin):
    fill(admin, coin, 5000)
    made = invoice(till, 1000)
    for amount in (1_000, 2_000_000):
        forged = signed(amount=amount, payment_hash=bytes.fromhex(made["payment_hash"]))
        before = standing()
        refused(pay(admin, forged), 520)
        assert standing() == before
    assert till.ok("GET", f"/api/v1/payments/{made['payment_hash']}")["paid"] is False


def test_a_deleted_wallet_can_be_asked_for_nothing(admin, shop):
    purses.close(purse=shop)
    for answer in (pay(admin, signed()), admin.get("/api/v1/payments"), admin.get("/api/v1/wallet"),
                   admin.post("/api/v1/payments", {"out": False, "amount": 1})):  # fmt: skip
        refused(answer, 404, "Wallet not found.")


def test_a_purse_that_holds_something_is_not_closed(admin, shop, coin):
    fill(admin, coin, 3)
    with pytest.raises(WrongState, match="still holds 3 sats"):
        purses.close(purse=shop)


# Looking up --------------------------------------------------------------------------------------------
def test_nobody_sees_a_payment_of_another_wallet(admin, till, anybody):
    name = invoice(till, 5)["payment_hash"]
    refused(admin.get(f"/api/v1/payments/{name}"), 404, "Payment does not exist.")
    refused(admin.get(f"/api/v1/payments/{'0' * 64}"), 404)
    refused(admin.get("/api/v1/payments/nonsense"), 404)
    refused(anybody.get(f"/api/v1/payments/{name}"), 401)


def test_no_reply_tells_a_preimage_before_the_payment(cashier, coin):
    made = invoice(cashier, 5)
    texts = [json.dumps(made), cashier.get("/api/v1/payments").content.decode(),
             cashier.get(f"/api/v1/payments/{made['payment_hash']}").content.decode()]  # fmt: skip
    for text in texts:
        for candidate in re.findall(r"[0-9a-f]{64}", text):
            assert hashlib.sha256(bytes.fromhex(candidate)).hexdigest() != made["payment_hash"]


def proves(preimage: str | None, payment_hash: str) -> bool:
    return preimage is not None and hashlib.sha256(bytes.fromhex(preimage)).hexdigest() == payment_hash


def test_once_it_is_settled_inside_payer_and_payee_read_the_preimage(admin, till, coin):
    fill(admin, coin, 5000)
    made = invoice(till, 1000)
    paid = pay(admin, made["bolt11"]).json()

    assert proves(paid["preimage"], made["payment_hash"])
    for program in (admin, till):
        found = program.ok("GET", f"/api/v1/payments/{made['payment_hash']}")
        rows = program.ok("GET", "/api/v1/payments?limit=1")
        assert found["preimage"] == found["details"]["preimage"] == rows[0]["preimage"] == paid["preimage"]
    kept = Invoice.objects.get(payment_hash=made["payment_hash"]).sealed_preimage
    assert paid["preimage"] not in kept, "it lies encrypted in the database"


def test_a_payment_from_outside_and_one_to_the_outside_are_proven_too(admin, coin):
    fill(admin, coin, 5000)
    (came,) = admin.ok("GET", "/api/v1/payments")
    assert proves(came["preimage"], came["payment_hash"])

    name = pay(admin, outside(coin, 1_000_000)).json()["payment_hash"]
    assert admin.ok("GET", f"/api/v1/payments/{name}")["preimage"] is None
    pay_now(coin)
    assert proves(admin.ok("GET", f"/api/v1/payments/{name}")["preimage"], name)


def test_where_no_node_reveals_it_the_preimage_is_null(admin, till, coin):
    fill(admin, coin, 5000)
    made = invoice(till, 1000)
    Invoice.objects.filter(payment_hash=made["payment_hash"]).update(sealed_preimage="")
    assert pay(admin, made["bolt11"]).json()["preimage"] is None
    assert admin.ok("GET", f"/api/v1/payments/{made['payment_hash']}")["preimage"] is None


def test_a_list_is_newest_first_with_both_directions(admin, till, coin):
    fill(admin, coin, 100)
    pay(admin, invoice(till, 7, memo="coffee")["bolt11"])
    invoice(admin, 3, memo="open one")

    rows = admin.ok("GET", "/api/v1/payments")
    assert [(row["memo"], row["amount"], row["status"]) for row in rows] == [
        ("open one", 3000, "pending"), ("coffee", -7000, "success"), ("Tip", 100_000, "success"),
    ]  # fmt: skip
    assert [row["memo"] for row in admin.ok("GET", "/api/v1/payments?limit=1&offset=1")] == ["coffee"]
    assert [row["memo"] for row in admin.ok("GET", "/api/v1/payments?memo=coffee")] == ["coffee"]
    assert [row["memo"] for row in admin.ok("GET", "/api/v1/payments?search=offe")] == ["coffee"]
    assert [row["memo"] for row in admin.ok("GET", "/api/v1/payments?incoming=true")] == ["open one", "Tip"]
    assert [row["memo"] for row in admin.ok("GET", "/api/v1/payments?status[eq]=pending")] == ["open one"]
    assert [row["memo"] for row in admin.ok("GET", "/api/v1/payments?direction=asc&limit=1")] == ["Tip"]
    page = admin.ok("GET", "/api/v1/payments/paginated?limit=2")
    assert (page["total"], [row["memo"] for row in page["data"]]) == (3, ["open one", "coffee"])
    assert len(admin.ok("GET", "/api/v1/payments?limit=-1")) == 3
    refused(admin.get("/api/v1/payments?limit=abc"), 400)


def test_an_expiry_of_zero_is_the_usual_one(cashier):
    usual, zero = (bolt11.decode(invoice(cashier, 5, **more)["bolt11"]) for more in ({}, {"expiry": 0}))
    assert zero.expiry == usual.expiry


def test_a_list_keeps_to_a_time_a_tag_and_a_wallet(cashier, shop, clock):
    first = invoice(cashier, 1, memo="first", extra={"tag": "tpos"})
    clock.shift(timedelta(minutes=5))
    noon = now()
    invoice(cashier, 2, memo="second")

    def memos(query: str) -> list[str]:
        return [row["memo"] for row in cashier.ok("GET", f"/api/v1/payments?{query}")]

    assert memos(f"time[ge]={int(noon.timestamp())}") == ["second"]
    assert memos(f"time[lt]={noon:%Y-%m-%dT%H:%M:%S}") == ["first"]
    assert memos(f"created_at[gt]={first['time'].replace('+', '%2B')}&time[le]={noon:%Y-%m-%dT%H:%M:%S.%f}") == [
        "second"
    ]
    assert memos("tag=tpos") == ["first"]
    assert memos("tag[eq]=nobodys") == []
    assert memos(f"wallet_id={shop.ident}") == ["second", "first"]
    assert memos(f"wallet_id={'0' * 32}") == []
    assert memos("status[ne]=pending") == []
    for bad in ("soon", "9" * 30, "-1"):
        refused(cashier.get(f"/api/v1/payments?time[ge]={bad}"), 400, "time")


def test_expired_invoices_are_listed_when_asked_for(cashier, clock):
    invoice(cashier, 5, expiry=1)
    clock.shift(timedelta(seconds=2))
    assert cashier.ok("GET", "/api/v1/payments") == []
    assert cashier.ok("GET", "/api/v1/payments?status=failed")[0]["labels"] == ["expired"]


def test_an_invoice_can_be_decoded_without_a_key(anybody, till):
    made = invoice(till, 12)
    read = anybody.ok("POST", "/api/v1/payments/decode", {"data": made["bolt11"]})
    assert (read["payment_hash"], read["amount_msat"], read["description"]) == (made["payment_hash"], 12_000, "Tip")
    assert read["secret"] == read["payment_secret"] == bolt11.decode(made["bolt11"]).secret
    assert (read["currency"], read["min_final_cltv_expiry"], read["route_hints"]) == ("bcrt", 18, [])
    hashed = invoice(till, 12, description_hash="ab" * 32)
    read = anybody.ok("POST", "/api/v1/payments/decode", {"data": hashed["bolt11"]})
    assert (read["description"], read["description_hash"]) == ("", "ab" * 32)
    for bad in ({"data": "zz"}, {}, {"data": 5}, {"data": "x" * 5000}):
        refused(anybody.post("/api/v1/payments/decode", bad), 400)


def test_what_programs_in_the_wild_send_and_read(admin, till, coin):
    """An empty memo, words of other servers beside those that count, a look by the internal id, and texts that are
    never null where typed programs read them."""
    fill(admin, coin, 5000)
    said = {"out": False, "amount": 21, "unit": "sat", "memo": "", "internal": False, "expiry": None, "extra": None,
            "webhook": None, "description_hash": None, "unhashed_description": None, "labels": [],
            "fiat_provider": None, "payment_hash": None, "lnurl_callback": None}  # fmt: skip
    made = till.ok("POST", "/api/v1/payments", said, 201)
    name = made["payment_hash"]
    paid = admin.post("/api/v1/payments?", {"out": True, "bolt11": made["bolt11"], "amount": 21, "unit": "sat"})
    assert (paid.status_code, paid.json()["payment_hash"]) == (201, name)
    assert [row["payment_hash"] for row in admin.ok("GET", f"/api/v1/payments?checking_id=internal_{name}")] == [name]

    looked = admin.ok("GET", f"/api/v1/payments/internal_{name}")
    assert (looked["paid"], looked["status"], looked["details"]["pending"]) == (True, "success", False)
    types = {"checking_id": str, "payment_hash": str, "bolt11": str, "payment_request": str, "memo": str, "amount": int,
             "fee": int, "pending": bool, "status": str, "wallet_id": str, "extra": dict, "preimage": str}  # fmt: skip
    assert {key: type(looked["details"][key]) for key in types} == types
    read = till.ok("POST", "/api/v1/payments/decode", {"data": made["bolt11"], "filter_fields": []})
    types = {"payment_hash": str, "amount_msat": int, "description": str, "payee": str, "date": int, "expiry": int,
             "secret": str, "route_hints": list, "min_final_cltv_expiry": int}  # fmt: skip
    assert {key: type(read[key]) for key in types} == types


def test_the_reserve_of_a_payment(admin, till, coin, anybody):
    fill(admin, coin, 5000)
    inside, outer = invoice(till, 100)["bolt11"], outside(coin, 1_000_000)
    assert admin.ok("GET", f"/api/v1/payments/fee-reserve?invoice={inside}") == {"fee_reserve": 0}
    assert admin.ok("GET", f"/api/v1/payments/fee-reserve?invoice={outer}") == {"fee_reserve": 10_000}
    refused(admin.get("/api/v1/payments/fee-reserve?invoice=zz"), 400)
    refused(anybody.get(f"/api/v1/payments/fee-reserve?invoice={inside}"), 401)


# Managed users and one's own purses -------------------------------------------------------------------
def test_a_managed_user_is_paid_and_pays(coin, manager):
    boss = admin_of(purse_of(manager, "house"), manager)
    fill(boss, coin, 5000)
    made = boss.ok("POST", "/usermanager/api/v1/users", {"user_name": "u", "wallet_name": "w"}, 201)["wallets"][0]
    person = Program(made["adminkey"])
    assert pay(boss, invoice(person, 1000)["bolt11"]).status_code == 201
    assert pay(person, invoice(boss, 400)["bolt11"]).status_code == 201
    assert (balance(boss), balance(person)) == (4_400_000, 600_000)
    assert [row["amount"] for row in boss.ok("GET", f"/usermanager/api/v1/transactions/{made['id']}")] == [
        -400_000, 1_000_000,
    ]  # fmt: skip
    assert len(boss.ok("GET", f"/usermanager/api/v1/wallets{made['id']}")) == 2
    refused(boss.call("DELETE", f"/usermanager/api/v1/users/{made['user']}"), 409, "still holds 600 sats")
    refused(boss.call("DELETE", f"/usermanager/api/v1/wallets/{made['id']}"), 409, "still holds 600 sats")


def test_nobody_mails_a_managed_account(coin, manager):
    boss = admin_of(purse_of(manager, "house"), manager)
    fill(boss, coin, 5000)
    made = boss.ok("POST", "/usermanager/api/v1/users", {"user_name": "u", "wallet_name": "w"}, 201)["wallets"][0]
    assert pay(boss, invoice(Program(made["adminkey"]), 1000)["bolt11"]).status_code == 201
    person = User.objects.get(managed_by=manager)
    event = Event.objects.get(name="move_received", user=person)
    letter = Delivery(event=event, user=person, template="move_receive", next_at=now())
    assert mail.compose(letter) is None
    assert mail.compose(Delivery(event=event, user=manager, template="move_receive", next_at=now())) is not None


def test_the_purse_and_the_main_balance_are_told_apart(admin, coin, alice):
    fill(admin, coin, 5000)
    assert queries.balance(alice, coin).available == 0
    kinds = queries.totals(coin)
    assert (kinds[Kind.USER], kinds[Kind.HOT]) == (5_000_000, -5_000_000)


def test_two_purses_of_one_person_pay_each_other(admin, coin, alice):
    fill(admin, coin, 100)
    second = cashier_of(purse_of(alice, "second"), alice)
    assert pay(admin, invoice(second, 30)["bolt11"]).status_code == 201
    assert (balance(admin), balance(second)) == (70_000, 30_000)
