"""Every route of the site, and who may come in: a stranger, the owner, another member, a key without the scope.

A route without a row here fails the first test: whoever adds one says who may use it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.api_keys import Scope
from adapters.demo import encode_address
from ledger import posting
from ledger.models import Contact, Invoice, Kind, Purse
from ledger.services import webhooks
from tests.accounts.people import signed_in
from tests.api.callers import Program
from tests.support.lightning import lightning_coin
from tests.support.money import address_of, fresh_key, fund, make_coin, proof_of, send
from wallets_site.base.clock import now

OUTSIDE: Final = encode_address("tst", b"\x09" * 20)
SEND: Final = {"coin": "TST", "to": "bob", "amount": "0.00001"}
ALL: Final = tuple(scope.value for scope in Scope)
READ, RECEIVE, SPEND, MANAGE = ("read",), ("receive",), ("send", "withdraw"), ("manage",)


@dataclass(frozen=True)
class Api:
    """wants: the scopes of which a key needs one; none: keys are refused. {names} in a path are alice's things."""

    method: str
    path: str
    wants: tuple[str, ...]
    body: object = None
    status: int = 200


@dataclass(frozen=True)
class Page:
    """open: for everybody. member: whoever is signed in, their own things. own: {names} are alice's; nobody else's.

    program: has keys of its own, so that strangers are told `stranger`.
    """

    kind: Literal["open", "member", "own", "program"]
    method: str
    path: str
    stranger: tuple[int, ...] = ()


def get(path: str) -> Page:
    return Page("member", "GET", path)


def post(path: str) -> Page:
    return Page("member", "POST", path)


def own(path: str, method: str = "GET") -> Page:
    return Page("own", method, path)


def anybody(path: str) -> Page:
    return Page("open", "GET", path)


def program(path: str, *stranger: int, method: str = "GET") -> Page:
    return Page("program", method, path, stranger)


# By route, in the order in which the owner uses them: what removes things comes last.
API: Final[dict[str, tuple[Api, ...]]] = {
    "me": (Api("GET", "me", ALL),),
    "coins": (Api("GET", "coins", ALL),),
    "rates": (Api("GET", "rates", ALL),),
    "accounts": (Api("GET", "accounts", READ),),
    "limits": (Api("GET", "limits", READ + SPEND),),
    "operations": (Api("GET", "operations", READ),),
    "operations/<int:pk>": (Api("GET", "operations/{operation}", READ),),
    "events": (Api("GET", "events", READ),),
    "addresses": (
        Api("GET", "addresses?coin=TST", READ + RECEIVE), Api("POST", "addresses", RECEIVE, {"coin": "TST"}, 201),
    ),
    "addresses/<int:pk>": (Api("PATCH", "addresses/{address}", RECEIVE, {"label": "x"}),),
    "invoices": (
        Api("GET", "invoices?coin=TST", READ + RECEIVE),
        Api("POST", "invoices", RECEIVE, {"coin": "LNBTC", "amount": "0.00001"}, 201),
    ),
    "invoices/<slug:payment_hash>": (Api("GET", "invoices/{invoice}", READ + RECEIVE),),
    "contacts": (
        Api("GET", "contacts", READ + MANAGE), Api("POST", "contacts", MANAGE, {"label": "B", "to": "bob"}, 201),
    ),
    "sends/preview": (Api("POST", "sends/preview", SPEND, SEND),),
    "sends": (Api("POST", "sends", SPEND, SEND, 201),),
    "moves/preview": (Api("POST", "moves/preview", SPEND, SEND),),
    "moves": (Api("POST", "moves", ("send",), SEND, 201),),
    "withdrawals/preview": (Api("POST", "withdrawals/preview", SPEND, {**SEND, "to": OUTSIDE}),),
    "withdrawals": (Api("POST", "withdrawals", SPEND, {**SEND, "to": OUTSIDE}, 201),),
    "keys": (Api("GET", "keys", MANAGE), Api("POST", "keys", (), {"name": "x", "scopes": ["read"]})),
    "webhooks": (
        Api("GET", "webhooks", MANAGE), Api("POST", "webhooks", MANAGE, {"url": "https://example.com/"}, 201),
    ),
    "webhooks/<int:pk>/secret": (Api("POST", "webhooks/{webhook}/secret", MANAGE),),
    "webhooks/<int:pk>/test": (Api("POST", "webhooks/{webhook}/test", MANAGE, None, 201),),
    "webhooks/<int:pk>/resend": (Api("POST", "webhooks/{webhook}/resend", MANAGE, {"subject": "test"}),),
    "webhooks/<int:pk>/deliveries": (Api("GET", "webhooks/{webhook}/deliveries", MANAGE),),
    "deliveries/<int:pk>/resend": (Api("POST", "deliveries/{push}/resend", MANAGE),),
    "operations/<int:pk>/cancel": (Api("POST", "operations/{operation}/cancel", SPEND),),
    "withdrawals/<int:pk>/cancel": (Api("POST", "withdrawals/{operation}/cancel", SPEND),),
    "contacts/<int:pk>": (Api("DELETE", "contacts/{contact}", MANAGE, None, 204),),
    "webhooks/<int:pk>": (
        Api("GET", "webhooks/{webhook}", MANAGE), Api("PATCH", "webhooks/{webhook}", MANAGE, {"active": True}),
        Api("DELETE", "webhooks/{webhook}", MANAGE, None, 204),
    ),
    "keys/<int:pk>": (Api("GET", "keys/{key}", MANAGE), Api("DELETE", "keys/{key}", MANAGE)),
}  # fmt: skip

PAGES: Final[dict[str, Page]] = {
    "": get("/"),
    "brand.css": anybody("/brand.css"),
    "live/": get("/live/"),
    "home/live/": get("/home/live/"),
    "receive/<slug:symbol>/": get("/receive/TST/"),
    "receive/<slug:symbol>/live/": get("/receive/TST/live/"),
    "receive/<slug:symbol>/new-address/": post("/receive/TST/new-address/"),
    "receive/<slug:symbol>/test-coins/": post("/receive/TST/test-coins/"),
    "receive/<slug:symbol>/addresses/<int:pk>/label/": own("/receive/TST/addresses/{address}/label/", "POST"),
    "receive/<slug:symbol>/new-invoice/": post("/receive/TST/new-invoice/"),
    "receive/<slug:symbol>/invoices/<slug:payment_hash>/": own("/receive/TST/invoices/{invoice}/"),
    "receive/<slug:symbol>/invoices/<slug:payment_hash>/live/": own("/receive/TST/invoices/{invoice}/live/"),
    "receive/<slug:symbol>/invoices/<slug:payment_hash>/test-coins/": post("/receive/TST/invoices/x/test-coins/"),
    "send/": get("/send/"),
    "send/<slug:symbol>/": get("/send/TST/"),
    "send/<slug:symbol>/lookup/": get("/send/TST/lookup/?to=bob"),
    "send/<slug:symbol>/review/<slug:key>/": get("/send/TST/review/nothing/"),
    "send/<slug:symbol>/review/<slug:key>/figures/": get("/send/TST/review/nothing/figures/"),
    "activity/": get("/activity/"),
    "activity/live/": get("/activity/live/"),
    "activity/activity.csv": get("/activity/activity.csv"),
    "activity/<int:pk>/": own("/activity/{operation}/"),
    "activity/<int:pk>/receipt/": own("/activity/{operation}/receipt/"),
    "activity/<int:pk>/note/": own("/activity/{operation}/note/", "POST"),
    "activity/<int:pk>/proof/": own("/activity/{operation}/proof/"),
    "activity/<int:pk>/live/": own("/activity/{operation}/live/"),
    "activity/<int:pk>/confirm/": own("/activity/{operation}/confirm/", "POST"),
    "activity/<int:pk>/cancel/": own("/activity/{operation}/cancel/", "POST"),
    "statements/<slug:symbol>.csv": get("/statements/TST.csv"),
    "statements/": get("/statements/"),
    "statements/<slug:symbol>/<slug:month>/": get("/statements/TST/2026-01/"),
    "contacts/": get("/contacts/"),
    "contacts/lock/": post("/contacts/lock/"),
    "contacts/unlock/": post("/contacts/unlock/"),
    "contacts/confirm/<str:token>/": anybody("/contacts/confirm/nothing/"),
    "contacts/<int:pk>/ask-again/": own("/contacts/{contact}/ask-again/", "POST"),
    "contacts/<int:pk>/remove/": own("/contacts/{contact}/remove/", "POST"),
    "privacy/": get("/privacy/"),
    "privacy/export/": post("/privacy/export/"),
    "privacy/forget/": post("/privacy/forget/"),
    "notifications/": get("/notifications/"),
    "notifications/bell/": get("/notifications/bell/"),
    "notifications/choices/": get("/notifications/choices/"),
    "keys/": get("/keys/"),
    "keys/new/": get("/keys/new/"),
    "keys/<int:pk>/revoke/": own("/keys/{key}/revoke/", "POST"),
    "purses/": get("/purses/"),
    "purses/new/": post("/purses/new/"),
    "purses/<slug:ident>/": own("/purses/{purse}/"),
    "purses/<slug:ident>/keys/": own("/purses/{purse}/keys/"),
    "purses/<slug:ident>/keys/renew/": own("/purses/{purse}/keys/renew/", "POST"),
    "purses/<slug:ident>/name/": own("/purses/{purse}/name/", "POST"),
    "purses/<slug:ident>/carry/": own("/purses/{purse}/carry/", "POST"),
    "purses/<slug:ident>/close/": own("/purses/{purse}/close/", "POST"),
    "purses/<slug:ident>/open/": own("/purses/{purse}/open/", "POST"),
    "webhooks/": get("/webhooks/"),
    "webhooks/new/": get("/webhooks/new/"),
    "webhooks/invoices/": get("/webhooks/invoices/"),
    "webhooks/invoices/<int:push>/again/": own("/webhooks/invoices/{once}/again/", "POST"),
    "webhooks/<int:pk>/": own("/webhooks/{webhook}/"),
    "webhooks/<int:pk>/test/": own("/webhooks/{webhook}/test/", "POST"),
    "webhooks/<int:pk>/secret/": own("/webhooks/{webhook}/secret/", "POST"),
    "webhooks/<int:pk>/switch/": own("/webhooks/{webhook}/switch/", "POST"),
    "webhooks/<int:pk>/again/": own("/webhooks/{webhook}/again/", "POST"),
    "webhooks/<int:pk>/messages/<int:push>/again/": own("/webhooks/{webhook}/messages/{push}/again/", "POST"),
    "webhooks/<int:pk>/remove/": own("/webhooks/{webhook}/remove/", "POST"),
    "rates/": anybody("/rates/"),
    "status/": anybody("/status/"),
    "status/<slug:symbol>/liabilities.json": anybody("/status/TST/liabilities.json"),
    "status/<slug:symbol>/my-proof.json": get("/status/TST/my-proof.json"),
    "api/v1/schema": anybody("/api/v1/schema"),
    r"api/v1/^[\s\S]*$": anybody("/api/v1/nothing"),
    "wallets/notify/<str:symbol>/<str:kind>/<path:message>": anybody("/wallets/notify/TST/wallet/x"),
    "wallets/notify-<slug:secret>/<str:symbol>/<str:kind>/<path:message>": anybody("/wallets/notify-x/TST/wallet/x"),
    "wp-login.php": Page("program", "POST", "/wp-login.php", (200, 302, 400, 401, 403)),
    # LNbits' API has keys of its own; what each opens stands in tests/api_lnbits.
    "lnbits/^api/v1/health/?$": program("/lnbits/api/v1/health", 200),
    "lnbits/^api/v1/wallet/?$": program("/lnbits/api/v1/wallet", 401),
    "lnbits/^api/v1/wallet/(?P<name>[^/]{1,200})/?$": program("/lnbits/api/v1/wallet/x", 401, method="PUT"),
    "lnbits/^api/v1/wallets/?$": program("/lnbits/api/v1/wallets", 401),
    "lnbits/^api/v1/payments/?$": program("/lnbits/api/v1/payments", 401),
    "lnbits/^api/v1/payments/paginated/?$": program("/lnbits/api/v1/payments/paginated", 401),
    "lnbits/^api/v1/payments/decode/?$": program("/lnbits/api/v1/payments/decode", 400, 401, method="POST"),
    "lnbits/^api/v1/payments/fee-reserve/?$": program("/lnbits/api/v1/payments/fee-reserve", 400, 401),
    "lnbits/^api/v1/payments/sse/?$": program("/lnbits/api/v1/payments/sse", 401),
    "lnbits/^api/v1/payments/(?P<payment_hash>[^/]{1,100})/?$": program("/lnbits/api/v1/payments/x", 401, 404),
    "lnbits/^usermanager/api/v1/users/?$": program("/lnbits/usermanager/api/v1/users", 401),
    "lnbits/^usermanager/api/v1/users/(?P<ident>[^/]{1,100})/?$": program("/lnbits/usermanager/api/v1/users/1", 401),
    "lnbits/^usermanager/api/v1/wallets/?$": program("/lnbits/usermanager/api/v1/wallets", 401),
    "lnbits/^usermanager/api/v1/wallets/(?P<ident>[^/]{1,100})/?$": program(
        "/lnbits/usermanager/api/v1/wallets/1", 401
    ),
    "lnbits/^usermanager/api/v1/(?:transactions/|wallets)(?P<ident>[0-9a-f]{32})/?$": program(
        "/lnbits/usermanager/api/v1/transactions/" + "a" * 32, 401
    ),
    "lnbits/^usermanager/api/v1/extensions/?$": program("/lnbits/usermanager/api/v1/extensions", 401, method="POST"),
    "lnbits/^.*$": program("/lnbits/nothing", 404),
    # People: what is of allauth is here as we set it up.
    "accounts/": get("/accounts/"),
    "accounts/key/": get("/accounts/key/"),
    "accounts/freeze/<str:token>/": anybody("/accounts/freeze/nothing/"),
    "accounts/sessions/<int:pk>/end/": post("/accounts/sessions/999999/end/"),
    "accounts/sessions/end-others/": post("/accounts/sessions/end-others/"),
    "accounts/preferences/": get("/accounts/preferences/"),
    "accounts/hide-balances/": post("/accounts/hide-balances/"),
    "accounts/security/": get("/accounts/security/"),
    "accounts/name/": get("/accounts/name/"),
    "accounts/invitation/<str:code>/": anybody("/accounts/invitation/nothing/"),
    "accounts/login/": anybody("/accounts/login/"),
    "accounts/logout/": anybody("/accounts/logout/"),
    "accounts/inactive/": anybody("/accounts/inactive/"),
    "accounts/signup/": anybody("/accounts/signup/"),
    "accounts/reauthenticate/": get("/accounts/reauthenticate/"),
    "accounts/email/": get("/accounts/email/"),
    "accounts/confirm-email/": anybody("/accounts/confirm-email/"),
    "accounts/password/change/": get("/accounts/password/change/"),
    "accounts/password/set/": get("/accounts/password/set/"),
    "accounts/password/reset/": anybody("/accounts/password/reset/"),
    "accounts/password/reset/done/": anybody("/accounts/password/reset/done/"),
    "accounts/password/reset/key/done/": anybody("/accounts/password/reset/key/done/"),
    "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": anybody("/accounts/password/reset/key/a-b/"),
    "accounts/login/code/confirm/": anybody("/accounts/login/code/confirm/"),
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$": anybody("/accounts/confirm-email/nothing/"),
    "accounts/2fa/": get("/accounts/2fa/"),
    "accounts/2fa/authenticate/": anybody("/accounts/2fa/authenticate/"),
    "accounts/2fa/reauthenticate/": get("/accounts/2fa/reauthenticate/"),
    "accounts/2fa/totp/activate/": get("/accounts/2fa/totp/activate/"),
    "accounts/2fa/totp/deactivate/": get("/accounts/2fa/totp/deactivate/"),
    "accounts/2fa/recovery-codes/": get("/accounts/2fa/recovery-codes/"),
    "accounts/2fa/recovery-codes/generate/": get("/accounts/2fa/recovery-codes/generate/"),
    "accounts/2fa/recovery-codes/download/": get("/accounts/2fa/recovery-codes/download/"),
    "accounts/2fa/webauthn/": get("/accounts/2fa/webauthn/"),
    "accounts/2fa/webauthn/add/": get("/accounts/2fa/webauthn/add/"),
    "accounts/2fa/webauthn/reauthenticate/": get("/accounts/2fa/webauthn/reauthenticate/"),
    "accounts/2fa/webauthn/keys/<int:pk>/remove/": get("/accounts/2fa/webauthn/keys/1/remove/"),
    "accounts/2fa/webauthn/keys/<int:pk>/edit/": get("/accounts/2fa/webauthn/keys/1/edit/"),
    "accounts/2fa/webauthn/login/": anybody("/accounts/2fa/webauthn/login/"),
    "accounts/sessions/": get("/accounts/sessions/"),
}

STAFF: Final = "admin/"
PREFIX: Final = "api/v1/"


def routes(patterns: list[URLPattern | URLResolver] | None = None, prefix: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


@pytest.fixture
def things(site, alice, bob) -> dict[str, Any]:
    """What of alice's the rows speak of."""
    coin = make_coin()
    lightning_coin()
    fund(alice, coin, 10_000_000)
    address_of(alice, coin)
    paid = send(alice, coin, OUTSIDE, 1_000)
    webhook, _ = webhooks.create(user=alice, url="https://example.com/", proof=proof_of(alice), key="k")
    with transaction.atomic():
        beside = posting.account(coin, Kind.USER, owner_id=alice.pk, number=1)
    address = paid.account.addresses.get()
    address.amount, address.expires_at = 5, now() + timedelta(hours=1)
    address.save(update_fields=["amount", "expires_at"])
    invoice = Invoice.objects.create(address=address, coin=coin, account=paid.account, payment_hash="ab" * 32)
    contact = Contact.objects.create(user=alice, label="Cold", coin=coin, address=OUTSIDE)
    return {
        "operation": paid.pk, "address": address.pk, "contact": contact.pk, "webhook": webhook.pk,
        "once": webhooks.push_once(user_id=alice.pk, url="https://shop.example/", name="payment", subject="x", body={},
                                   key="once").pk,
        "push": webhooks.test(user=alice, webhook_id=webhook.pk, key="t").pk, "key": Program(alice, "read").row.pk,
        "invoice": invoice.payment_hash, "purse": Purse.objects.create(account=beside, name="Shop").ident,
    }  # fmt: skip


def ask(client: Client, row: Api | Page, things: dict[str, Any], key: str = "") -> Any:
    prefix = f"/{PREFIX}" if isinstance(row, Api) else ""
    more: dict[str, Any] = {"headers": {"Idempotency-Key": fresh_key()}}
    if key:
        more["headers"]["Authorization"] = f"Bearer {key}"
    if isinstance(row, Api) and row.method not in ("GET", "DELETE"):
        more |= {"data": json.dumps(row.body or {}), "content_type": "application/json"}
    return client.generic(row.method, prefix + row.path.format(**things), **more)


def test_every_route_has_a_row(site):
    there = {route for route in routes() if not route.startswith(STAFF)}
    told = {PREFIX + route for route in API} | set(PAGES)
    assert there - told == set(), "say in API or PAGES who may use them"
    assert told - there == set(), "these routes are gone"


def api_rows() -> list[Api]:
    return [row for rows in API.values() for row in rows]


def test_the_api_knows_nobody_without_a_key_or_a_session(things):
    wrong = [
        (row.method, row.path, answer.status_code)
        for row in api_rows()
        if (answer := ask(Client(), row, things)).status_code != 401
    ]
    assert wrong == []


def test_a_key_without_the_scope_is_refused_and_says_what_it_needs(things, alice):
    keys = {scope: Program(alice, scope) for scope in ALL}
    wrong = []
    for row in api_rows():
        for scope in set(ALL) - set(row.wants):
            answer = ask(Client(), row, things, keys[scope].key)
            if (answer.status_code, answer.json()["code"]) != (403, "not_allowed"):
                wrong.append((row.method, row.path, scope, answer.status_code))
    assert wrong == []


def test_somebody_elses_things_do_not_exist_for_a_key_with_every_scope(things, bob):
    stranger = Program(bob, *ALL)
    wrong = []
    for row in [row for row in api_rows() if "{" in row.path]:
        theirs = ask(Client(), row, things, stranger.key)
        nobodys = ask(Client(), row, dict.fromkeys(things, 10**17), stranger.key)
        if (theirs.status_code, nobodys.status_code, theirs.content) != (404, 404, nobodys.content):
            wrong.append((row.method, row.path, theirs.status_code, nobodys.status_code))
    assert wrong == []


def test_the_owners_key_with_the_scope_comes_in(things, alice, settings):
    settings.WALLETS_API_WRITES = 1000
    wrong = []
    for row in api_rows():
        if row.wants:
            scopes = ("send", "withdraw") if set(row.wants) >= set(SPEND) else row.wants[:1]
            answer = ask(Client(), row, things, Program(alice, *scopes).key)
            if answer.status_code != row.status:
                wrong.append((row.method, row.path, answer.status_code, answer.content[:300]))
    assert wrong == []


def test_a_stranger_is_sent_to_sign_in_or_told_what_everybody_is(things):
    wrong = []
    for row in PAGES.values():
        answer = ask(Client(), row, things)
        to_login = answer.status_code == 302 and re.match(r"/accounts/login/\?next=", answer["Location"])
        good = {"open": answer.status_code in (200, 302, 404, 405), "program": answer.status_code in row.stranger}
        if not good.get(row.kind, to_login):
            wrong.append((row.method, row.path, answer.status_code))
    assert wrong == []


def test_another_member_finds_nothing_of_somebody_elses(things, bob):
    at_bob = signed_in(bob)
    wrong = [
        (row.method, row.path, answer.status_code)
        for row in PAGES.values()
        if row.kind == "own" and (answer := ask(at_bob, row, things)).status_code != 404
    ]
    assert wrong == []


def test_the_owner_comes_in_everywhere(things, alice):
    at_alice = signed_in(alice)
    wrong = []
    for row in [row for row in PAGES.values() if row.kind in ("own", "member")]:
        answer = ask(at_alice, row, things)
        if answer.status_code not in (200, 204, 302, 304, 400, 404) or answer.get("Location", "").startswith(
            "/accounts/login/"
        ):
            wrong.append((row.method, row.path, answer.status_code))
        if row.kind == "own" and answer.status_code == 404:
            wrong.append((row.method, row.path, 404))
    assert wrong == []


def test_the_administration_is_for_staff(things, alice):
    """Each of its routes, whatever stands in the place of its parameters."""
    at_alice = signed_in(alice)
    found = [route for route in routes() if route.startswith(STAFF) and route != "admin/logout/"]
    wrong = []
    for route in found:
        path = "/" + re.sub(r"<[^>]+>|\(\?P<[^)]+\)|\(.*?\)", "1", route).replace("^", "").replace("$", "")
        for client in (Client(), at_alice):
            answer = client.get(path)
            to_login = answer.get("Location", "").startswith(("/accounts/login/", "/admin/login/"))
            if answer.status_code not in (403, 404, 405) and not (answer.status_code == 302 and to_login):
                wrong.append((path, answer.status_code))
    assert wrong == []
    assert len(found) > 50
