"""Each kind of key in each place a key can stand, on each surface: it opens what it is for and nothing else."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from accounts import keys
from accounts.models import User
from tests.api.callers import Program, every_scope
from tests.api.test_routes import API, PREFIX, ask
from tests.api_lnbits.client import keys_of, purse_of
from tests.attacks.conftest import nothing_happens, stranger
from tests.support.factories import PASSWORD
from tests.support.lightning import lightning_coin
from tests.support.money import fresh_key, proof_of

V3 = {"__wallets_apiversion": "3", "__wallets_action": "get_transactions", "__wallets_symbol": "TST",
      "__wallets_tx_count": "1", "__wallets_tx_from": "0"}  # fmt: skip


def held_by(user: User) -> dict[str, str]:
    """One key of each kind."""
    admin, invoice = keys_of(purse_of(user), user)
    return {
        "rest": every_scope(user).key, "wordpress": keys.show_key(user, keys.PLUGIN_API), "purse": admin,
        "cashier": invoice,
    }  # fmt: skip


@pytest.fixture
def held(rich, bob) -> dict[str, str]:
    lightning_coin()
    return held_by(rich)


def carriers(key: str) -> dict[str, tuple[str, dict[str, str]]]:
    """name -> (query, headers)."""
    basic = base64.b64encode(f"alice:{key}".encode()).decode()
    return {
        "bearer": ("", {"Authorization": f"Bearer {key}"}), "token": ("", {"Authorization": f"Token {key}"}),
        "basic": ("", {"Authorization": f"Basic {basic}"}), "bare": ("", {"Authorization": key}),
        "x-api-key": ("", {"X-Api-Key": key}), "api-key": (f"api-key={key}", {}),
        "parameter": (f"__wallets_api_key={key}", {}), "cookie": ("", {"Cookie": f"session={key}"}),
    }  # fmt: skip


def opens(surface: str, query: str, headers: dict[str, str]) -> bool:
    if surface == "rest":
        return bool(stranger().get(f"/api/v1/accounts?{query}", headers=headers).status_code == 200)
    if surface == "lnbits":
        return bool(stranger().get(f"/lnbits/api/v1/wallet?{query}", headers=headers).status_code == 200)
    more = "&".join(f"{name}={value}" for name, value in V3.items())
    return bool(stranger().get(f"/?{more}&{query}", headers=headers).json()["result"] == "success")


DESIGNED = {
    ("rest", "rest", "bearer"),
    ("wordpress", "v3", "bearer"),
    ("wordpress", "v3", "parameter"),
    ("purse", "lnbits", "x-api-key"),
    ("purse", "lnbits", "api-key"),
    ("cashier", "lnbits", "x-api-key"),
    ("cashier", "lnbits", "api-key"),
}
# Keys with scopes speak the WordPress API too, where that is one of their scopes' work; reading lists is none.
SCOPED = {("rest", "v3", "bearer"), ("rest", "v3", "parameter")}


def test_only_the_designed_cells_of_keys_carriers_and_surfaces_open(held):
    open_cells = {
        (kind, surface, name)
        for kind, key in held.items()
        for surface in ("rest", "v3", "lnbits")
        for name, (query, headers) in carriers(key).items()
        if opens(surface, query, headers)
    }
    assert open_cells - SCOPED == DESIGNED


def test_a_key_with_a_changed_letter_case_or_anything_behind_it_opens_nothing(held):
    way = {"rest": ("rest", "bearer"), "wordpress": ("v3", "parameter"), "purse": ("lnbits", "x-api-key")}
    for kind, (surface, carrier) in way.items():
        key = held[kind]
        for wrong in (key.swapcase(), key[:-1], key + "0", key + "%00", key.replace(key[-1], "é")):
            if wrong != key:
                query, headers = carriers(wrong)[carrier]
                headers = {name: value.encode("ascii", "ignore").decode() for name, value in headers.items()}
                assert not opens(surface, query, headers), (kind, wrong)


def test_no_key_does_what_only_a_person_may(things, alice):
    """More rights, no factor, no allow-list, no approval: each asks for a session."""
    shop, held = every_scope(alice), held_by(alice)
    with nothing_happens():
        for path in ("/keys/new/", "/contacts/unlock/", "/accounts/password/change/", "/accounts/email/",
                     "/accounts/2fa/totp/activate/", "/admin/", "/accounts/sessions/"):  # fmt: skip
            for key in (shop.key, *held.values()):
                for query, headers in carriers(key).values():
                    answer = stranger().post(f"{path}?{query}", {}, headers=headers)
                    assert answer.status_code in (302, 403), (path, answer.status_code)
                    assert "login" in answer.get("Location", "login"), path
        answer = shop.post("keys", {"name": "more", "scopes": ["withdraw"]})
        assert answer.status_code == 403


def test_a_key_never_opens_another_members_rows_whatever_its_scopes(things, bob):
    theirs = every_scope(bob)
    with nothing_happens():
        for rows in API.values():
            for row in rows:
                if "{" in row.path:
                    assert ask(stranger(), row, things, theirs.key).status_code == 404, row.path


def test_a_renewed_revoked_or_orphaned_key_is_dead_on_every_surface(held, rich):
    from accounts import api_keys
    from ledger.models import Purse
    from ledger.services import purses

    keys.renew_key(rich, keys.PLUGIN_API, where="127.0.0.1")
    purses.new_keys(purse=Purse.objects.get(), user=rich, proof=proof_of(rich))
    for row in api_keys.of(rich):
        api_keys.revoke(user=rich, key_id=row.pk)
    for kind, surface, carrier in DESIGNED:
        assert not opens(surface, *carriers(held[kind])[carrier]), (kind, surface)


def test_a_key_bound_to_an_address_is_not_freed_by_a_forged_header(rich):
    shop = Program(rich, "read", addresses=["203.0.113.7"])
    for forged in ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Client-Ip", "X-Client-Ip", "True-Client-Ip"):
        answer = shop.client.get(
            "/api/v1/me", headers={"Authorization": f"Bearer {shop.key}", forged: "203.0.113.7"}
        )  # fmt: skip
        assert answer.status_code == 401, forged
    good = shop.client.get("/api/v1/me", headers={"Authorization": f"Bearer {shop.key}"}, REMOTE_ADDR="203.0.113.7")
    assert good.status_code == 200


@pytest.mark.parametrize(
    ("count", "said", "found"),
    [(0, "1.1.1.1", "9.9.9.9"), (1, "1.1.1.1", "1.1.1.1"), (1, "1.1.1.1, 2.2.2.2", "2.2.2.2"),
     (2, "1.1.1.1, 2.2.2.2, 3.3.3.3", "2.2.2.2"), (2, "1.1.1.1", "9.9.9.9"), (1, "", "9.9.9.9"),
     (1, "rubbish", ""), (1, "[2001:db8::1]:443", "2001:db8::1"), (1, "::ffff:1.2.3.4", "1.2.3.4"),
     (1, "1.2.3.4:5678", "1.2.3.4")],
)  # fmt: skip
def test_the_callers_address_is_what_our_own_proxies_say(settings, rf, count, said, found):
    from accounts.audit import client_ip

    settings.TRUSTED_PROXIES = count
    request: Any = rf.get("/", REMOTE_ADDR="9.9.9.9", headers={"X-Forwarded-For": said} if said else {})
    assert client_ip(request) == found


def test_behind_a_socket_file_people_sign_in_all_the_same(rich):
    answer = stranger().post("/accounts/login/", {"login": rich.email, "password": PASSWORD}, REMOTE_ADDR="")
    assert answer.status_code == 302


def test_a_key_for_reading_reaches_no_write_of_any_kind(things, alice):
    shop = Program(alice, "read")
    with nothing_happens():
        for rows in API.values():
            for row in [row for row in rows if row.method != "GET"]:
                answer = ask(stranger(), row, things, shop.key)
                assert answer.status_code == 403, (row.method, row.path)
        assert shop.client.get(f"/{PREFIX}me", headers={"Idempotency-Key": fresh_key()}).status_code == 401
