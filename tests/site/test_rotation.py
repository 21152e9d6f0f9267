"""New secrets in the place of old ones, while people, programs, the queue and the nodes go on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.conf import settings as site_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django_q.models import OrmQ
from django_q.tasks import async_task

from accounts import keys
from accounts.audit import What
from accounts.models import AuditEvent, DerivedKey
from adapters.models import Wallet
from ledger.models import Operation
from ledger.services import confirmations, webhooks
from tests.accounts.people import code_of, enrol, signed_in
from tests.api3.client import Plugin, with_key
from tests.api3.conftest import change
from tests.site.test_supervisor import running, wait_for_a_beat
from tests.support.money import balances, fund, make_coin, proof_of, use_of
from tests.support.processes import wait_for
from wallets_site import rotation
from wallets_site.base.clock import now

NEW = "a-new-key-secret-0123456789-0123456789-0123456789"


def fernets() -> list[tuple[str, str]]:
    """(table and column, value) of everything in the database that looks encrypted."""
    found = []
    for model in apps.get_models():
        if not model._meta.managed or model._meta.app_label == "django_q":
            continue
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                value = field.value_from_object(row)
                parts = value.items() if isinstance(value, dict) else [("", value)]
                label = f"{model._meta.label}.{field.name}"
                found += [(label, text) for _, text in parts if isinstance(text, str) and text.startswith("gAAAA")]
    return found


@pytest.fixture
def lived(site, alice, settings) -> Any:
    coin = make_coin()
    secret = enrol(alice)
    webhooks.create(
        user=alice, url="https://example.com/hook", label="", names=[], proof=proof_of(alice), key="k", known=[]
    )
    return coin, secret


def only_new_key_opens(old: str) -> bool:
    texts = [text for _, text in fernets()]
    return bool(texts) and not any(_opens(old, text) for text in texts)


def _opens(key: str, text: str) -> bool:
    try:
        Fernet(key).decrypt(text.encode())
    except Exception:
        return False
    return True


@pytest.mark.both_databases
def test_everything_is_encrypted_anew_and_the_old_key_opens_nothing(site, lived, alice, settings, capsys):
    coin, secret = lived
    options = use_of(coin).wallet.read_options()
    (old,) = settings.WALLETS_FIELD_KEYS
    settings.WALLETS_FIELD_KEYS = [Fernet.generate_key().decode(), old]
    assert use_of(coin).wallet.read_options() == options  # both work meanwhile
    call_command("rotate_keys")
    said = capsys.readouterr().out
    assert "adapters.Wallet.options: 1 seen, 1 encrypted anew" in said
    assert "mfa.Authenticator.data: 1 seen, 1 encrypted anew" in said
    assert "the others may go" in said
    settings.WALLETS_FIELD_KEYS = settings.WALLETS_FIELD_KEYS[:1]
    assert only_new_key_opens(old)
    assert use_of(coin).wallet.read_options() == options
    browser = signed_in(alice)
    assert browser.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)}).status_code == 302
    (event,) = AuditEvent.objects.filter(what=What.SECRETS_ROTATED)
    assert secret not in str(event.data)
    call_command("rotate_keys")
    assert "1 seen, 0 encrypted anew" in capsys.readouterr().out


def test_no_column_is_forgotten(lived):
    known = {f"{label}.{column}" for label, column in rotation.COLUMNS} | {"mfa.Authenticator.data"}
    assert {place for place, _ in fernets()} <= known
    assert {place for place, _ in fernets()} >= {"adapters.Wallet.options", "ledger.Webhook.secret"}


def test_stopped_in_the_middle_it_goes_on_and_a_lost_key_is_said(lived, settings):
    make_coin("TWO")
    (old,) = settings.WALLETS_FIELD_KEYS
    settings.WALLETS_FIELD_KEYS = [Fernet.generate_key().decode(), old]
    next(rotation.renew_all())
    assert not only_new_key_opens(old)
    list(rotation.renew_all())
    assert only_new_key_opens(old)
    settings.WALLETS_FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(ImproperlyConfigured, match="no key in WALLETS_FIELD_KEYS opens"):
        list(rotation.renew_all())


def test_what_somebody_changes_meanwhile_is_not_overwritten(lived, settings):
    coin, _ = lived
    (old,) = settings.WALLETS_FIELD_KEYS
    settings.WALLETS_FIELD_KEYS = [Fernet.generate_key().decode(), old]
    stale = Wallet.objects.get(pk=use_of(coin).wallet_id)
    fresh = Wallet.objects.get(pk=stale.pk)
    fresh.write_options({**fresh.read_options(), "fee": "77"})
    fresh.save(update_fields=["options", "version"])
    assert rotation._renew_column(stale, "options") is False
    assert Wallet.objects.get(pk=stale.pk).read_options()["fee"] == "77"


def test_programs_keep_their_keys_and_people_see_them_while_the_previous_secret_is_set(site, alice, settings, capsys):
    make_coin()
    old, key = settings.WALLETS_KEY_SECRET, keys.show_key(alice, keys.PLUGIN_API)
    settings.WALLETS_KEY_SECRET, settings.WALLETS_KEY_SECRET_PREVIOUS = NEW, old
    assert keys.show_key(alice, keys.PLUGIN_API) == key
    assert with_key(alice).ask("get_coins_info")["result"] == "success"
    call_command("rotate_keys")
    assert "1 keys of people still come from WALLETS_KEY_SECRET_PREVIOUS" in capsys.readouterr().out
    settings.WALLETS_KEY_SECRET_PREVIOUS = ""
    assert keys.owner_of(key, keys.PLUGIN_API) == alice  # it works still; only nobody can be shown it
    settings.WALLETS_KEY_SECRET_PREVIOUS = old
    renewed = keys.renew_key(alice, keys.PLUGIN_API)
    assert (keys.owner_of(key, keys.PLUGIN_API), keys.owner_of(renewed, keys.PLUGIN_API)) == (None, alice)
    call_command("rotate_keys")
    assert "it may go" in capsys.readouterr().out
    assert DerivedKey.objects.count() == 1


def test_a_purses_keys_open_it_all_the_while(site, alice, settings):
    old = settings.WALLETS_KEY_SECRET
    key = keys.show_key(alice, keys.PURSE_ADMIN, "purse")
    settings.WALLETS_KEY_SECRET, settings.WALLETS_KEY_SECRET_PREVIOUS = NEW, old
    found = keys.purse_key(key)
    assert found is not None
    assert (found.owner, found.subject, found.may_pay) == (alice, "purse", True)


def test_a_link_in_a_mail_on_its_way_stays_what_it_is(site, settings):
    operation = Operation(pk=7, version=1)
    before = confirmations.token_of(operation)
    operation.confirm_digest = confirmations.digest_of(before)
    old = settings.WALLETS_KEY_SECRET
    settings.WALLETS_KEY_SECRET, settings.WALLETS_KEY_SECRET_PREVIOUS = NEW, old
    assert confirmations.token_of(operation) == before
    operation.confirm_digest = ""
    assert confirmations.token_of(operation) != before


def test_sessions_outlive_the_key_that_signed_them_and_fetch_new_nonces(site, alice, bob, settings):
    """Django gives such a session a new key, to which nonces are bound."""
    coin = make_coin()
    change(confirm_move_user=False)
    fund(alice, coin, 10_000)
    at_alice = Plugin().sign_in(alice)
    nonce = at_alice.nonce("do_move")
    browser = signed_in(bob)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], NEW
    assert browser.get("/").status_code == 200
    move = {"symbol": "TST", "move_toaccount": "bob", "move_amount": "0.00001"}
    assert at_alice.ask("do_move", _wpnonce=nonce, **move)["result"] == "error"
    assert balances(coin, bob) == [(0, 0)]
    assert at_alice.act("do_move", **move)["result"] == "success"
    assert balances(coin, bob) == [(1_000, 0)]
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [], NEW + "another"
    assert browser.get("/").status_code == 302


def test_a_real_cluster_with_a_new_key_does_what_was_queued_under_the_old_one(site, alice):
    """And drops it, unread and without a stop, once the old one is gone."""
    async_task("ledger.tasks.mail")
    queued = OrmQ.objects.get().payload
    changed = {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": site_settings.SECRET_KEY}
    with running(site, "--no-web", **changed) as child:
        wait_for("the queue", lambda: not OrmQ.objects.filter(payload=queued).exists())
        wait_for_a_beat()
        assert "Failed" not in child.output()
    OrmQ.objects.create(key="wallets", payload=queued, lock=now() - timedelta(hours=1))
    with running(site, "--no-web", SECRET_KEY=NEW) as child:
        wait_for_a_beat()
        wait_for("the queue", lambda: not OrmQ.objects.filter(payload=queued).exists())
        assert "Failed to push task to queue" in child.output()
        wait_for_a_beat()
