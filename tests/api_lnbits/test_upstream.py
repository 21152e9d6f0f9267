"""A site whose Lightning wallet is one of a real LNbits: what programs get through us, also when it lies or is gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from accounts.models import User
from ledger.api.lnbits.shapes import ident_of
from ledger.models import Account, Coin, Invoice, Transaction
from ledger.services import wallets
from tests.api_lnbits.client import Program, admin_of, purse_of, refused
from tests.api_lnbits.test_clients import run_seed_script
from tests.lnbits.front import Answered, Call, Front, forward_to
from tests.lnbits.server import LnbitsServer, lnbits
from tests.support.live import LiveSite
from tests.support.money import pay_now, scan_now

__all__ = ["lnbits"]
SAT = 1000


@pytest.fixture
def front(lnbits: LnbitsServer) -> Iterator[Front]:
    door = Front(forward_to(lnbits.port))
    yield door
    door.close()


@pytest.fixture
def real(site, lnbits: LnbitsServer, front: Front) -> Coin:
    """The coin, paid from a wallet of the real server."""
    hot = lnbits.new_wallet("hot", 50_000)
    coin = Coin.objects.create(symbol="LNBTC", name="Lightning", decimals=11, confirmations=1)
    options = {"url": front.url, "admin_key": hot.admin, "invoice_key": hot.invoice}
    wallets.connect(coin=coin, name="LNbits", kind="lnbits", options=options)
    scan_now(coin)
    return coin


@pytest.fixture
def boss(real: Coin, lnbits: LnbitsServer, manager: User) -> Program:
    """The manager's program; somebody on the real server sent it 10,000 sats."""
    program = admin_of(purse_of(manager, "house"), manager)
    somebody = lnbits.new_wallet("somebody", 20_000)
    lnbits.must("POST", "/api/v1/payments", {"out": True, "bolt11": ask(program, 10_000)["bolt11"]}, key=somebody.admin)
    scan_now(real)
    assert balance(program) == 10_000 * SAT
    return program


def ask(program: Program, sats: int) -> dict[str, str]:
    return dict(program.ok("POST", "/api/v1/payments", {"out": False, "amount": sats, "memo": "x"}, 201))


def balance(program: Program) -> int:
    return int(program.ok("GET", "/api/v1/wallet")["balance"])


def standing() -> object:
    return [*Account.objects.order_by("pk").values_list("pk", "debits", "credits")], Transaction.objects.count()


def test_the_program_of_the_seed_runs_twice_over_a_real_lnbits(boss, live_site: LiveSite, manager):
    for _ in range(2):
        run_seed_script(f"{live_site.url}/lnbits", ident_of(manager.pk), boss.key)
    assert balance(boss) == 8_000 * SAT


def test_an_invoice_of_the_real_server_is_paid_once_and_its_end_is_told(boss, real, lnbits):
    shop = lnbits.new_wallet("shop")
    bill = lnbits.must("POST", "/api/v1/payments", {"out": False, "amount": 700, "memo": "y"}, key=shop.invoice)
    paid = boss.ok("POST", "/api/v1/payments", {"out": True, "bolt11": bill["bolt11"]}, 201)
    assert paid["status"] == "pending"
    pay_now(real)
    found = boss.ok("GET", f"/api/v1/payments/{bill['payment_hash']}")
    assert (found["paid"], found["details"]["amount"]) == (True, -700 * SAT)
    assert hashlib.sha256(bytes.fromhex(found["preimage"])).hexdigest() == bill["payment_hash"]
    assert lnbits.must("GET", "/api/v1/wallet", key=shop.admin)["balance"] == 700 * SAT
    refused(boss.post("/api/v1/payments", {"out": True, "bolt11": bill["bolt11"]}), 520, fate="success")


def test_what_somebody_outside_paid_is_proven_to_its_payee(boss):
    (came,) = boss.ok("GET", "/api/v1/payments")
    assert hashlib.sha256(bytes.fromhex(came["preimage"])).hexdigest() == came["payment_hash"]


def test_while_the_server_is_gone_one_error_says_so_and_nothing_moves(boss, front, real, lnbits):
    shop = lnbits.new_wallet("shop")
    bill = lnbits.must("POST", "/api/v1/payments", {"out": False, "amount": 700, "memo": "y"}, key=shop.invoice)
    front.shut, before, made = True, standing(), Invoice.objects.count()
    for body in ({"out": False, "amount": 5, "memo": "x"}, {"out": True, "bolt11": bill["bolt11"]}):
        answer = boss.post("/api/v1/payments", body)
        refused(answer, 503)
        assert answer["Retry-After"]
    assert (standing(), Invoice.objects.count()) == (before, made)
    assert balance(boss) == 10_000 * SAT


@pytest.mark.parametrize("name", ["payment_hash", "bolt11"])
def test_a_server_that_lies_about_an_invoice_is_not_believed(boss, front, lnbits, name):
    other = lnbits.must("POST", "/api/v1/payments", {"out": False, "amount": 9, "memo": "lie"},
                        key=lnbits.new_wallet("liar").invoice)  # fmt: skip

    def lie(call: Call) -> Answered | None:
        if call.method != "POST":
            return None
        status, raw = front.upstream(call)
        said = {
            **json.loads(raw),
            name: other[name],
            **({"payment_request": other["bolt11"]} if name == "bolt11" else {}),
        }
        return status, json.dumps(said).encode()

    front.instead, made = lie, Invoice.objects.count()
    refused(boss.post("/api/v1/payments", {"out": False, "amount": 5, "memo": "x"}), 503)
    assert Invoice.objects.count() == made
