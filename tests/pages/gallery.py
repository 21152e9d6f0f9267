"""Every page of the site with something on it, for whatever must hold on all of them.

SHOWN says by route which pages there are; a route that is no page stands in NO_PAGES. A route in neither fails
test_gallery.py: whoever adds a page says here how to see it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import freeze_links
from accounts.models import User
from adapters.demo import encode_address
from ledger.models import Coin, Operation
from ledger.services import confirmations, contacts, lifecycle, purses, rates, webhooks, withdrawals
from tests.accounts.people import code_of, enrol, link_in, sign_in, signed_in
from tests.api.callers import Program
from tests.ledger.test_lifecycle import by_program, change
from tests.support.factories import PASSWORD, make_user
from tests.support.lightning import COIN, ask, fill, lightning_coin, outside, pay, pay_in
from tests.support.money import (
    address_of,
    blocks,
    bound,
    chain,
    charge,
    fresh_key,
    fund,
    make_coin,
    pay_now,
    proof_of,
    scan_now,
    send,
)  # fmt: skip
from wallets_site.base.clock import now

LTC: Final = 100_000_000  # atomic units of one
AWAY: Final = encode_address("ltc", b"\x09" * 20)


@dataclass(frozen=True)
class Look:
    """who: nobody, alice (has everything), dora (new, has nothing), erin (with a second step), frank (with a passkey),
    halfway (erin, before her code) or one of the others below. post: what is sent to the path instead of only opening
    it. status: of the answer."""

    path: str
    who: str = "alice"
    post: dict[str, Any] | None = None
    status: int = 200
    name: str = ""

    @property
    def title(self) -> str:
        """A name for its picture."""
        plain = re.sub(r"[^a-z0-9]+", "-", f"{self.path} {self.name}".lower()).strip("-") or "home"
        return f"{plain}--{self.who}{'-posted' if self.post is not None else ''}"


@dataclass
class World:
    """people: browsers by name, signed in. names: what stands in the place of {names} in paths."""

    clients: dict[str, Client] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)
    alice: User = field(default_factory=User)

    def path(self, look: Look) -> str:
        return look.path.format(**self.names)

    def see(self, look: Look, **headers: str) -> Any:
        client, path = self.clients[look.who], self.path(look)
        if look.post is None:
            return client.get(path, headers=headers)
        return client.post(path, self.values(look), headers=headers)

    def values(self, look: Look) -> dict[str, Any]:
        """What is sent: the key of a form stands once in each."""
        names = {**self.names, "key": fresh_key()}
        posted = (look.post or {}).items()
        return {name: value.format(**names) if isinstance(value, str) else value for name, value in posted}


def one(path: str, *who: str, **more: Any) -> tuple[Look, ...]:
    return tuple(Look(path, each, **more) for each in who or ("alice",))


BOTH: Final = ("alice", "nobody")
SHOWN: Final[dict[str, tuple[Look, ...]]] = {
    "": one("/", "alice", "dora", "without_wallets"),
    "receive/<slug:symbol>/": (
        *one("/receive/LTC/", "alice", "dora"), *one("/receive/LTC/?amount=1.5"), *one("/receive/LTC/?amount=1,5"),
        *one("/receive/LNBTC/"),
    ),
    "receive/<slug:symbol>/new-invoice/": (
        Look("/receive/LNBTC/new-invoice/", post={"amount": "1,5", "memo": "Tea", "lifetime": "3600", "key": "{key}"}),
    ),
    "receive/<slug:symbol>/invoices/<slug:payment_hash>/": (
        *one("/receive/LNBTC/invoices/{open_invoice}/", name="open"),
        *one("/receive/LNBTC/invoices/{paid_invoice}/", name="paid"),
        *one("/receive/LNBTC/invoices/{expired_invoice}/", name="expired"),
    ),
    "send/<slug:symbol>/": (
        *one("/send/LTC/", "alice", "dora"), *one("/send/LTC/?to=bob&amount=1"), *one("/send/LNBTC/"),
        *one("/send/SHUT/"),
        Look("/send/LTC/", post={"to": "nobody at all", "amount": "1,5", "comment": "Rent"}),
    ),
    "send/<slug:symbol>/review/<slug:key>/": (
        *one("/send/LTC/review/{draft_member}/", name="member"), *one("/send/LTC/review/{draft_address}/", name="out"),
        *one("/send/LNBTC/review/{draft_invoice}/", name="invoice"),
    ),
    "activity/": (
        *one("/activity/", "alice", "dora"), *one("/activity/?kind=withdraw&status=failed&text=nothing"),
        *one("/activity/?coin=LTC&kind=move&since=2020-01-01"),
    ),
    "activity/<int:pk>/": tuple(
        look for name in ("move", "got", "waits", "queued", "sent", "done", "cancelled", "deposit", "lightning")
        for look in one(f"/activity/{{{name}}}/", name=name)
    ),
    "activity/<int:pk>/receipt/": (
        *one("/activity/{move}/receipt/", name="move"), *one("/activity/{done}/receipt/", name="done"),
    ),
    "activity/<int:pk>/proof/": one("/activity/{lightning}/proof/"),
    "statements/": one("/statements/", "alice", "dora"),
    "statements/<slug:symbol>/<slug:month>/": one("/statements/LTC/{month}/"),
    "contacts/": (
        *one("/contacts/", "alice", "dora"), *one("/contacts/?to=bob"),
        Look("/contacts/", post={"label": "", "to": "nobody at all", "coin": "LTC", "extra": ""}),
    ),
    "contacts/confirm/<str:token>/": one("/contacts/confirm/{contact_token}/", "nobody"),
    "privacy/": one("/privacy/", "alice", "dora"),
    "notifications/": one("/notifications/", "alice", "dora"),
    "notifications/choices/": one("/notifications/choices/"),
    "keys/": one("/keys/", "alice", "dora"),
    "keys/new/": (
        *one("/keys/new/"), Look("/keys/new/", post={"name": "", "days": "90", "addresses": "x", "key": "{key}"}),
        Look("/keys/new/", post={"name": "Shop", "scopes": ["read"], "days": "90", "key": "{key}"}, name="ok"),
    ),
    "purses/": one("/purses/", "alice", "dora"),
    "purses/<slug:ident>/": (*one("/purses/{purse}/", name="open"), *one("/purses/{closed_purse}/", name="closed")),
    "purses/<slug:ident>/keys/": one("/purses/{purse}/keys/"),
    "webhooks/": one("/webhooks/", "alice", "dora"),
    "webhooks/new/": (
        *one("/webhooks/new/"), Look("/webhooks/new/", post={"url": "ftp://x/", "label": "Shop", "key": "{key}"}),
        Look("/webhooks/new/", post={"url": "https://shop.example/hook", "label": "Shop", "key": "{key}"}, name="ok"),
    ),
    "webhooks/invoices/": one("/webhooks/invoices/", "alice", "dora"),
    "webhooks/<int:pk>/": (*one("/webhooks/{webhook}/", name="on"), *one("/webhooks/{webhook_off}/", name="off"),
                           *one("/webhooks/{webhook}/?subject=test", name="subject")),
    "webhooks/<int:pk>/again/": (
        Look("/webhooks/{webhook}/again/", post={"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}),
    ),
    "rates/": one("/rates/", *BOTH),
    "status/": one("/status/", *BOTH),
    "api/v1/schema": (),
    "accounts/": one("/accounts/", "alice", "dora"),
    "accounts/preferences/": one("/accounts/preferences/"),
    "accounts/security/": one("/accounts/security/", "alice", "erin"),
    "accounts/name/": (
        *one("/accounts/name/", "without_name"), Look("/accounts/name/", "without_name", post={"username": "root"}),
    ),
    "accounts/invitation/<str:code>/": (),
    "accounts/login/": (
        *one("/accounts/login/", "nobody"),
        Look("/accounts/login/", "nobody", post={"login": "a@example.com", "password": "wrong"}),
    ),
    "accounts/logout/": one("/accounts/logout/"),
    "accounts/inactive/": one("/accounts/inactive/", "nobody"),
    "accounts/signup/": (
        *one("/accounts/signup/", "nobody"),
        Look("/accounts/signup/", "nobody", post={"email": "x", "password1": "short", "password2": "other"}),
    ),
    "accounts/reauthenticate/": one("/accounts/reauthenticate/"),
    "accounts/email/": one("/accounts/email/", "alice", "dora"),
    "accounts/confirm-email/": one("/accounts/confirm-email/", "nobody"),
    "accounts/password/change/": (
        *one("/accounts/password/change/"),
        Look("/accounts/password/change/", post={"oldpassword": "x", "password1": "a", "password2": "b"}),
    ),
    "accounts/password/set/": (),  # only for people without a password, whom this site does not have
    "accounts/password/reset/": one("/accounts/password/reset/", "nobody"),
    "accounts/password/reset/done/": one("/accounts/password/reset/done/", "nobody"),
    "accounts/password/reset/key/done/": one("/accounts/password/reset/key/done/", "nobody"),
    "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": (
        *one("{reset}", "resetting"), *one("/accounts/password/reset/key/1-wrong/", "nobody"),
    ),
    "accounts/login/code/confirm/": (),  # signing in by a mailed code is off
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$": (
        *one("{confirm_email}", "nobody", name="right"), *one("/accounts/confirm-email/nothing/", "nobody"),
    ),
    "accounts/2fa/": one("/accounts/2fa/", "alice", "erin"),
    "accounts/2fa/authenticate/": one("/accounts/2fa/authenticate/", "halfway"),
    "accounts/2fa/reauthenticate/": one("/accounts/2fa/reauthenticate/", "erin"),
    "accounts/2fa/totp/activate/": one("/accounts/2fa/totp/activate/"),
    "accounts/2fa/totp/deactivate/": one("/accounts/2fa/totp/deactivate/", "erin"),
    "accounts/2fa/recovery-codes/": one("/accounts/2fa/recovery-codes/", "erin"),
    "accounts/2fa/recovery-codes/generate/": one("/accounts/2fa/recovery-codes/generate/", "erin"),
    "accounts/2fa/webauthn/": one("/accounts/2fa/webauthn/", "alice", "frank"),
    "accounts/2fa/webauthn/add/": one("/accounts/2fa/webauthn/add/"),
    "accounts/2fa/webauthn/reauthenticate/": (),
    "accounts/2fa/webauthn/keys/<int:pk>/remove/": one("/accounts/2fa/webauthn/keys/{passkey}/remove/", "frank"),
    "accounts/2fa/webauthn/keys/<int:pk>/edit/": one("/accounts/2fa/webauthn/keys/{passkey}/edit/", "frank"),
    "accounts/sessions/": one("/accounts/sessions/"),
    "accounts/key/": one("/accounts/key/"),
    "accounts/freeze/<str:token>/": (
        *one("{freeze}", "nobody", name="right"), Look("/accounts/freeze/nothing/", "nobody", status=404),
    ),
}  # fmt: skip
# Beside the routes: what stands at any path.
BESIDE: Final = (
    Look("/nothing/", "nobody", status=404), Look("/nothing/", status=404),
    Look("/?__wallets_confirm={confirm_token}", "nobody", name="confirm"),
    Look("/?__wallets_confirm=nothing", "nobody", status=400, name="wrong confirm"),
)  # fmt: skip
# Parts of pages, downloads, answers for programs, and what only takes a form and leads elsewhere.
NO_PAGES: Final = {
    "brand.css", "live/", "home/live/", "send/", "receive/<slug:symbol>/live/", "receive/<slug:symbol>/new-address/",
    "receive/<slug:symbol>/test-coins/", "receive/<slug:symbol>/addresses/<int:pk>/label/",
    "receive/<slug:symbol>/invoices/<slug:payment_hash>/live/",
    "receive/<slug:symbol>/invoices/<slug:payment_hash>/test-coins/", "send/<slug:symbol>/lookup/",
    "send/<slug:symbol>/review/<slug:key>/figures/", "activity/live/", "activity/activity.csv",
    "activity/<int:pk>/note/", "activity/<int:pk>/live/", "activity/<int:pk>/cancel/",
    "activity/<int:pk>/confirm/", "statements/<slug:symbol>.csv",
    "contacts/lock/", "contacts/unlock/", "contacts/<int:pk>/ask-again/", "contacts/<int:pk>/remove/",
    "notifications/bell/", "privacy/export/", "privacy/forget/",
    "keys/<int:pk>/revoke/", "purses/new/", "purses/<slug:ident>/keys/renew/",
    "purses/<slug:ident>/name/", "purses/<slug:ident>/carry/", "purses/<slug:ident>/close/",
    "purses/<slug:ident>/open/", "webhooks/<int:pk>/test/", "webhooks/<int:pk>/secret/", "webhooks/<int:pk>/switch/",
    "webhooks/<int:pk>/messages/<int:push>/again/", "webhooks/<int:pk>/remove/", "webhooks/invoices/<int:push>/again/",
    "status/<slug:symbol>/liabilities.json", "status/<slug:symbol>/my-proof.json", r"api/v1/^[\s\S]*$",
    "wallets/notify/<str:symbol>/<str:kind>/<path:message>",
    "wallets/notify-<slug:secret>/<str:symbol>/<str:kind>/<path:message>", "wp-login.php",
    "accounts/sessions/<int:pk>/end/", "accounts/sessions/end-others/",
    "accounts/hide-balances/", "accounts/2fa/recovery-codes/download/", "accounts/2fa/webauthn/login/",
}  # fmt: skip
PROGRAMS: Final = ("api/v1/", "lnbits/", "admin/")  # routes of programs, and the administration


def looks() -> list[Look]:
    return [*(look for group in SHOWN.values() for look in group), *BESIDE]


def build() -> World:
    """The world of these pages. Takes some seconds."""
    with time_machine.travel(now() - timedelta(hours=3), tick=False) as clock:
        made = _past(clock)
    return _present(made)


@dataclass
class _Made:
    alice: User
    bob: User
    ltc: Coin
    lnbtc: Coin
    names: dict[str, Any]


def _past(clock: time_machine.Traveller) -> _Made:
    """Money that moved a while ago."""
    alice, bob = make_user("alice"), make_user("bob")
    explorer = "https://explorer.example/tx/{txid}"
    ltc = make_coin("LTC", values={"name": "Litecoin", "explorer_tx": explorer, "position": 1})
    make_coin("XMR", 12, values={"name": "Monero", "position": 2})
    make_coin("BAN", 29, values={"name": "Banano", "notice": "Banano rests on Sunday for an hour.", "position": 3})
    make_coin("SHUT", values={"name": "Shutcoin", "withdrawals_on": False, "deposits_on": False, "position": 5})
    lnbtc = lightning_coin()
    change(confirm_withdraw_admin=False)
    for purpose, fixed in (("move", 1_000), ("withdrawal", 100_000)):
        charge(ltc, purpose, fixed=fixed, ppm=1_000)
    bound(ltc, "withdrawal", approve_above=2 * LTC, minimum=1_000, maximum=9 * LTC, daily=9 * LTC)
    fund(alice, ltc, 10 * LTC)
    fund(bob, ltc, LTC)
    clock.shift(timedelta(minutes=40))
    names: dict[str, Any] = {"deposit": Operation.objects.get(user=alice, kind="deposit").pk}
    names["move"] = send(alice, ltc, "bob", 25_000_000, comment="Half of the taxi on Friday").pk
    names["got"] = _other(send(bob, ltc, "alice", 12_500_000, comment="Thanks!"), alice).pk
    names["done"] = send(alice, ltc, AWAY, 50_000_000).pk
    pay_now(ltc)
    for _ in range(3):
        blocks(3, clock)
        pay_now(ltc)
    names["cancelled"] = send(alice, ltc, AWAY, 10_000_000).pk
    lifecycle.cancel(user=alice, operation_id=names["cancelled"], key=fresh_key())
    return _Made(alice, bob, ltc, lnbtc, names)


def _other(sent: Operation, owner: User) -> Operation:
    return Operation.objects.get(transaction=sent.transaction, user=owner)


def _present(made: _Made) -> World:
    alice, ltc, names = made.alice, made.ltc, made.names
    names["month"] = timezone.now().strftime("%Y-%m")
    for symbol, price in (("LTC", "84.10"), ("XMR", "152.4"), ("BAN", "0.00402"), ("LNBTC", "57920")):
        coin, today, then = Coin.objects.get(symbol=symbol), rates.parse_price(price), now() - timedelta(days=1)
        rates.set_rate(coin=coin, currency="EUR", price=today * 98 // 100, at=then)
        rates.set_rate(coin=coin, currency="EUR", price=today)
    names["sent"] = send(alice, ltc, AWAY, 75_000_000).pk
    pay_now(ltc)
    names["queued"] = send(alice, ltc, AWAY, 30_000_000, comment="Savings").pk
    names["waits"] = send(alice, ltc, AWAY, 250_000_000).pk
    chain(ltc).mint(address_of(alice, ltc), 33_000_000)
    scan_now(ltc)
    _lightning(made)
    _things_of(made)
    clients = _people(made)
    _drafts(made, clients["alice"])
    return World(clients, names, alice)


def _lightning(made: _Made) -> None:
    alice, coin, names = made.alice, made.lnbtc, made.names
    fill(alice, coin, 5 * COIN)
    names["lightning"] = pay(alice, coin, outside(coin, COIN, "A year of hosting")).pk
    pay_now(coin)
    paid = ask(alice, coin, COIN, memo="Coffee")
    pay_in(coin, paid)
    scan_now(coin)
    with time_machine.travel(now() - timedelta(hours=2), tick=False):
        old = ask(alice, coin, COIN, memo="Too late")
    made.names |= {
        "open_invoice": ask(alice, coin, 250 * 1000, memo="Half of the taxi on Friday").payment_hash,
        "paid_invoice": paid.payment_hash, "expired_invoice": old.payment_hash,
    }  # fmt: skip
    purse, closed = purses.open_purse(user=alice, name="Web shop"), purses.open_purse(user=alice, name="Old shop")
    ask(alice, coin, COIN, memo="Order 17", number=purse.account.number)
    purses.close(purse=closed)
    names |= {"purse": purse.ident, "closed_purse": closed.ident}


def _things_of(made: _Made) -> None:
    alice, ltc, names = made.alice, made.ltc, made.names
    contacts.add(user=alice, label="Bob from work", to="bob")
    cold = contacts.add(user=alice, label="Cold storage", to=AWAY, coin=ltc)
    names["contact_token"] = contacts.token_of(cold)
    Program(alice, "read", "send")
    old = Program(alice, "withdraw").row
    type(old).objects.filter(pk=old.pk).update(revoked_at=now(), last_used_at=now(), last_ip="192.0.2.7")
    hook, _ = webhooks.create(user=alice, url="https://shop.example/hook", label="Shop", proof=proof_of(alice), key="a")
    off, _ = webhooks.create(user=alice, url="https://old.example/", proof=proof_of(alice), key="b")
    push = webhooks.test(user=alice, webhook_id=hook.pk, key="t")
    webhooks.note(push, status=500, error="It answered with 500.", milliseconds=31)
    webhooks.test(user=alice, webhook_id=hook.pk, key="t2")
    webhooks.switch(user=alice, webhook_id=off.pk, on=False)
    once = webhooks.push_once(user_id=alice.pk, url="https://shop.example/paid", name="payment", subject="invoice:1",
                              body={"payment_hash": "ab" * 32}, key="invoice:1")  # fmt: skip
    webhooks.note(once, status=500, error="It answered with 500.", milliseconds=31)
    names |= {"webhook": hook.pk, "webhook_off": off.pk}
    quote = withdrawals.preview_withdrawal(user=alice, coin=ltc, address=AWAY, amount=20_000_000)
    asked = withdrawals.request_withdrawal(user=alice, quote=quote, proof=by_program(alice), key=fresh_key())
    names["confirm_token"] = confirmations.token_of(asked)


def _people(made: _Made) -> dict[str, Client]:
    names, nobody, resetting, halfway = made.names, Client(), Client(), Client()
    erin, nameless, outsider = make_user("erin"), make_user("nameless"), make_user("outsider", groups=())
    User.objects.filter(pk=nameless.pk).update(username=None)
    resetting.post("/accounts/password/reset/", {"email": made.bob.email})
    names["reset"] = resetting.get(link_in(mail.outbox[-1], "password/reset/key"))["Location"]
    sign_in(Client(), make_user("unproven", proven=False))
    names["confirm_email"] = link_in(mail.outbox[-1], "confirm-email")
    clients = {
        "nobody": nobody, "resetting": resetting, "halfway": halfway, "alice": signed_in(made.alice),
        "dora": signed_in(make_user("dora")), "without_name": signed_in(nameless), "erin": signed_in(erin),
        "without_wallets": signed_in(outsider), "frank": signed_in(frank := make_user("frank")),
    }  # fmt: skip
    secret = enrol(erin)
    clients["erin"].post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)})
    sign_in(halfway, erin)
    for name in ("alice", "frank"):
        clients[name].post("/accounts/reauthenticate/", {"password": PASSWORD})
    data = {"name": "Yellow key", "credential": {}}
    names["passkey"] = Authenticator.objects.create(user=frank, type=Authenticator.Type.WEBAUTHN, data=data).pk
    code = RecoveryCodes.activate(frank).get_unused_codes()[0]
    clients["frank"].post("/accounts/2fa/reauthenticate/", {"code": code})
    names["freeze"] = freeze_links.new_link(made.alice, made.alice.email).removeprefix(settings.SITE_URL)
    RecoveryCodes.activate(erin)
    return clients


def _drafts(made: _Made, browser: Client) -> None:
    for name, coin, to in (
        ("draft_member", "LTC", "bob"), ("draft_address", "LTC", AWAY),
        ("draft_invoice", "LNBTC", outside(made.lnbtc, COIN, "A year of hosting")),
    ):  # fmt: skip
        amount = "" if coin == "LNBTC" else "0.5"
        answer = browser.post(f"/send/{coin}/", {"to": to, "amount": amount, "comment": "Rent"})
        assert answer.status_code == 302, answer.content[-3000:]
        made.names[name] = answer["Location"].rstrip("/").rpartition("/")[2]
