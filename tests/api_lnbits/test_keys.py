"""Who may do what with which key, and that no other way in exists."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from accounts import services
from accounts.models import DerivedKey
from ledger.models import Kind
from ledger.services import purses
from tests.accounts.people import signed_in
from tests.api_lnbits.client import Program, admin_of, keys_of, purse_of, refused
from tests.support.money import proof_of
from tests.support.threads import at_once
from wallets_site.base.errors import CoinUnavailable, InvalidRequest, LimitReached, NotAllowed


def test_an_admin_key_reads_its_wallet_with_its_id(admin, shop):
    assert admin.ok("GET", "/api/v1/wallet") == {"id": shop.ident, "name": "shop", "balance": 0}


def test_an_invoice_key_reads_its_wallet_without_the_id(cashier):
    assert cashier.ok("GET", "/api/v1/wallet") == {"name": "shop", "balance": 0}


def test_a_slash_too_many_changes_nothing(admin, shop):
    for path in ("/api/v1/wallet/", "//api/v1/wallet", "//api/v1/wallet/"):
        assert admin.ok("GET", path) == {"id": shop.ident, "name": "shop", "balance": 0}


def test_a_key_may_come_in_the_query(anybody, shop, alice):
    admin_key, _ = keys_of(shop, alice)
    assert anybody.get(f"/api/v1/wallet?api-key={admin_key}").json()["id"] == shop.ident


def test_keys_have_32_hex_digits_and_only_their_digests_are_stored(shop, alice):
    shown = keys_of(shop, alice)
    stored = set(DerivedKey.objects.values_list("digest", flat=True))
    assert all(len(key) == 32 and int(key, 16) for key in shown)
    assert not stored & set(shown)


def test_no_key_is_401(anybody):
    refused(anybody.get("/api/v1/wallet"), 401, "No Api Key provided.")


@pytest.mark.parametrize("key", ["0" * 32, "F" * 32, "short", "0" * 64, "x'; DROP TABLE", "é"])
def test_an_unknown_key_is_404(coin, key):
    refused(Program().get("/api/v1/wallet", **{"X-Api-Key": key}), 404, "Wallet not found.")


def test_a_key_is_compared_exactly(admin, shop):
    refused(Program(admin.key.upper()).get("/api/v1/wallet"), 404)


def test_a_session_is_no_key(shop, alice):
    browser = Program()
    browser.client = signed_in(alice)
    refused(browser.get("/api/v1/wallet"), 401)


def test_a_bearer_token_is_no_key(admin):
    refused(Program().get("/api/v1/wallet", Authorization=f"Bearer {admin.key}"), 401)


def test_a_person_shut_out_has_no_keys(admin, alice, manager):
    services.set_active(user=alice, active=False, actor=manager)
    refused(admin.get("/api/v1/wallet"), 404)


def test_a_person_without_the_right_to_use_keys_is_refused(admin, alice):
    alice.groups.clear()
    refused(admin.get("/api/v1/wallet"), 403, "may not use API keys")


def test_renewed_keys_replace_the_old_ones_at_once(admin, shop, alice):
    purses.new_keys(purse=shop, user=alice, proof=proof_of(alice))
    refused(admin.get("/api/v1/wallet"), 404)
    assert admin_of(shop, alice).ok("GET", "/api/v1/wallet")["id"] == shop.ident


def test_the_key_of_a_closed_purse_opens_nothing_until_it_is_opened_again(admin, shop):
    purses.close(purse=shop)
    refused(admin.get("/api/v1/wallet"), 404, "Wallet not found.")
    purses.reopen(purse=shop)
    assert admin.ok("GET", "/api/v1/wallet")["id"] == shop.ident


def test_an_admin_renames_its_wallet_by_put_and_by_patch(admin, shop):
    assert admin.ok("PUT", "/api/v1/wallet/till")["name"] == "till"
    changed = admin.ok("PATCH", "/api/v1/wallet", {"name": "corner shop", "color": "red"})
    assert (changed["name"], changed["id"], changed["adminkey"]) == ("corner shop", shop.ident, admin.key)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/v1/wallet/x"), ("PATCH", "/api/v1/wallet"),
                                              ("GET", "/api/v1/wallets")])  # fmt: skip
def test_an_invoice_key_changes_and_lists_nothing(cashier, shop, method, path):
    refused(cashier.call(method, path, {"name": "x"}), 403, "Admin key required.")
    shop.refresh_from_db()
    assert shop.name == "shop"


def test_a_list_of_wallets_shows_no_keys_but_its_own(admin, shop, alice, bob):
    other = purse_of(alice, "other")
    purse_of(bob, "bob's")
    found = admin.ok("GET", "/api/v1/wallets")
    assert [(each["id"], each["adminkey"]) for each in found] == [(shop.ident, admin.key), (other.ident, None)]


def test_health_needs_no_key(anybody):
    assert set(anybody.ok("GET", "/api/v1/health")) == {"server_time", "up_time"}


@pytest.mark.parametrize("path", ["/api/v1/nope", "/", "/api/v1/ws/abc", "/wallet?usr=1"])
def test_an_unknown_path_is_a_json_404(anybody, path):
    refused(anybody.get(path), 404, "Not Found")


def test_a_wrong_method_is_405(admin):
    refused(admin.call("DELETE", "/api/v1/wallet"), 405)


def test_any_page_may_call_but_never_with_cookies(admin, anybody):
    preflight = anybody.call("OPTIONS", "/api/v1/wallet", Origin="https://shop.example")
    assert preflight.status_code == 204
    assert {"X-Api-Key", "Idempotency-Key", "*"} < set(preflight["Access-Control-Allow-Headers"].split(", "))
    for answer in (preflight, admin.get("/api/v1/wallet"), anybody.get("/api/v1/wallet")):
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer
        assert "Set-Cookie" not in answer
        assert answer["Cache-Control"] == "no-store"


# Purses ------------------------------------------------------------------------------------------------
def test_each_purse_is_an_account_of_its_own(shop, alice):
    second = purse_of(alice, "second")
    assert [(each.account.kind, each.account.number) for each in (shop, second)] == [(Kind.USER, 1), (Kind.USER, 2)]


@pytest.mark.both_databases
def test_purses_opened_at_once_get_an_account_each(coin, alice):
    at_once(6, lambda number: purse_of(alice, f"purse {number}"))
    assert sorted(purse.account.number for purse in purses.of(alice)) == [1, 2, 3, 4, 5, 6]


def test_a_site_without_lightning_says_so(site, alice):
    with pytest.raises(CoinUnavailable, match="no Lightning coin"):
        purse_of(alice)


def test_a_person_has_so_many_purses(coin, alice, monkeypatch):
    monkeypatch.setattr(purses, "MOST", 2)
    purse_of(alice, "one")
    two = purse_of(alice, "two")
    with pytest.raises(LimitReached):
        purse_of(alice, "three")
    purses.close(purse=two)
    assert purse_of(alice, "three").account.number == 3


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "\n"])
def test_a_purse_has_a_name_of_one_line(coin, alice, name):
    with pytest.raises(InvalidRequest):
        purse_of(alice, name)


def test_somebody_who_may_hold_no_coins_opens_no_purse(coin, alice):
    alice.groups.set(Group.objects.filter(name="Auditors"))
    with pytest.raises(NotAllowed):
        purse_of(alice)
