"""Programs that other people wrote for LNbits, against our site on a real web server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from accounts.models import User
from ledger.api.lnbits.shapes import ident_of
from ledger.models import Invoice, Operation
from tests.api_lnbits import clients
from tests.api_lnbits.client import Program, keys_of, purse_of
from tests.lnbits.server import LnbitsServer, need
from tests.support.components import needs
from tests.support.lightning import node
from tests.support.live import LiveSite
from tests.support.money import scan_now
from tests.support.processes import wait_for

HERE = Path(__file__).parent
SCRIPT = (HERE / "seed_script.txt").read_text()


@pytest.fixture
def web(live_site: LiveSite, coin):
    return live_site


@pytest.fixture
def boss(coin, manager: User) -> Program:
    """The manager's program, with 10,000 sats."""
    program = Program(keys_of(purse_of(manager, "house"), manager)[0])
    fill(program, coin, 10_000)
    return program


@pytest.fixture
def till(coin, bob: User) -> Program:
    return Program(keys_of(purse_of(bob, "till"), bob)[0])


def invoice(program: Program, sats: int) -> dict[str, str]:
    asked = {"out": False, "amount": sats, "memo": "to be paid"}
    return dict(program.ok("POST", "/api/v1/payments", asked, 201))


def fill(program: Program, coin, sats: int) -> None:
    node(coin).faucet(invoice(program, sats)["bolt11"], sats * 1000)
    scan_now(coin)


def balance(program: Program) -> int:
    return int(program.ok("GET", "/api/v1/wallet")["balance"])


def credentials(web: LiveSite, boss: Program, manager: User, bill: dict[str, str]) -> dict[str, str]:
    purse = manager.ledger_accounts.get(number=1).purse
    admin_key, invoice_key = keys_of(purse, manager)
    return {
        "url": f"{web.url}/lnbits", "adminkey": admin_key, "inkey": invoice_key, "usr": ident_of(manager.pk),
        "bolt11": bill["bolt11"], "payment_hash": bill["payment_hash"],
    }  # fmt: skip


def seed_script(base_url: str, usr: str, key: str) -> str:
    """The seed's program, with nothing but its base URL and its credentials changed."""
    text = SCRIPT
    for name, value in (("base_url", base_url), ("usr", usr), ("manager_key", key)):
        text, found = re.subn(rf'(?m)^{name} = ".*"$', f'{name} = "{value}"', text)
        assert found == 1
    return text


def run_seed_script(base_url: str, usr: str, key: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", seed_script(base_url, usr, key)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Payment successfull." in done.stdout, done.stdout
    return done.stdout


def test_the_program_of_the_seed_runs_twice_in_a_row(web, boss, manager):
    for _ in range(2):
        run_seed_script(f"{web.url}/lnbits", ident_of(manager.pk), boss.key)
    assert balance(boss) == 10_000_000 - 2 * 1_000_000
    people = User.objects.filter(managed_by=manager)
    assert [person.label for person in people] == ["api_created_user"] * 2
    assert [account.balance for person in people for account in person.ledger_accounts.filter(number=1)] == [10**6] * 2


def test_each_curl_line_of_the_seed_works(web, boss, till):
    curl, base = needs("curl"), f"{web.url}/lnbits"

    def say(*line: str) -> dict[str, str]:
        done = subprocess.run([str(curl), "--silent", *line], capture_output=True, text=True, check=True)
        return dict(json.loads(done.stdout))

    key, kind = ["-H", f"X-Api-Key: {boss.key}"], ["-H", "Content-type: application/json"]
    assert set(say(f"{base}/api/v1/wallet", *key)) == {"id", "name", "balance"}
    asked = '{"out": false, "amount": 21, "memo": "tip", "webhook": "https://shop.example/paid"}'
    made = say("-X", "POST", f"{base}/api/v1/payments", "-d", asked, *key, *kind)
    assert {"payment_hash", "payment_request"} <= set(made)
    paying = json.dumps({"out": True, "bolt11": invoice(till, 5)["bolt11"]})
    assert "payment_hash" in say("-X", "POST", f"{base}/api/v1/payments", "-d", paying, *key, *kind)
    assert balance(till) == 5000


def test_pylnbits_finds_what_it_needs(web, boss, till, manager, tmp_path):
    python = clients.pylnbits()
    bill = invoice(till, 55)

    said = clients.run([str(python)], "use_pylnbits.py", tmp_path, **credentials(web, boss, manager, bill))

    assert said["details"] == {"name": "house", "balance": 10_000_000}
    assert (said["made"]["amount"], said["made"]["payment_request"]) == (21_000, said["made"]["bolt11"])
    assert said["checked"]["paid"] is False
    assert said["decoded"] == said["made"]["payment_hash"]
    assert [row["payment_hash"] for row in said["by_memo"]] == [said["made"]["payment_hash"]]
    assert (said["paid"]["payment_hash"], said["after"]["paid"]) == (bill["payment_hash"], True)
    assert bill["payment_hash"] in [row["payment_hash"] for row in said["listed"]]
    assert said["refused"]["status"] == "failed"
    assert said["users"] == [said["one"]] == [{key: said["user"][key] for key in said["one"]}]
    assert [row["name"] for row in said["wallets"]] == ["py wallet", "second"]
    assert (said["more"]["user"], said["transactions"]) == (said["user"]["id"], [])
    assert said["extension"] == {"extension": "updated"}
    assert (balance(boss), balance(till)) == (10_000_000 - 55_000, 55_000)


def test_the_npm_package_finds_what_it_needs(web, boss, till, manager):
    node_program, folder = needs("node"), clients.npm_lnbits()
    bill = invoice(till, 55)

    said = clients.run([str(node_program)], "use_npm.js", folder, **credentials(web, boss, manager, bill))

    assert (said["details"]["name"], said["details"]["balance"]) == ("house", 10_000_000)
    assert said["made"]["payment_request"].startswith("lnbcrt")
    assert said["checked"]["paid"] is False
    assert (said["paid"]["payment_hash"], said["after"]["paid"]) == (bill["payment_hash"], True)
    assert said["refused"]["status"] == 520
    assert said["refused"]["said"]["message"] == said["refused"]["said"]["detail"]
    assert said["forbidden"] == "user_name is missing."
    assert said["users"][0]["id"] == said["user"]["id"] == said["wallets"][0]["user"]
    assert said["extension"] == {"extension": "updated"}
    assert balance(till) == 55_000


# An LNbits that has its money with us -------------------------------------------------------------------
@pytest.fixture
def above(web, boss, tmp_path):
    """A real LNbits whose funding source is the manager's purse on our site."""
    need()
    server = LnbitsServer(
        tmp_path, LNBITS_BACKEND_WALLET_CLASS="LNbitsWallet", LNBITS_ENDPOINT=f"{web.url}/lnbits", LNBITS_KEY=boss.key,
        LNBITS_FUNDING_SOURCE_PAY_INVOICE_WAIT_SECONDS="5",
    )  # fmt: skip
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_an_lnbits_funded_by_us_is_paid_and_pays(above, boss, till, coin):
    fill(till, coin, 2000)
    theirs = above.new_wallet("shop upstairs", 500)

    made = above.must("POST", "/api/v1/payments", {"out": False, "amount": 300, "memo": "upstairs"}, key=theirs.invoice)
    ours = Invoice.objects.get(payment_hash=made["payment_hash"])
    assert made["bolt11"] == ours.bolt11
    till.ok("POST", "/api/v1/payments", {"out": True, "bolt11": made["bolt11"]}, 201)
    found = wait_for(
        "the payment upstairs",
        lambda: (
            (row := above.must("GET", f"/api/v1/payments/{made['payment_hash']}", key=theirs.invoice))["paid"] and row
        ),
    )
    assert found["details"]["amount"] == 300_000

    bill = invoice(till, 100)
    paid = above.must("POST", "/api/v1/payments", {"out": True, "bolt11": bill["bolt11"]}, key=theirs.admin)
    assert (paid["status"], paid["payment_hash"]) == ("success", bill["payment_hash"])
    assert above.must("GET", "/api/v1/wallet", key=theirs.admin)["balance"] == (500 + 300 - 100) * 1000
    assert balance(till) == (2000 - 300 + 100) * 1000
    assert balance(boss) == (10_000 + 300 - 100) * 1000

    status, said = above.call("POST", "/api/v1/payments", {"out": True, "bolt11": bill["bolt11"]}, key=theirs.admin)
    assert (status, said["detail"]) != (201, None)
    assert Operation.objects.filter(payment_hash=bill["payment_hash"], incoming=False).count() == 1
