"""The user manager: accounts that a program makes, each id checked for whose it is."""

from __future__ import annotations

import pytest

from accounts import services
from accounts.capabilities import Team
from accounts.models import User
from ledger.models import Purse
from tests.api_lnbits.client import Program, admin_of, cashier_of, purse_of, refused

NEW = {"user_name": "api_created_user", "wallet_name": "api_user_wallet"}
USERS, WALLETS = "/usermanager/api/v1/users", "/usermanager/api/v1/wallets"


@pytest.fixture
def boss(coin, manager) -> Program:
    """The manager's program, which may make users."""
    return admin_of(purse_of(manager, "house"), manager)


@pytest.fixture
def other_boss(coin) -> Program:
    from tests.support.factories import make_manager

    other = make_manager("charlie")
    return admin_of(purse_of(other, "other house"), other)


def make(boss: Program, **more: object):
    return boss.ok("POST", USERS, {**NEW, **more}, 201)


def test_a_user_comes_with_a_wallet_and_its_keys(boss, manager):
    made = make(boss, admin_id=f"{manager.pk:032x}")
    person = User.objects.get(managed_by=manager)
    purse = Purse.objects.get(account__owner=person)
    assert made["id"] == f"{person.pk:032x}"
    assert (made["name"], made["admin"]) == ("api_created_user", f"{manager.pk:032x}")
    assert (made["wallets"][0]["id"], made["wallets"][0]["name"]) == (purse.ident, "api_user_wallet")
    assert Program(made["wallets"][0]["adminkey"]).ok("GET", "/api/v1/wallet")["id"] == purse.ident
    assert Program(made["wallets"][0]["inkey"]).ok("GET", "/api/v1/wallet") == {"name": "api_user_wallet", "balance": 0}


def test_the_six_items_of_the_seed(boss):
    made = make(boss)
    rows = boss.ok("GET", f"{WALLETS}/{made['id']}")
    assert [set(row) for row in rows] == [{"id", "admin", "name", "user", "adminkey", "inkey"}]
    assert rows == made["wallets"] == boss.ok("GET", WALLETS)


def test_names_may_repeat_and_login_names_are_made_up(boss):
    first, second = make(boss), make(boss)
    assert first["id"] != second["id"]
    names = set(User.objects.exclude(managed_by=None).values_list("username", flat=True))
    assert len(names) == 2
    assert all(str(name).startswith("api-") for name in names)


def test_nobody_signs_in_to_a_managed_account(boss):
    make(boss, email="someone@example.com", password="let me in 1234")
    person = User.objects.exclude(managed_by=None).get()
    assert not person.has_usable_password()
    assert person.email.endswith("@managed.invalid")


def test_an_invoice_key_makes_and_lists_users_but_is_shown_no_admin_keys(coin, manager):
    clerk = cashier_of(purse_of(manager), manager)
    made = clerk.ok("POST", USERS, NEW, 201)
    added = clerk.ok("POST", WALLETS, {"user_id": made["id"], "wallet_name": "more"}, 201)
    assert added["user"] == made["id"]
    assert [row["id"] for row in clerk.ok("GET", USERS)] == [made["id"]]
    for path in (WALLETS, f"{WALLETS}/{made['id']}"):
        rows = clerk.ok("GET", path)
        assert [row["adminkey"] for row in rows] == [None, None]
        assert rows[0]["inkey"] == made["wallets"][0]["inkey"]
    refused(clerk.call("DELETE", f"{USERS}/{made['id']}"), 403, "Admin key required.")
    refused(clerk.call("DELETE", f"{WALLETS}/{added['id']}"), 403, "Admin key required.")


def test_an_owner_without_the_right_makes_nobody(admin):
    refused(admin.post(USERS, NEW), 403, "may not manage accounts through the API")
    refused(admin.get(USERS), 403)
    assert not User.objects.exclude(managed_by=None).exists()


def test_a_managed_account_makes_nobody(boss, manager):
    made = make(boss)
    person = User.objects.exclude(managed_by=None).get()
    services.join(person, Team.OPERATORS)
    refused(Program(made["wallets"][0]["adminkey"]).post(USERS, NEW), 403)


@pytest.mark.parametrize("more", [{"admin_id": "nobody"}, {"admin_id": f"{999:032x}"}])
def test_a_foreign_admin_id_is_refused(boss, more):
    refused(boss.post(USERS, {**NEW, **more}), 403, "admin_id")
    assert not User.objects.exclude(managed_by=None).exists()


@pytest.mark.parametrize("body", [{"user_name": "x"}, {"wallet_name": "x"}, {**NEW, "user_name": 5},
                                  {**NEW, "wallet_name": "y" * 300}, {**NEW, "user_name": "z" * 61}, [], "{", '"x"',
                                  '{"user_name": "a", "user_name": "b", "wallet_name": "c"}'])  # fmt: skip
def test_a_bad_body_is_400_and_makes_nobody(boss, body):
    refused(boss.post(USERS, body), 400)
    assert not User.objects.exclude(managed_by=None).exists()


def test_nobody_reaches_the_users_of_another_owner(boss, other_boss):
    mine = make(boss)
    purse = mine["wallets"][0]["id"]
    assert other_boss.ok("GET", USERS) == []
    assert other_boss.ok("GET", f"{USERS}/{mine['id']}") is None
    assert other_boss.ok("GET", WALLETS) == []
    assert other_boss.ok("GET", f"{WALLETS}/{mine['id']}") == []
    refused(other_boss.post(WALLETS, {"user_id": mine["id"], "wallet_name": "x"}), 404)
    refused(other_boss.call("DELETE", f"{WALLETS}/{purse}"), 404)
    refused(other_boss.call("DELETE", f"{USERS}/{mine['id']}"), 404)
    assert Program(mine["wallets"][0]["adminkey"]).ok("GET", "/api/v1/wallet")["id"] == purse


def test_people_of_the_site_are_no_managed_users(boss, alice, shop):
    assert boss.ok("GET", f"{USERS}/{alice.pk:032x}") is None
    assert boss.ok("GET", f"{WALLETS}/{alice.pk:032x}") == []
    refused(boss.call("DELETE", f"{WALLETS}/{shop.ident}"), 404)
    refused(boss.call("DELETE", f"{USERS}/{alice.pk:032x}"), 404)


def test_unknown_ids_are_null_and_empty_as_on_an_old_server(boss):
    assert boss.ok("GET", f"{USERS}/zzz") is None
    assert boss.ok("GET", f"{WALLETS}/zzz") == []


def test_deleting_a_user_ends_its_keys(boss):
    made = make(boss)
    assert boss.ok("DELETE", f"{USERS}/{made['id']}") == ["", 204]
    refused(Program(made["wallets"][0]["adminkey"]).get("/api/v1/wallet"), 404)
    assert boss.ok("GET", USERS) == []


def test_deleting_a_wallet_ends_its_keys(boss):
    made = make(boss)
    assert boss.ok("DELETE", f"{WALLETS}/{made['wallets'][0]['id']}") == ["", 204]
    refused(Program(made["wallets"][0]["inkey"]).get("/api/v1/wallet"), 404)
    assert boss.ok("GET", f"{WALLETS}/{made['id']}") == []


def test_keys_of_managed_users_end_with_their_owner(boss, manager, coin):
    made = make(boss)
    User.objects.filter(pk=manager.pk).update(is_active=False)
    refused(Program(made["wallets"][0]["adminkey"]).get("/api/v1/wallet"), 404)


def test_extensions_need_a_key_and_are_always_on(boss, anybody):
    body = {"userid": "x", "extension": "usermanager", "active": 1}
    assert boss.ok("POST", "/usermanager/api/v1/extensions", body) == {"extension": "updated"}
    refused(anybody.post("/usermanager/api/v1/extensions", body), 401)
