from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from adapters.models import Wallet
from ledger.models import (
    Account,
    Adjustment,
    Coin,
    Deposit,
    Dispatch,
    Freeze,
    Hold,
    Posting,
    Queue,
    Seal,
    Transaction,
    Withdrawal,
)  # fmt: skip
from tests.support.factories import PASSWORD
from tests.support.money import fund, make_coin, send, use_of

PAGES = [
    "ledger_account", "ledger_transaction", "ledger_posting", "ledger_queue", "ledger_operation", "ledger_event",
    "ledger_coin", "ledger_withdrawal", "ledger_dispatch", "ledger_deposit", "ledger_freeze", "adapters_wallet",
]  # fmt: skip


@pytest.fixture
def staff(manager) -> Client:
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def lived_in(coin, alice, bob):
    """A site where something of each kind has happened."""
    fund(alice, coin, 10_000)
    send(alice, coin, "bob", 100)
    send(alice, coin, node_address(), 200)
    Freeze.objects.create(cause="manual", reason="A look", subject="x", wallet=use_of(coin).wallet)
    return coin


def node_address() -> str:
    from adapters.demo import encode_address

    return encode_address("tst", b"\x07" * 20)


@pytest.mark.parametrize("page", PAGES)
def test_every_list_answers_its_question_and_opens_its_rows(staff, lived_in, page):
    answer = staff.get(reverse(f"admin:{page}_changelist"))
    assert answer.status_code == 200
    assert 'class="help"' in answer.content.decode()

    from django.apps import apps

    row = apps.get_model(page.replace("_", ".", 1)).objects.first()
    assert row is None or staff.get(reverse(f"admin:{page}_change", args=[row.pk])).status_code == 200


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("ledger_coin", "adapters_wallet")])
def test_nobody_adds_changes_or_deletes_in_the_books(staff, lived_in, page, manager):
    from django.apps import apps

    manager.is_superuser = True
    manager.save()
    row = apps.get_model(page.replace("_", ".", 1)).objects.first()
    assert staff.get(reverse(f"admin:{page}_add")).status_code == 403
    if row is not None:
        assert staff.post(reverse(f"admin:{page}_change", args=[row.pk]), {}).status_code == 403
        assert staff.post(reverse(f"admin:{page}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


@pytest.mark.both_databases
def test_no_bulk_action_changes_or_deletes_a_row_of_the_books(engine, staff, lived_in, manager):
    """Django's own "delete selected" and every other name, with every row ticked, by the highest of the staff."""
    from django.contrib import admin

    manager.is_superuser = True
    manager.save()
    for model in (Account, Transaction, Posting, Queue, Seal, Adjustment, Hold, Deposit, Withdrawal, Dispatch):
        before = list(model._default_manager.order_by("pk").values())
        page = reverse(f"admin:ledger_{model._meta.model_name}_changelist")
        ticked = [row["id"] for row in before] or [1]
        offered = admin.site._registry[model].actions or ()
        for action in ("delete_selected", "", "save", *map(str, offered)):
            answer = staff.post(page, {"action": action, "_selected_action": ticked, "post": "yes", "index": "0"})
            assert answer.status_code in (200, 302, 403)
        assert list(model._default_manager.order_by("pk").values()) == before
        assert "delete_selected" not in staff.get(page).content.decode()


def test_a_member_cannot_open_the_administration(coin, alice):
    client = Client()
    assert client.login(email=alice.email, password=PASSWORD)
    assert client.get(reverse("admin:ledger_coin_changelist")).status_code in (302, 403)


def test_a_manager_writes_fees_and_limits_in_coin_units(staff, coin):
    page = reverse("admin:ledger_coin_change", args=[coin.pk])
    form = {
        "symbol": "TST", "name": "Testcoin", "decimals": "8", "position": "1", "is_active": "on", "deposits_on": "on",
        "withdrawals_on": "on", "confirmations": "3", "watch_confirmations": "9", "min_deposit": "0.001",
        "addresses_max": "10", "pool_size": "5", "tries_max": "3",
        "fees-TOTAL_FORMS": "1", "fees-INITIAL_FORMS": "0", "fees-0-purpose": "move", "fees-0-fixed": "0.00000007",
        "fees-0-ppm": "0", "limits-TOTAL_FORMS": "1", "limits-INITIAL_FORMS": "0",
        "limits-0-purpose": "withdrawal", "limits-0-minimum": "0.5", "limits-0-maximum": "", "limits-0-daily": "10",
    }  # fmt: skip
    answer = staff.post(page, form)

    assert answer.status_code == 302, answer.context["errors"]
    coin.refresh_from_db()
    assert coin.min_deposit == 100_000
    assert coin.fees.get().fixed == 7
    limit = coin.limits.get()
    assert (limit.minimum, limit.maximum, limit.daily) == (50_000_000, None, 1_000_000_000)
    assert 'value="0.001"' in staff.get(page).content.decode()


def test_a_fee_that_is_no_amount_is_refused_beside_its_field(staff, coin):
    page = reverse("admin:ledger_coin_change", args=[coin.pk])
    answer = staff.post(page, {
        "symbol": "TST", "name": "Testcoin", "decimals": "8", "position": "1", "confirmations": "3",
        "watch_confirmations": "9", "min_deposit": "1,5", "addresses_max": "10", "pool_size": "5", "tries_max": "3",
        "fees-TOTAL_FORMS": "0", "fees-INITIAL_FORMS": "0", "limits-TOTAL_FORMS": "0", "limits-INITIAL_FORMS": "0",
    })  # fmt: skip

    assert "Use a dot for decimals" in answer.content.decode()
    coin.refresh_from_db()
    assert coin.min_deposit == 0


def test_decimals_are_fixed_once_somebody_holds_the_coin(staff, coin, alice):
    page = reverse("admin:ledger_coin_change", args=[coin.pk])
    assert 'name="decimals"' in staff.get(page).content.decode()
    fund(alice, coin, 5)
    assert 'name="decimals"' not in staff.get(page).content.decode()


def test_a_manager_connects_a_node_tests_it_and_sees_the_lines_to_paste(staff, site, tmp_path):
    coin = Coin.objects.create(symbol="NEW", name="Newcoin", decimals=8)
    page = reverse("admin:adapters_wallet_add")
    assert "Simulated coin" in staff.get(page).content.decode()

    form = {"coin": coin.pk, "name": "new node", "option_chain_file": str(tmp_path / "c.sqlite3"),
            "option_decimals": "8", "option_block_seconds": "5", "option_faucet_seconds": "0",
            "option_faucet_amount": "1", "option_fee": "1", "option_network": "demo", "option_prefix": "new",
            "option_max_batch": "3"}  # fmt: skip
    answer = staff.post(f"{page}?kind=demo", form)
    assert answer.status_code == 302, answer.context and answer.context["errors"]
    wallet = Wallet.objects.get()
    assert use_of(coin).wallet == wallet
    assert wallet.read_options()["max_batch"] == 3
    assert "chain_file" not in wallet.options

    answer = staff.post(reverse("admin:wallet_test", args=[wallet.pk]), follow=True)
    assert "answers: version simulated" in answer.content.decode()


def test_a_new_wallet_retires_the_old_one(staff, coin, tmp_path):
    old = use_of(coin)
    form = {"coin": coin.pk, "name": "second", "option_chain_file": str(tmp_path / "c.sqlite3")}
    assert staff.post(reverse("admin:adapters_wallet_add") + "?kind=demo", form).status_code == 302
    old.refresh_from_db()
    assert not old.is_active
    assert old.wallet.retired_at is not None
    assert use_of(coin).wallet.name == "second"


def test_a_secret_option_is_never_shown_and_an_empty_one_keeps_it(staff, site):
    coin = Coin.objects.create(symbol="LTC", name="Litecoin", decimals=8)
    form = {"coin": coin.pk, "name": "ltc", "option_url": "http://127.0.0.1:9", "option_user": "u",
            "option_password": "wallet-secret-marker", "option_network": "regtest",
            "option_coin": "litecoin"}  # fmt: skip
    answer = staff.post(reverse("admin:adapters_wallet_add") + "?kind=bitcoinlike", form)
    assert answer.status_code == 302, answer.context and answer.context["errors"]
    wallet = Wallet.objects.get()
    page = reverse("admin:adapters_wallet_change", args=[wallet.pk])
    shown = staff.get(page).content.decode()
    assert "wallet-secret-marker" not in shown
    assert "walletnotify=" in shown
    assert "/wallets/notify/LTC/" in shown

    form["option_password"] = ""
    form["option_user"] = "other"
    assert staff.post(page, form).status_code == 302
    wallet.refresh_from_db()
    assert wallet.read_options()["password"] == "wallet-secret-marker"
    assert wallet.read_options()["user"] == "other"

    answer = staff.post(reverse("admin:wallet_test", args=[wallet.pk]), follow=True)
    assert "wallet-secret-marker" not in answer.content.decode()


def test_a_freeze_ends_by_a_manager_with_a_reason(staff, coin, manager):
    freeze = Freeze.objects.create(cause="manual", reason="A look", subject="x", wallet=use_of(coin).wallet)
    page = reverse("admin:freeze_end", args=[freeze.pk])
    assert staff.post(page, {"reason": ""}).status_code == 200
    freeze.refresh_from_db()
    assert freeze.ended_at is None

    assert staff.post(page, {"reason": "Looked into it."}).status_code == 302
    freeze.refresh_from_db()
    assert (freeze.ended_by, freeze.ended_reason) == (manager, "Looked into it.")


def test_coins_page_says_what_people_hold(staff, coin, alice):
    fund(alice, make_coin("SEE"), 150_000_000)
    assert "1.5 SEE" in staff.get(reverse("admin:ledger_coin_changelist")).content.decode()
    assert Account.objects.filter(owner=alice).exists()


def form_of(page: str) -> dict[str, str]:
    import re

    return dict(re.findall(r'<input type="hidden" name="(key)" value="([^"]+)"', page))


def test_a_correction_is_proposed_by_one_and_accepted_by_another(staff, coin, alice, manager):
    from ledger.models import Adjustment
    from tests.support.factories import make_manager
    from tests.support.money import balances

    fund(alice, coin, 150_000_000)
    debit, credit = Account.objects.get(kind="user"), Account.objects.get(kind="hot")
    page = reverse("admin:ledger_adjustment_add")
    said = {"debit": debit.pk, "credit": credit.pk, "amount": "0.5", "reason": "It vanished."}
    said |= form_of(staff.get(page).content.decode())
    for _ in range(2):
        assert staff.post(page, said).status_code == 302
    row = Adjustment.objects.get()
    accept = reverse("admin:adjustment_accept", args=[row.pk])
    answer = staff.post(accept, {"reason": "ok"}, follow=True)
    assert "Somebody else must accept" in answer.content.decode()
    assert balances(coin, alice) == [(150_000_000, 0)]

    second = Client()
    second.force_login(make_manager("second"))
    assert "It vanished." in second.get(accept).content.decode()
    assert "Booked." in second.post(accept, {"reason": "Seen."}, follow=True).content.decode()
    assert balances(coin, alice) == [(100_000_000, 0)]


def test_a_move_is_reversed_from_its_page_with_a_reason(staff, coin, alice, bob):
    from tests.support.money import balances

    fund(alice, coin, 1_000)
    sent = send(alice, coin, "bob", 100)
    page = reverse("admin:ledger_transaction_change", args=[sent.transaction_id])
    assert "Reverse it, with a reason" in staff.get(page).content.decode()
    undo = reverse("admin:transaction_reverse", args=[sent.transaction_id])
    assert staff.post(undo, {"reason": ""}).status_code == 200
    assert balances(coin, bob) == [(100, 0)]
    assert "Reversed." in staff.post(undo, {"reason": "Sent twice."}, follow=True).content.decode()
    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]


def test_a_brake_is_released_by_two_people(staff, coin, alice, manager):
    from ledger.models import Brake
    from tests.support.factories import make_manager

    brake = Brake.objects.create(coin=coin, level="all", reason="Short by 5.")
    ask, confirm = reverse("admin:brake_ask", args=[brake.pk]), reverse("admin:brake_confirm", args=[brake.pk])
    assert staff.post(ask, {"reason": "Refilled."}).status_code == 302
    assert "Somebody else must confirm" in staff.post(confirm, follow=True).content.decode()
    second = Client()
    second.force_login(make_manager("second"))
    assert "Refilled." in second.get(confirm).content.decode()
    assert "Released." in second.post(confirm, follow=True).content.decode()
    brake.refresh_from_db()
    assert brake.released_at is not None


@pytest.mark.parametrize(
    "page",
    ["ledger_adjustment", "ledger_brake", "ledger_solvencycheck", "ledger_seal", "ledger_hold", "ledger_liabilitytree"],
)
def test_lists_of_corrections_and_checks_answer_their_question(staff, coin, page):
    answer = staff.get(reverse(f"admin:{page}_changelist"))
    assert answer.status_code == 200
    assert 'class="help"' in answer.content.decode()
