"""URLs that members type, on each surface that takes one; tests/adapters/test_net_guard.py tries the client itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ledger.models import Push, Webhook
from ledger.services import webhooks
from tests.accounts.people import signed_in
from tests.adapters.test_net_guard import HOSTS, TRICKS
from tests.api.callers import every_scope
from tests.api_lnbits.client import admin_of, purse_of
from tests.attacks.conftest import nothing_happens
from tests.support.lightning import lightning_coin
from wallets_site.base.errors import WalletError

ROOT = Path(__file__).resolve().parents[2]
PORTS = (22, 25, 53, 3306, 5432, 6379, 8332, 9332, 11211, 18081, 18083)
URLS = [
    *(f"https://{host}/" for host in HOSTS), *(f"http://{host}/" for host in HOSTS[:4]),
    *(trick.format(port=443) for trick in TRICKS), *(f"https://shop.example:{port}/" for port in PORTS),
    "https://user:secret@shop.example/", "https://shop.example@127.0.0.1/", "javascript:alert(1)", "", "https://",
    "https:///x", "https://[::1", "https://shop.example:99999/", "https://shop .example/",
    "https://shop.example/\r\nX: y",
]  # fmt: skip


def test_a_webhook_that_leads_inside_is_not_made(alice):
    for url in URLS:
        from tests.support.money import fresh_key, proof_of

        with nothing_happens(), pytest.raises(WalletError):
            webhooks.create(user=alice, url=url, proof=proof_of(alice), key=fresh_key())


def test_no_surface_takes_such_a_url(rich):
    lightning_coin()
    shop, browser, program = every_scope(rich), signed_in(rich), admin_of(purse_of(rich), rich)
    with nothing_happens():
        for url in (
            "http://127.0.0.1/",
            "https://169.254.169.254/",
            "https://[::1]/",
            "https://0x7f000001/",
            "file:///etc/passwd",
        ):
            assert shop.post("webhooks", {"url": url}).status_code == 400, url
            assert browser.post("/webhooks/new/", {"url": url, "names": "deposit"}).status_code in (200, 400), url
    for url in ("http://127.0.0.1/", "https://169.254.169.254/"):
        program.post("/api/v1/payments", {"out": False, "amount": 1, "memo": "x", "webhook": url})
    assert not Webhook.objects.exists()
    assert not Push.objects.exists()


def test_one_client_calls_out_and_nothing_else_does():
    """requests, urllib, http.client and sockets stand in these files alone; nobody switches certificates off."""
    allowed = {
        "wallets_site/base/net.py", "adapters/rpc.py", "wallets_site/supervisor.py", "adapters/demo.py",
        "ledger/api/lnbits/stream.py", "ledger/drains/countersign.py", "ledger/drains/signer/server.py",
    }  # fmt: skip
    callers = ("requests", "urllib3", "urllib.request", "http.client", "socket", "ftplib", "smtplib", "telnetlib")
    found, unchecked = set(), []
    for app in ("accounts", "adapters", "ledger", "wallets_site"):
        for path in (ROOT / app).rglob("*.py"):
            tree = ast.parse(path.read_text())
            for item in ast.walk(tree):
                names = [each.name for each in item.names] if isinstance(item, ast.Import) else []
                names += [item.module or ""] if isinstance(item, ast.ImportFrom) else []
                if any(name == call or name.startswith(call + ".") for name in names for call in callers):
                    found.add(str(path.relative_to(ROOT)))
                if isinstance(item, ast.keyword) and item.arg == "verify" and getattr(item.value, "value", 1) is False:
                    unchecked.append(str(path))
    assert found <= allowed | {name for name in found if name.startswith("wallets_site/management/")}, found - allowed
    assert unchecked == []
