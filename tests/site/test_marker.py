"""No secret is told: not in logs, not in tracebacks, not by adapters of hostile nodes, not by services that break."""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.mail import send_mail
from django.core.management import call_command
from django.test import Client, RequestFactory
from django_q.tasks import async_task

from accounts import api_keys, keys
from accounts.audit import record
from adapters import registry
from adapters.base import AddressRequest, CoinAdapter, Payment, Prepared, Tried
from ledger.models import Coin
from ledger.services import privacy, wallets, webhooks
from tests.accounts.people import enrol, sign_in, signed_in
from tests.support.factories import PASSWORD
from tests.support.marker import MARKER, Watch, look_at_exception, watching
from tests.support.money import fresh_key, proof_of
from wallets_site.base.errors import WalletError

log = logging.getLogger("wallets.test")


# -- the search itself --


@pytest.mark.parametrize("level", [logging.DEBUG, logging.ERROR])
def test_the_search_finds_it_in_a_log_line_of_any_level(level):
    with watching() as watch:
        log.log(level, "password %s", PASSWORD)
    assert len(watch.seen) == 1


def test_the_search_finds_it_in_a_traceback_and_in_the_trail_and_in_mails_and_answers(site, alice):
    with watching() as watch:
        try:
            raise RuntimeError(PASSWORD)
        except RuntimeError:
            log.exception("broken")
            look_at_exception()
        record("something", who=alice, said=PASSWORD)
        send_mail("x", PASSWORD, "a@example.com", ["b@example.com"])
        Client().get("/accounts/login/", headers={"Accept-Language": "en"}, query_params={"next": f"/{MARKER}"})
    assert {line.partition(":")[0] for line in watch.seen} == {"log", "report", "trail", "mail", "answer"}


def test_the_search_looks_at_what_is_queued(site):
    with watching() as watch:
        async_task("ledger.tasks.beat")
    assert watch.looked["queue"] == 1


# -- reports --


def test_a_report_of_an_exception_holds_no_values(settings):
    """Every one of these would be shown by Django's own, in one of its two forms."""
    password = innocent = PASSWORD
    seed = settings.WALLETS_KEY_SECRET
    request = RequestFactory().post(
        f"/x/?api-key={MARKER}",
        {"anything": password},
        headers={"Authorization": f"Bearer {MARKER}", "Cookie": f"a={MARKER}"},
    )
    with watching() as watch:
        try:
            raise RuntimeError("broken")
        except RuntimeError:
            look_at_exception(request)
            look_at_exception()
    assert MARKER in innocent
    assert MARKER in seed
    assert (watch.seen, watch.looked["report"]) == ([], 4)


# -- adapters --


class Echo(http.server.BaseHTTPRequestHandler):
    """A node that answers whatever it is asked with all it was told, as an error and as a result."""

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode(errors="replace")
        told = [str(self.headers.get("X-Api-Key", ""))]
        with contextlib.suppress(Exception):
            told.append(base64.b64decode(self.headers["Authorization"].partition(" ")[2]).decode())
        words = " ".join([*told, body, self.path])  # the worst first: long messages are cut
        answer = {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": words}, "detail": words, "result": words}
        with contextlib.suppress(ValueError):
            answer["id"] = json.loads(body)["id"]
        self._say(json.dumps(answer).encode())

    do_POST = do_PUT = do_GET

    def _say(self, answer: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


FAMILIES: dict[str, dict[str, Any]] = {
    "bitcoinlike": {"url": "URL", "user": "site", "password": PASSWORD, "coin": "litecoin", "network": "regtest"},
    "monero": {
        "wallet_url": "URL", "daemon_url": "URL", "user": "site", "password": PASSWORD, "daemon_user": "site",
        "daemon_password": PASSWORD,
    },
    "forknote": {"url": "URL", "user": "site", "password": PASSWORD, "json_password": PASSWORD},
    "lnbits": {"url": "URL", "admin_key": MARKER + "a" * 19, "invoice_key": MARKER + "b" * 19},
    "banano_node": {"url": "URL", "wallet": "0" * 64, "wallet_password": PASSWORD},
}  # fmt: skip
PREPARED = Prepared("a" * 64, json.dumps({"v": 1}), 0)
TRIED = Tried(PREPARED, attempts=1)
VERBS: dict[str, Callable[[CoinAdapter], Any]] = {
    "health": lambda adapter: adapter.health(),
    "funds": lambda adapter: adapter.funds(()),
    "new_address": lambda adapter: adapter.new_address(AddressRequest(number=1, amount=1000)),
    "check_address": lambda adapter: adapter.check_address("x"),
    "is_ours": lambda adapter: adapter.is_ours("x"),
    "transfers": lambda adapter: adapter.transfers("", (), 1),
    "transfer": lambda adapter: adapter.transfer("a" * 64),
    "quote": lambda adapter: adapter.quote(Payment("w1", "x", 1)),
    "prepare": lambda adapter: adapter.prepare([Payment("w1", "x", 1)], ()),
    "chores": lambda adapter: adapter.chores((), ()),
    "broadcast": lambda adapter: adapter.broadcast(PREPARED),
    "lookup": lambda adapter: adapter.lookup(TRIED),
    "demand_pays": lambda adapter: adapter.demand_pays(PREPARED, [Payment("w1", "x", 1)]),
    "proof": lambda adapter: adapter.proof(TRIED),
    "readings": lambda adapter: adapter.readings(),
    "repr": repr,
    "options": lambda adapter: repr(adapter.options),
}  # fmt: skip


def told_by(verb: Callable[[CoinAdapter], Any], adapter: CoinAdapter) -> Watch:
    """Everything that comes out of one call, or of its failure."""
    with watching() as watch:
        try:
            watch.look("result", repr(verb(adapter)))
        except Exception:
            watch.look("traceback", traceback.format_exc())
            log.exception("broken")
            look_at_exception()
    assert sum(watch.looked.values())
    return watch


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", FAMILIES)
def test_no_verb_of_an_adapter_tells_a_password(echo, kind, verb):
    """Whether the node says back all it heard, or nobody answers."""
    for url in (echo, "http://127.0.0.1:1"):
        values = {name: url if value == "URL" else value for name, value in FAMILIES[kind].items()}
        adapter = registry.build(kind, values)
        with contextlib.closing(adapter):
            assert told_by(VERBS[verb], adapter).seen == []


# -- services --


def posted(page: str, fields: dict[str, str], client: Client | None = None) -> Any:
    return (client or Client(raise_request_exception=False)).post(page, fields)


def test_a_service_that_breaks_anywhere_tells_nothing(site, alice, manager, monkeypatch, settings):
    """Each with a fault in the middle of it, reported as a page's would be."""
    coin = Coin.objects.create(symbol="LTC", name="Litecoin", decimals=8)
    options = {**FAMILIES["bitcoinlike"], "url": "http://127.0.0.1:1"}
    use = wallets.connect(coin=coin, name="node", kind="bitcoinlike", options=options)
    member = signed_in(alice)
    member.raise_request_exception = False
    services: dict[str, Callable[[], Any]] = {
        "configure": lambda: wallets.configure(wallet=use.wallet, options=options),
        "connect": lambda: wallets.connect(coin=coin, name="again", kind="bitcoinlike", options=options),
        "show_key": lambda: keys.show_key(alice, keys.PLUGIN_API),
        "renew_key": lambda: keys.renew_key(alice, keys.PLUGIN_API),
        "sign_in": lambda: sign_in(Client(raise_request_exception=False), alice),
        "wrong_options": lambda: registry.build("bitcoinlike", {**options, "unknown": 1}),
        "read_options": use.wallet.read_options,
        "make_key": lambda: api_keys.make_key(
            user=alice, name="till", scopes=["read"], proof=proof_of(alice), key=fresh_key()
        ),
        "webhook": lambda: webhooks.create(
            user=alice, url="https://example.com/hook", proof=proof_of(alice), key=fresh_key()
        ),
        "enrol": lambda: enrol(alice),
        "export": lambda: privacy.export(user=alice, actor=alice, proof=proof_of(alice)).close(),
        "rotate_keys": lambda: call_command("rotate_keys", stdout=io.StringIO()),
        "wp_login": lambda: posted("/wp-login.php", {"log": alice.email, "pwd": PASSWORD}),
        "sign_up": lambda: posted(
            "/accounts/signup/", {"email": "dora@example.com", "password1": PASSWORD, "password2": PASSWORD}
        ),
        "new_password": lambda: posted(
            "/accounts/password/change/",
            {"oldpassword": PASSWORD, "password1": f"{MARKER} anew", "password2": f"{MARKER} anew"},
            member,
        ),
        "key_in_address": lambda: posted(f"/lnbits/api/v1/payments?api-key={MARKER}", {"bolt11": MARKER}),
        "key_in_header": lambda: Client(raise_request_exception=False).get(
            "/api/v1/balances", headers={"Authorization": f"Bearer {MARKER}"}
        ),
    }

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the database is gone")

    for name, service in services.items():
        for target in ("django.db.models.query.QuerySet.update", "django.db.models.Model.save_base"):
            with monkeypatch.context() as patch, watching() as watch:
                patch.setattr(target, broken)
                try:
                    service()
                except TypeError:  # it was called in a way that it is never called
                    raise
                except (Exception, WalletError):
                    log.exception("broken")
                    look_at_exception()
            assert watch.seen == [], name
