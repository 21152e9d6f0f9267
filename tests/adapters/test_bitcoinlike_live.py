"""What only a real daemon can show: restarts, power cuts, warming up, notify hooks, refused logins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Absent, Confirmed, NodeDown, Sent, Tried
from adapters.bitcoinlike import BitcoinLike, BitcoinOptions
from adapters.bitcoinlike.payments import Blob
from tests.adapters.litecoin_world import LitecoinWorld, name_of, real
from tests.devnet.devnet import Devnet
from tests.devnet.litecoin import Litecoin
from tests.support.processes import wait_for


@pytest.fixture
def world(litecoin: Litecoin, request: pytest.FixtureRequest) -> Iterator[LitecoinWorld]:
    yield from real(litecoin, f"live-{name_of(request)}")


def test_coins_of_an_unsent_payment_are_held_over_a_restart(litecoin: Litecoin, world: LitecoinWorld):
    for _ in range(2):
        world.fill(2 * world.coin)
    first = world.adapter.prepare([world.payment(world.coin)], [])
    litecoin.restart()
    litecoin.load(world.wallet_name)
    locks = world.site("listlockunspent")

    second = world.adapter.prepare([world.payment(world.coin, id="w2")], [Tried(first)])

    assert locks == []
    assert not set(Blob.read(first.blob).inputs) & set(Blob.read(second.blob).inputs)
    for one in (first, second):
        assert world.adapter.broadcast(one) == Sent(one.id, one.fee)


def test_a_payment_lost_in_a_power_cut_is_absent_and_is_paid_once_when_sent_again(
    litecoin: Litecoin, world: LitecoinWorld
):
    world.fill(5 * world.coin)
    litecoin.flush()
    payment = world.payment(world.coin)
    prepared = world.adapter.prepare([payment], [])
    world.adapter.broadcast(prepared)
    litecoin.restart(kill=True)
    litecoin.load(world.wallet_name)

    tried = Tried(prepared, attempts=1, outcome="sent")
    if world.adapter.lookup(tried) == Absent():
        world.adapter.broadcast(prepared)
    world.settle(prepared.id)
    world.mine(2)

    assert world.adapter.lookup(tried) == Confirmed(2, prepared.id, prepared.fee)
    assert world.arrived(payment.address) == [world.coin]


def test_a_starting_daemon_is_down_with_a_reason_and_then_healthy(litecoin: Litecoin, world: LitecoinWorld):
    litecoin.stop()
    reasons: set[str] = set()
    starter = threading.Thread(target=litecoin.start)
    starter.start()
    while starter.is_alive():
        health = world.adapter.health()
        reasons.add(health.reason)
        if health.ok:
            break
    starter.join()
    litecoin.load(world.wallet_name)

    assert any(reasons)
    assert wait_for("a healthy node", lambda: world.adapter.health().ok)


def test_a_wrong_password_is_said_so_without_showing_it(litecoin: Litecoin):
    adapter = BitcoinLike(BitcoinOptions(**litecoin.options(password="hunter2")))

    health = adapter.health()
    adapter.close()

    assert health.reason == "the node refuses our user name or password (HTTP 401)"


def test_a_stopped_daemon_is_down(litecoin: Litecoin):
    adapter = BitcoinLike(BitcoinOptions(**litecoin.options()))
    litecoin.stop()
    try:
        assert adapter.health().reason == "the node does not answer: connection refused"
        with pytest.raises(NodeDown):
            adapter.funds(())
    finally:
        litecoin.start()
    assert adapter.health().ok
    adapter.close()


@pytest.fixture
def heard() -> Iterator[tuple[str, list[str]]]:
    """The URL of a site that remembers which paths were called, and with what."""
    paths: list[str] = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            paths.append(f"{self.path} {body}".strip())
            self.send_response(204)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/wallets/notify/LTC", paths
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_setup_lines_make_a_real_daemon_call_us(litecoin: Litecoin, heard: tuple[str, list[str]], tmp_path: Path):
    url, paths = heard
    lines = BitcoinLike(BitcoinOptions(**litecoin.options())).setup_lines(url).splitlines()
    net = Devnet(tmp_path, extra={"ltc": lines[1:]})
    try:
        net.start(["ltc"])
        adapter = BitcoinLike(BitcoinOptions(**net.ltc.options()))
        txid = net.ltc.fund("site", "1.5")
        both = {f"/wallets/notify/LTC/wallet/{txid} {name}" for name in ("site", "outside")}
        wait_for("the notify of either wallet", lambda: both <= set(paths))
        net.ltc.mine(1)
        block = net.ltc.node("getbestblockhash")
        wait_for("the block's notify", lambda: any(path.endswith(f"/block/{block}") for path in paths))
        assert adapter.hint("wallet", txid, b"outside") is None
        hint = adapter.hint("wallet", txid, b"site")
        found = adapter.transfer(hint.txid) if hint else ()
        adapter.close()
    finally:
        net.stop()

    assert [(one.amount, one.confirmations) for one in found] == [(150_000_000, 1)]


def test_the_node_has_every_reading_call_of_the_explorer_and_none_changes_the_wallet(world: LitecoinWorld):
    address = world.fill(world.coin)
    txid = world.poll().transfers[0].txid
    raw = world.site("gettransaction", txid)["hex"]
    block = world.site("getblockhash", 1)
    values = {
        "address": address, "txid": txid, "txids": txid, "height": "1", "blockhash": block, "hexstring": raw,
        "hash_or_height": "1", "n": "0", "conf_target": "6", "label": "", "signature": "x", "message": "x",
        "minconf": "1", "verbose": "true", "stats": "height",
    }  # fmt: skip
    before = (world.adapter.funds(()), world.site("getwalletinfo")["keypoolsize"])
    refused = {}
    for one in world.adapter.readings():
        typed = {field.name: values.get(field.name, "") for field in one.fields if field.required}
        said = world.adapter.explore(one.method, typed | ({"label": "none"} if "label" in typed else {}))
        if isinstance(said, dict) and "error" in said:
            refused[one.method] = said["error"]["code"]

    # Of what is in a block already, and a label and a signature nobody made.
    assert set(refused) <= {
        "getmempoolentry", "getmempoolancestors", "getmempooldescendants", "getrawtransaction", "getaddressesbylabel",
        "verifymessage",
    }  # fmt: skip
    assert -32601 not in refused.values()
    assert (world.adapter.funds(()), world.site("getwalletinfo")["keypoolsize"]) == before
