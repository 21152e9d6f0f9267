"""What was held by a change of credentials goes out by no door, whoever made its key before; members are still paid."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import api_keys, holds
from accounts.models import PayoutHold, User
from ledger.models import Account, Coin, Contact, Operation, Transaction
from ledger.services import contacts, withdrawals
from tests.accounts.people import signed_in
from tests.api.callers import every_scope
from tests.api3.client import Plugin, with_key
from tests.api3.conftest import change
from tests.api_lnbits.client import admin_of, purse_of
from tests.support.factories import make_manager, make_user
from tests.support.lightning import lightning_coin
from tests.support.lightning import node as lightning_node
from tests.support.lightning import outside as outside_invoice
from tests.support.money import address_of, balances, fresh_key, fund, make_coin, pay_now, proof_of, scan_now, send
from wallets_site.base.errors import PayoutsHeld

pytestmark = pytest.mark.usefixtures("site")
Reason = PayoutHold.Reason


@pytest.fixture
def coin(site) -> Coin:
    change(confirm_move_user=False, confirm_withdraw_user=False, confirm_withdraw_admin=False)
    return make_coin()


@pytest.fixture
def rich(alice: User, coin: Coin) -> User:
    fund(alice, coin, 1_000_000_000)
    return alice


@pytest.fixture
def outside(coin: Coin) -> str:
    """An address of nobody here."""
    return address_of(make_user("stranger"), make_coin("OUT", prefix="tst"))


def standing() -> tuple[object, ...]:
    totals = list(Account.objects.order_by("pk").values_list("pk", "debits", "credits"))
    return totals, Transaction.objects.count(), Operation.objects.count()


def test_nothing_is_withdrawn_by_a_page_an_old_key_or_the_plugins_doors(rich, coin, outside):
    program, plugin, keyed, page = every_scope(rich), Plugin().sign_in(rich), with_key(rich), signed_in(rich)
    holds.place(user=rich, reason=Reason.PASSWORD_RESET)
    before = standing()
    refused = program.post("withdrawals", {"coin": "TST", "to": outside, "amount": "1"})
    assert (refused.status_code, refused.json()["code"]) == (403, "payouts_held")
    assert refused.json()["data"]["reason"] == "password_reset"
    typed = {"symbol": "TST", "withdraw_address": outside, "withdraw_amount": "1"}
    for said in (plugin.act("do_withdraw", **typed), keyed.ask("do_withdraw", **typed)):
        assert said["result"] == "error"
        assert "because the password was reset by mail" in said["message"]
    answer = page.post("/send/TST/", {"to": outside, "amount": "1", "comment": ""})
    assert "because the password was reset by mail" in answer.text
    assert standing() == before


def test_an_old_purse_key_pays_no_invoice_of_the_outside(alice):
    change(confirm_withdraw_user=False, confirm_withdraw_admin=False)
    coin = lightning_coin()
    purse = purse_of(alice)
    program = admin_of(purse, alice)
    made = program.ok("POST", "/api/v1/payments", {"out": False, "amount": 1000, "memo": "Tip"}, 201)
    lightning_node(coin).faucet(made["bolt11"], 1_000_000)
    scan_now(coin)
    holds.place(user=alice, reason=Reason.EMAIL_CHANGED)
    before = standing()
    refused = program.post("/api/v1/payments", {"out": True, "bolt11": outside_invoice(coin, 5000)})
    assert refused.status_code >= 400
    assert "because the e-mail address was changed" in refused.json()["detail"]
    assert standing() == before


def test_a_quote_from_before_the_hold_pays_nothing(rich, coin, outside):
    quote = withdrawals.preview_withdrawal(user=rich, coin=coin, address=outside, amount=100_000_000)
    holds.place(user=rich, reason=Reason.FACTOR_CHANGED)
    before = standing()
    with pytest.raises(PayoutsHeld):
        withdrawals.request_withdrawal(user=rich, quote=quote, proof=proof_of(rich), key=fresh_key())
    assert standing() == before


def test_what_was_queued_before_the_hold_waits_for_its_end(rich, coin, outside):
    sent = send(rich, coin, outside, 100_000_000)
    hold = holds.place(user=rich, reason=Reason.PASSWORD_RESET)
    pay_now(coin)
    assert Operation.objects.get(pk=sent.pk).withdrawal.state == "queued"
    first, second = make_manager("first"), make_manager("second")
    holds.ask_lift(actor=first, hold_id=hold.pk, reason="known")
    holds.lift(actor=second, hold_id=hold.pk)
    pay_now(coin)
    assert Operation.objects.get(pk=sent.pk).withdrawal.state != "queued"


def test_members_are_paid_while_payouts_wait(rich, coin, bob):
    holds.place(user=rich, reason=Reason.PASSWORD_CHANGED)
    send(rich, coin, "bob", 100_000_000)
    assert balances(coin, bob) == [(100_000_000, 0)]


def test_from_a_frozen_account_nobody_is_paid(rich, coin, bob, outside):
    program = every_scope(rich)
    User.objects.filter(pk=rich.pk).update(frozen_at="2026-01-01T00:00:00Z")
    holds.place(user=rich, reason=Reason.FROZEN)
    before = standing()
    for path, to in (("moves", "bob"), ("sends", "bob"), ("withdrawals", outside)):
        refused = program.post(path, {"coin": "TST", "to": to, "amount": "1"})
        assert refused.json()["code"] == "payouts_held", refused.json()
        assert "Ask the people who run this site" in refused.json()["detail"]
    assert standing() == before


def test_no_key_is_made_and_no_contact_counts_meanwhile(rich, coin, outside):
    contact = contacts.add(user=rich, label="Cold store", to=outside, coin=coin)
    contacts.lock(user=rich)
    token = contacts.token_of(contact)
    holds.place(user=rich, reason=Reason.RECOVERY_CODE)
    acts = [
        lambda: api_keys.make_key(user=rich, name="shop", scopes=["read"], proof=proof_of(rich), key=fresh_key()),
        lambda: contacts.confirm(token),
        lambda: contacts.unlock(user=rich, proof=proof_of(rich)),
    ]
    for act in acts:
        with pytest.raises(PayoutsHeld):
            act()
    assert not rich.api_keys.exists()
    assert Contact.objects.get().confirmed_at is None
    assert User.objects.get(pk=rich.pk).pays_contacts_only


def test_the_send_page_says_why(rich, coin):
    client: Client = signed_in(rich)
    assert "Payouts wait" not in client.get("/send/TST/").text
    holds.place(user=rich, reason=Reason.FACTOR_CHANGED)
    page = client.get("/send/TST/").text
    assert "because a second step was added or removed." in page
    assert "Sending to members works meanwhile." in page
