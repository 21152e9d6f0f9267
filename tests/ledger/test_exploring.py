"""The node explorer as a page of the administration."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent
from adapters.models import Wallet
from ledger.models import Coin
from ledger.services import exploring
from tests.adapters.banano.test_ledger import connect
from tests.adapters.banano.world import BAN, BananoWorld
from tests.support.factories import make_user
from tests.support.money import make_coin, use_of
from wallets_site.base.errors import NotAllowed


@pytest.fixture
def world(tmp_path):
    world = BananoWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def staff(manager) -> Client:
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def page(site, world) -> str:
    return reverse("admin:wallet_look_up", args=[use_of(connect(world.node)).wallet_id])


def use_of_ban() -> Wallet:
    return use_of(Coin.objects.get(symbol="BAN")).wallet


def asked(call: str, program: str = "") -> str:
    return f"?program={program}&call={call}"


def test_a_manager_chooses_a_call_fills_it_in_and_reads_the_answer(staff, page, world, manager):
    world.deposit(world.hot, 5 * BAN)
    assert "account_balance" in staff.get(page).content.decode()
    assert 'name="field-account"' in staff.get(page + asked("account_balance")).content.decode()
    assert world.node.do("asked") == []

    answer = staff.post(page + asked("account_balance"), {"field-account": world.hot}).content.decode()

    assert f"&quot;receivable&quot;: &quot;{5 * BAN}&quot;" in answer
    event = AuditEvent.objects.get(what="node_asked")
    assert (event.who, event.object) == (manager, "BAN node")
    assert event.data == {"call": "account_balance", "program": "", "fields": {"account": world.hot}}


def test_the_nodes_refusal_and_a_missing_field_are_told_in_words(staff, page):
    refused = staff.post(page + asked("block_info"), {"field-hash": "XYZ"}).content.decode()
    missing = staff.post(page + asked("block_info"), {"field-hash": ""}).content.decode()

    assert "The node refused" in refused
    assert "Invalid block hash" in refused
    assert "This field is required." in missing
    assert AuditEvent.objects.filter(what="node_asked").count() == 1


@pytest.mark.parametrize("call", ["send", "process", "wallet_create", "stop"])
def test_no_other_call_can_be_named(staff, page, world, call):
    answer = staff.post(page + asked(call), {"field-wallet": "x"})

    assert "Choose a call." in answer.content.decode()
    assert world.node.do("asked") == []
    assert not AuditEvent.objects.filter(what="node_asked").exists()


def test_a_node_that_does_not_answer_is_said_so(staff, page, world):
    world.outage()

    assert "the node does not answer" in staff.post(page + asked("block_count")).content.decode()


def test_an_answer_that_is_too_long_is_cut_and_says_so(staff, page, world, monkeypatch):
    monkeypatch.setattr(exploring, "LONGEST_ANSWER", 100)

    answer = staff.post(page + asked("version")).content.decode()

    assert "more letters are left out" in answer
    assert "network_identifier" not in answer


def test_who_may_not_manage_wallets_sees_nothing_and_asks_nothing(page, world, alice, site):
    auditor = make_user("auditor", groups=("Auditors",), staff=True)
    client = Client()
    client.force_login(auditor)

    assert client.get(page).status_code == 403
    assert client.post(page + asked("version")).status_code == 403
    with pytest.raises(NotAllowed):
        exploring.look_up(user=alice, wallet=use_of_ban(), program="", method="version", typed={})
    assert world.node.do("asked") == []
    assert not AuditEvent.objects.filter(what="node_asked").exists()


def test_a_simulated_coin_has_nothing_to_look_up(staff, site):
    page = reverse("admin:wallet_look_up", args=[use_of(make_coin()).wallet_id])

    assert "nothing to look up" in staff.get(page).content.decode()


def test_a_seed_that_is_pasted_into_a_field_does_not_get_into_the_audit_trail(staff, page):
    wallet = use_of_ban()
    staff.post(page + asked("account_get"), {"field-key": f" {wallet.read_options()['seed']} "})

    assert AuditEvent.objects.get(what="node_asked").data["fields"] == {"key": "(not shown)"}


# -- before a node is connected --


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("bitcoinlike", "apt-get install litecoind"),
        ("monero", "monero-wallet-rpc --wallet-file hot"),
        ("forknote", "--bind-address=127.0.0.1"),
        ("banano", "openssl rand -hex 32"),
    ],
)
def test_who_connects_a_node_is_told_what_to_run_with_which_switches(staff, site, kind, words):
    page = staff.get(f"{reverse('admin:adapters_wallet_add')}?kind={kind}").content.decode()

    assert "What to run first" in page
    assert words in page


def test_a_test_of_the_connection_says_version_and_height_or_why_not(staff, page, world):
    test = reverse("admin:wallet_test", args=[use_of_ban().pk])
    assert "answers: version" in staff.post(test, follow=True).content.decode()
    world.outage()
    assert "the node does not answer" in staff.post(test, follow=True).content.decode()
