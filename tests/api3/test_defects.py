"""Defects of the plugin that no other file shows to be absent, bad input, and letters. All of them, each with its test:
the table at the end of docs/api-v3.md."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail as letters
from django.db import connection
from django.db.models import ProtectedError
from django.template import engines
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import ApiKey, User
from adapters.demo import encode_address
from ledger import do_cron, locks
from ledger.drains import mail as outbox
from ledger.models import Address, Coin, Delivery, Operation, Purpose, SiteSettings
from ledger.services import key_caps, lifecycle, limits, site_settings
from tests.api3.client import Plugin, read
from tests.api3.conftest import change
from tests.support.factories import make_user
from tests.support.money import (
    address_of,
    balances,
    blocks,
    books,
    chain,
    fresh_key,
    fund,
    make_coin,
    pay_now,
    proof_of,
    scan_now,
    send,
    use_of,
)
from tests.support.processes import PYTHON, Child, wait_for
from tests.support.threads import at_once
from wallets_site.base.clock import now
from wallets_site.base.errors import WrongState

pytestmark = [pytest.mark.usefixtures("site_row"), pytest.mark.both_databases]
both = pytest.mark.both_databases
AWAY = encode_address("tst", b"\x07" * 20)
COIN = 10**8


@pytest.fixture
def rich(fees: Coin, alice: User) -> Coin:
    fund(alice, fees, 10 * COIN)
    return fees


def scoped(user: User, *scopes: str, caps: dict[Coin, int] | None = None, **more) -> tuple[ApiKey, Plugin]:
    row, text = key_caps.make_key(
        user=user, name="shop", scopes=scopes, proof=proof_of(user), key=fresh_key(), caps=caps or {}, **more
    )
    return row, Plugin(authorization=f"Bearer {text}")


ASKED = {"symbol": "TST", "move_toaccount": "bob", "withdraw_address": AWAY, "withdraw_amount": "1", "move_amount": "1"}
NOT_ALLOWED = {"result": "error", "code": "-107", "message": "Not allowed"}


@pytest.mark.parametrize(("scope", "opens"), [
    ("read", {"get_coins_info", "get_transactions"}), ("receive", {"do_new_address"}), ("send", {"do_move"}),
    ("withdraw", {"do_withdraw"}), ("manage", set()),
])  # fmt: skip
def test_a_key_may_be_bound_to_what_it_is_for(rich, alice, bob, scope, opens):
    _row, program = scoped(alice, scope)
    actions = ("get_coins_info", "get_transactions", "do_new_address", "do_move", "do_withdraw", "do_reset_apikey",
               "get_nonces")  # fmt: skip
    answers = {action: program.ask(action, tx_count="9", tx_from="0", **ASKED) for action in actions}
    assert {action for action, answer in answers.items() if answer["result"] == "success"} == opens
    assert all(answer == NOT_ALLOWED for action, answer in answers.items() if action not in opens)


@both
def test_a_key_has_an_end_and_a_daily_bound_and_can_be_revoked(rich, alice, bob, clock):
    row, program = scoped(alice, "send", caps={rich: 2 * COIN}, expires_at=now() + timedelta(hours=1))
    assert [program.ask("do_move", **ASKED)["result"] for _ in range(2)] == ["success", "error"]
    assert balances(rich, bob) == [(COIN, 0)]
    clock.shift(timedelta(hours=2))
    assert program.get("do_move", **ASKED).status_code == 403
    other, program = scoped(alice, "send")
    ApiKey.objects.filter(pk=other.pk).update(revoked_at=now())
    assert program.get("do_move", **ASKED).status_code == 403
    assert balances(rich, bob) == [(COIN, 0)]
    row.refresh_from_db()
    assert row.last_used_at is not None


def test_a_block_notification_advances_confirmations(rich, alice, at_alice, anybody, clock):
    chain(rich).mint(address_of(alice, rich), 7)
    scan_now(rich)
    before = at_alice.transactions()[0]
    blocks(1, clock)
    assert anybody.ask("notify", symbol="TST", notify_type="block", notify_message="ab" * 32) == {"result": "success"}
    scan_now(rich)  # what the poke asks of the worker
    after = at_alice.transactions()[0]
    assert (before["confirmations"], before["status"], after["confirmations"]) == ("0", "pending", "1")


@both
def test_a_done_move_is_cancelled_by_nobody(rich, alice, bob, manager):
    sent = send(alice, rich, "bob", COIN)
    with pytest.raises(WrongState):
        lifecycle.cancel_as_manager(user=manager, operation_id=sent.pk, reason="Undo.")
    with pytest.raises(WrongState):
        lifecycle.cancel(user=alice, operation_id=sent.pk, key="k")
    assert balances(rich, bob) == [(COIN, 0)]


HOLD = """
import django, sys, time
django.setup()
from ledger import locks
with locks.exclusive("do_cron") as mine:
    print("held" if mine else "not mine", flush=True)
    time.sleep(60)
"""


def test_a_run_that_was_killed_blocks_no_later_one(site, coin, tmp_path):
    from tests.support.live import child_environment

    child = Child([PYTHON, "-c", HOLD], log=tmp_path / "log", env=child_environment(site))
    try:
        wait_for("the lock", lambda: "held" in child.output(), seconds=60)
        assert do_cron.run() is None
    finally:
        child.kill()
    wait_for("the lock to be free", _free)
    assert do_cron.run() is not None


def _free() -> bool:
    with locks.exclusive("do_cron") as mine:
        return mine


@both
def test_what_was_cancelled_counts_for_no_daily_limit(rich, alice, bob):
    change(confirm_move_admin=True)
    asked = send(alice, rich, "bob", COIN)
    before = limits.used_today(user_id=alice.pk, coin=rich, purpose=Purpose.MOVE)
    lifecycle.cancel(user=alice, operation_id=asked.pk, key="k")
    assert (before, limits.used_today(user_id=alice.pk, coin=rich, purpose=Purpose.MOVE)) == (COIN, 0)


@both
def test_all_of_a_balance_can_be_withdrawn_and_not_one_unit_more(rich, alice, at_alice):
    refused = at_alice.withdraw(AWAY, "9.99900001")
    assert refused["message"].startswith("Could not withdraw TST: Insufficient available funds")
    assert balances(rich, alice) == [(10 * COIN, 0)]
    assert at_alice.withdraw(AWAY, "9.999") == {"result": "success"}
    pay_now(rich)
    assert at_alice.transactions()[0]["status"] == "done"
    assert balances(rich, alice)[0][0] == 0


@both
def test_an_address_of_two_coins_credits_the_one_that_came(coin, alice, bob):
    other = make_coin("OTH")
    text = address_of(alice, coin)
    address_of(bob, other)
    Address.objects.filter(account__owner=bob, coin=other).update(address=text)
    chain(coin).mint(text, 7)
    scan_now(coin)
    scan_now(other)
    found = list(Operation.objects.values_list("user", "coin", "gross"))
    assert found == [(alice.pk, coin.pk, 7)]


@pytest.mark.parametrize("figure", ["0.29", "0.57", "1.15", "4.35", "2.675", "0.00000001"])
def test_hundredths_are_not_cut_off(rich, at_alice, bob, figure):
    assert at_alice.move("bob", figure) == {"result": "success"}
    whole, _, fraction = figure.partition(".")
    assert balances(rich, bob) == [(int(whole + fraction.ljust(8, "0")), 0)]


def test_no_form_of_staff_works_without_its_token(rich, alice, bob, manager):
    change(confirm_move_admin=True)
    asked = send(alice, rich, "bob", COIN)
    before = site_settings.current().cron_nonce
    staff = Client(enforce_csrf_checks=True)
    staff.force_login(manager)
    forms = {
        reverse("admin:rotate_cron"): {},
        reverse("admin:ledger_sitesettings_change", args=[1]): {"confirm_link_hours": "1"},
        reverse("admin:ledger_operation_changelist"): {"action": "approve_them", "_selected_action": [asked.pk]},
        reverse("admin:wallet_test", args=[use_of(rich).wallet_id]): {},
    }
    assert [staff.post(page, form).status_code for page, form in forms.items()] == [403] * 4
    assert site_settings.current().cron_nonce == before
    assert Operation.objects.get(pk=asked.pk).status == "unconfirmed"


@both
@pytest.mark.parametrize("version", ["1", "2"])
def test_older_versions_have_the_same_rules(rich, alice, bob, at_alice, version):
    change(legacy_json_apis=True)
    asked = {**ASKED, "move_toaccount": str(bob.pk) if version == "1" else "bob"}
    for action, figure in (("do_move", "move_amount"), ("do_withdraw", "withdraw_amount")):
        assert read(at_alice.get(action, version=version, **asked))["code"] == "-105"
        nonce = read(at_alice.get("get_nonces", version=version))["nonces"][action]
        too_much = read(at_alice.get(action, version=version, _wpnonce=nonce, **{**asked, figure: "11"}))
        assert "Insufficient available funds" in too_much["message"]
        assert balances(rich, alice, bob) == [(10 * COIN, 0), (0, 0)]
    nonce = read(at_alice.get("get_nonces", version=version))["nonces"]["do_withdraw"]
    assert read(at_alice.get("do_withdraw", version=version, _wpnonce=nonce, **asked)) == {"result": "success"}
    assert read(at_alice.get("get_transactions", version=version, symbol="TST", tx_count="1"))["transactions"]


@pytest.mark.parametrize("by_owner", [True, False])
def test_managers_are_told_whether_or_not_the_owner_confirms_too(rich, at_alice, alice, bob, manager, by_owner):
    change(confirm_move_user=by_owner, confirm_move_admin=True)
    outbox.deliver()
    letters.outbox.clear()
    at_alice.move("bob", "1")
    outbox.deliver()
    heard = {message.to[0].split("@")[0] for message in letters.outbox}
    assert heard == ({"alice", "bob", "manager"} if by_owner else {"bob", "manager"})


@pytest.mark.parametrize("kept", ["", "0"])
def test_a_cron_nonce_that_is_missing_opens_nothing(coin, anybody, kept):
    SiteSettings.objects.update(cron_nonce=kept)
    for given in ({}, {"cron_nonce": ""}, {"cron_nonce": "0e0"}, {"cron_nonce": "00"}):
        assert anybody.ask("do_cron", **given)["result"] == "error"


def test_an_approval_outlives_later_changes(rich, at_alice, alice, bob, manager):
    change(confirm_move_admin=True, confirm_move_user=True)
    at_alice.move("bob", "1")
    asked = Operation.objects.get(kind="move", incoming=False)
    lifecycle.approve(user=manager, operation_id=asked.pk)
    for row in (at_alice.transactions()[0], Plugin().sign_in(bob).transactions()[0]):
        assert (row["status"], row["admin_confirm"], row["user_confirm"]) == ("unconfirmed", "1", "0")


@pytest.mark.parametrize("order", ["gross;DROP TABLE ledger_operation", "1'--", "-999", "password", "%00"])
def test_a_request_cannot_write_the_order_of_a_list(rich, alice, bob, manager, order):
    send(alice, rich, "bob", COIN)
    staff = Client()
    staff.force_login(manager)
    assert staff.get(reverse("admin:ledger_operation_changelist"), {"o": order}).status_code in (200, 302)
    assert Operation.objects.count() == 3


@both
def test_each_letter_leaves_once_however_many_send(rich, alice, bob):
    for _ in range(3):
        send(alice, rich, "bob", 5)
    letters.outbox.clear()
    sent = at_once(4, lambda _: outbox.deliver())
    while outbox.deliver():
        pass
    assert all(isinstance(number, int) for number in sent), sent
    assert Delivery.objects.exclude(state="sent").count() == 0
    about = [(message.to[0], message.subject) for message in letters.outbox]
    assert len([one for one in about if one[0].startswith("bob")]) == 3


@both
def test_nobody_with_a_history_can_be_deleted(rich, alice, bob):
    send(alice, rich, "bob", COIN)
    before = books(rich)
    for person in (alice, bob):
        with pytest.raises(ProtectedError):
            person.delete()
    assert books(rich) == before


# Bad input ----------------------------------------------------------------------------------------------
@both
@pytest.mark.parametrize(("name", "text", "kept"), [
    ("move_comment", "a" * 500, "a" * 500), ("move_comment", "a" * 501, None), ("move_comment", "é" * 501, None),
    ("move_comment", "one\x00two\x08\x1b[31m\u202ethree\r\nfour", "onetwo[31m\u202ethree four"),
    ("move_comment", "<script>alert(1)</script>hi", "alert(1)hi"), ("move_comment", "\x00\x01", ""),
    ("move_tags", "t" * 190, "send " + "t" * 190), ("move_tags", "t" * 191, None),
    ("move_tags", "b a\tb\n\x07a c", "send b a c"), ("move_tags", "\x00", "send "),
])  # fmt: skip
def test_comments_and_tags_are_cleaned_or_refused(rich, at_alice, alice, bob, name, text, kept):
    answer = at_alice.move("bob", "1", **{name: text})
    if kept is None:
        assert (answer["result"], answer["code"]) == ("error", "-105")
        assert text not in answer["message"]
        assert balances(rich, alice, bob) == [(10 * COIN, 0), (0, 0)]
    else:
        assert answer == {"result": "success"}
        row = at_alice.transactions()[0]
        assert row["comment" if name == "move_comment" else "tags"] == kept


@pytest.mark.parametrize("name", ["withdraw_comment", "withdraw_extra", "withdraw_comment_to"])
def test_a_withdrawals_texts_are_bounded_too(rich, at_alice, alice, name):
    answer = at_alice.withdraw(AWAY, "1", **{name: "x" * 501})
    assert (answer["result"], answer["code"]) == ("error", "-104")
    assert balances(rich, alice) == [(10 * COIN, 0)]


INTERNAL = ("Traceback", "SELECT", "ledger_", "sqlite", "psycopg", "/work", "/tmp", "127.0.0.1", "localhost", ".py")


@both
def test_an_error_inside_is_told_to_nobody(rich, at_alice, caplog):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE ledger_rate")
    answer = at_alice.get("get_coins_info")
    assert read(answer) == {
        "result": "error", "code": "0", "message": "Something went wrong here. Please try again later.",
    }  # fmt: skip
    assert "ledger_rate" in caplog.text  # but the site's people can read it


@both
@pytest.mark.parametrize("values", [
    {"symbol": "ZZZ"}, {"symbol": ""}, {"symbol": "' OR 1=1 --"}, {"symbol": "T" * 5000}, {"symbol": "\x00"},
    {"move_toaccount": "nobody'"}, {"move_toaccount": "x" * 5000}, {"move_toaccount": "-1"}, {"move_amount": "9" * 400},
    {"move_amount": "1e9"}, {"withdraw_address": "x" * 5000}, {"withdraw_address": "\x00"},
    {"tx_count": "9" * 30, "tx_from": "9" * 30}, {"tx_from": "-9" * 9},
])  # fmt: skip
def test_nothing_internal_is_in_any_answer(rich, at_alice, alice, bob, values):
    before = books(rich)
    for action in ("get_transactions", "do_move", "do_withdraw", "do_new_address", "notify", "do_cron"):
        asked = {**ASKED, "move_amount": "99", "withdraw_amount": "99", "tx_count": "5", **values}
        answer = at_alice.get(action, **asked, _wpnonce=at_alice.nonce("do_move"))
        assert answer.status_code == 200
        text = answer.content.decode()
        assert not [word for word in INTERNAL if word in text], text
    assert books(rich) == before


# A site's own letters -----------------------------------------------------------------------------------
@pytest.fixture
def own_letter(site, tmp_path):
    """A file where a site keeps its own templates; Django reads templates once, at start."""
    options = {**engines.templates["django"]["OPTIONS"]}
    ours = engines.templates["django"]
    folder = tmp_path / "ledger" / "mail"
    folder.mkdir(parents=True)
    with override_settings(TEMPLATES=[{
        "BACKEND": ours["BACKEND"], "DIRS": [tmp_path, *ours["DIRS"]], "APP_DIRS": ours["APP_DIRS"], "OPTIONS": options,
    }]):  # fmt: skip
        yield folder


def test_a_site_writes_its_own_letters(rich, alice, bob, own_letter):
    (own_letter / "move_send.txt").write_text("Coins away!\n\n{{ operation.comment }} to {{ operation.counterpart }}")
    outbox.deliver()
    letters.outbox.clear()
    send(alice, rich, "bob", COIN, comment="thanks")
    outbox.deliver()
    found = {message.to[0].split("@")[0]: message for message in letters.outbox}
    assert (found["alice"].subject, found["alice"].body) == ("Coins away!", "thanks to bob\n")
    assert isinstance(found["alice"], letters.EmailMultiAlternatives)
    assert found["alice"].alternatives  # ours, where a site wrote none
    assert found["bob"].subject == "Wallets: You received Tstcoin"


def test_a_letter_that_cannot_be_read_stops_no_other(rich, alice, bob, own_letter):
    (own_letter / "move_send.txt").write_text("{% broken %}")
    outbox.deliver()
    letters.outbox.clear()
    send(alice, rich, "bob", COIN)
    outbox.deliver()
    assert [message.to for message in letters.outbox] == [["bob@example.com"]]
    assert Delivery.objects.filter(state="queued").count() == 1


def test_a_user_without_a_key_of_theirs_is_a_stranger(rich, alice, bob, at_alice):
    make_user("dora")
    for header in ("Bearer wk_" + "A" * 43, "Bearer wk_", "Bearer " + "f" * 64):
        assert Plugin(authorization=header).get("do_move", **ASKED).status_code == 403
    assert balances(rich, alice, bob) == [(10 * COIN, 0), (0, 0)]
