"""Crediting thousands of deposits that one scan finds: a part of `make bench`.

A Monero wallet computed on the fly answers over HTTP: each block of it brings one deposit, and it serves them page by
page. The scan runs in a process of its own, so that its memory is its alone.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.report import Report

if TYPE_CHECKING:
    from tests.support.databases import Database

DEPOSITS = 10_000
PEOPLE = 1_000
PAGE = 1_000  # blocks of one page
MOST_SECONDS, MOST_MEGABYTES = 30, 200
AMOUNT = 1_000_000_000
DEEP = 200  # blocks above the last deposit: deeper than anybody watches
PRIMARY = "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"


class Model:
    """What monero-wallet-rpc and monerod 0.18 answer: block n of the first `deposits` holds deposit n."""

    def __init__(self, deposits: int) -> None:
        self.deposits, self.blocks = deposits, deposits + DEEP + 1

    def answer(self, path: str, asked: dict[str, Any]) -> Any:
        method = asked.get("method", path)
        made = getattr(self, f"_{method.strip('/')}")(asked.get("params", {}))
        return {"jsonrpc": "2.0", "id": asked.get("id"), "result": made}

    def _get_version(self, _: Any) -> dict[str, int]:
        return {"version": 65561}

    def _get_address(self, _: Any) -> dict[str, Any]:
        return {"address": PRIMARY, "addresses": []}

    def _get_height(self, _: Any) -> dict[str, int]:
        return {"height": self.blocks}

    def _refresh(self, _: Any) -> dict[str, Any]:
        return {"blocks_fetched": 0, "received_money": False}

    def _get_info(self, _: Any) -> dict[str, Any]:
        return {
            "status": "OK", "nettype": "fakechain", "height": self.blocks, "target_height": 0, "synchronized": True,
            "busy_syncing": False, "offline": True, "untrusted": False, "version": "0.18",
        }  # fmt: skip

    def _get_transfers(self, params: dict[str, Any]) -> dict[str, Any]:
        lowest, highest = params["min_height"] + 1, params.get("max_height", self.blocks)
        return {"in": [self._entry(height) for height in range(max(1, lowest), min(highest, self.deposits) + 1)]}

    def _entry(self, height: int) -> dict[str, Any]:
        person = height % PEOPLE
        return {
            "txid": f"{height:064x}", "type": "in", "amount": AMOUNT, "fee": 0, "height": height, "locked": False,
            "confirmations": self.blocks - height, "unlock_time": 0, "timestamp": 1_700_000_000 + height,
            "payment_id": "0" * 16, "subaddr_index": {"major": 0, "minor": person + 1},
            "address": address_of(person), "double_spend_seen": False,
        }  # fmt: skip


def address_of(person: int) -> str:
    return f"8{person:094d}"


@contextmanager
def serving(model: Model) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            body = json.dumps(model.answer(self.path, asked)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def connect(url: str) -> int:
    """A coin with this node and an address for each of its people; the wallet's number."""
    from accounts.models import User
    from ledger.models import Account, Address, Coin, Kind
    from ledger.services import wallets

    coin = Coin.objects.create(symbol="XMR", name="Monero", decimals=12, confirmations=10)
    options = {"wallet_url": url, "daemon_url": url, "network": "regtest", "scan_blocks": PAGE}
    use = wallets.connect(coin=coin, name="computed", kind="monero", options=options)
    User.objects.bulk_create([User(email=f"x{number}@example.com") for number in range(PEOPLE)])
    owners = list(User.objects.filter(email__startswith="x").order_by("pk"))
    Account.objects.bulk_create([Account(coin=coin, owner=one, kind=Kind.USER, shared=False) for one in owners])
    held = Account.objects.filter(coin=coin, kind=Kind.USER).order_by("pk")
    Address.objects.bulk_create([
        Address(coin=coin, wallet=use.wallet, account=account, number=number + 1, ref=str(number + 1),
                address=address_of(number))
        for number, account in enumerate(held)
    ])  # fmt: skip
    return use.wallet_id


def run(report: Report, database: Database, deposits: int = DEPOSITS) -> None:
    """In the database that is in use now."""
    from django.conf import settings

    from ledger import queries
    from ledger.models import Coin, Deposit
    from tests.support.live import child_environment

    environment = child_environment(database, WALLETS_GENERATION_FILE=str(settings.GENERATION_FILE))

    with serving(Model(deposits)) as url:
        wallet_id = connect(url)
        command = [sys.executable, "-m", "bench.crediting", "--scan", str(wallet_id)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert Deposit.objects.filter(wallet_id=wallet_id, state="credited").count() == deposits
    totals = queries.totals(Coin.objects.get(symbol="XMR"))
    assert totals["user"] == -totals["hot"] == deposits * AMOUNT
    where = f"PostgreSQL, {deposits} deposits in blocks of one wallet, {PAGE} a page, Monero computed over HTTP"
    report.add("deposits_credited", said["seconds"], "s", goal=MOST_SECONDS, better="less", conditions=where)
    report.add("deposits_cpu", said["cpu"], "s of the worker's CPU", conditions=where)
    report.add("deposits_memory", said["megabytes"], "MB", goal=MOST_MEGABYTES, better="less", conditions=where)


def scan_here(wallet_id: int) -> None:
    """One scan in this process; its seconds and its largest memory on the last line."""
    import django

    django.setup()
    from ledger.drains import scan

    started = time.monotonic()
    while not _has_read_all(wallet_id):
        assert scan.scan(wallet_id)
    seconds = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    said = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "megabytes": _most_megabytes()}
    sys.stdout.write(json.dumps(said) + "\n")


def _most_megabytes() -> float:
    """Not ru_maxrss: a process that was just started counts its parent's memory there."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def _has_read_all(wallet_id: int) -> bool:
    from adapters.models import Wallet

    cursor = Wallet.objects.values_list("cursor", flat=True).get(pk=wallet_id)
    return bool(cursor) and int(json.loads(cursor)["height"]) >= DEPOSITS


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    scan_here(int(sys.argv[sys.argv.index("--scan") + 1]))
