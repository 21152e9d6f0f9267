"""The development network itself, and its proxy."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.base import NodeDown
from adapters.bitcoinlike import BitcoinLike, BitcoinOptions
from adapters.rpc import JsonRpc
from tests.devnet import fixtures
from tests.devnet.devnet import Devnet
from tests.devnet.fixtures import need
from tests.devnet.litecoin import Litecoin
from tests.devnet.processes import is_taken
from tests.devnet.proxy import proxy_to
from tests.devnet.rpc import DevnetError

litecoin = fixtures.litecoin


def command(directory: Path, *args: str) -> subprocess.CompletedProcess[str]:
    asked = [sys.executable, "-m", "tests.devnet", str(directory), *args]
    return subprocess.run(asked, capture_output=True, text=True, timeout=180, check=False)


def test_the_command_starts_pays_mines_and_stops(tmp_path: Path):
    need("litecoind", "litecoind")
    try:
        first = command(tmp_path, "start")
        again = command(tmp_path, "start", "ltc")
        paid = command(tmp_path, "fund", "site", "1.5")
        mined = command(tmp_path, "mine", "2")
        dropped = command(tmp_path, "reorg", "2", "--drop")
        status = json.loads(command(tmp_path, "status").stdout)
    finally:
        stopped = command(tmp_path, "stop")

    assert first.stdout == again.stdout
    assert json.loads(first.stdout)["ltc"]["network"] == "regtest"
    assert len(json.loads(paid.stdout)["txid"]) == 64
    assert json.loads(mined.stdout) == {"ltc": 112}
    assert json.loads(dropped.stdout) == {"ltc": 113}
    assert status["ltc"]["site"]["untrusted_pending"] == "1.50000000"
    assert json.loads(stopped.stdout) == {"ltc": {"litecoind": True}}
    assert (tmp_path / "devnet.json").stat().st_mode & 0o077 == 0


def test_the_command_names_a_coin_it_does_not_know(tmp_path: Path):
    answer = command(tmp_path, "start", "florin")

    assert answer.returncode == 1
    assert answer.stderr == "devnet: unknown coin florin; known: ltc, xmr\n"


def test_a_port_taken_by_somebody_else_is_left_to_them(tmp_path: Path):
    need("litecoind", "litecoind")
    net = Devnet(tmp_path)
    taken = socket.create_server(("127.0.0.1", net.ltc.port))
    try:
        net.start()
        assert net.ltc.port != taken.getsockname()[1]
        assert net.running() == ["ltc"]
    finally:
        net.stop()
        taken.close()

    assert net.running() == []
    assert not is_taken(net.ltc.port)


def test_a_second_look_at_the_same_directory_finds_the_same_network(tmp_path: Path):
    first, second = Devnet(tmp_path), Devnet(tmp_path)

    assert first.ltc.options() == second.ltc.options()


def test_data_and_wallets_survive_a_restart(litecoin: Litecoin):
    address = litecoin.outside("getnewaddress")
    litecoin.fund(address, "2.25")
    litecoin.mine(1)
    height = litecoin.height()
    litecoin.restart()

    assert litecoin.height() == height
    assert litecoin.received(address) == [Decimal("2.25")]


def test_mining_goes_on_beyond_the_height_where_mweb_would_end_it(litecoin: Litecoin):
    assert litecoin.mine(440 - litecoin.height()) >= 440


def test_a_reorganisation_with_drop_leaves_payments_out(litecoin: Litecoin):
    txid = litecoin.fund("site", "1")
    litecoin.mine(1)
    litecoin.await_seen(litecoin.site, txid)
    before = litecoin.site("gettransaction", txid)["confirmations"]
    litecoin.reorg(1, drop=True)

    assert (before, litecoin.site("gettransaction", txid)["confirmations"]) == (1, 0)
    litecoin.mine(1)


def test_the_second_pair_of_wallets_does_not_disturb_the_first(litecoin: Litecoin):
    before = litecoin.site("getbalances")
    litecoin.fund(litecoin.address(litecoin.site_2), "3")
    litecoin.mine(1)

    assert litecoin.site("getbalances") == before
    assert litecoin.site_2("getbalances")["mine"]["trusted"] == 3


def test_a_daemon_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))

    with pytest.raises(DevnetError, match="litecoind is not installed"):
        Devnet(tmp_path).start()


# -- the proxy --


def test_the_proxy_passes_calls_on_unchanged(litecoin: Litecoin):
    with proxy_to(litecoin.port) as proxy:
        rpc = JsonRpc(proxy.url, user="site", password=litecoin.password)
        height = rpc.call("getblockcount")
        rpc.close()

    assert height == litecoin.height()
    assert [one.method for one in proxy.exchanges] == ["getblockcount"]


def test_a_dropped_reply_is_lost_after_it_took_effect(litecoin: Litecoin):
    litecoin.fund(litecoin.address(litecoin.site_2), "3")
    litecoin.mine(1)
    with proxy_to(litecoin.port) as proxy:
        address = litecoin.outside("getnewaddress")
        raw = litecoin.site_2("createrawtransaction", [], [{address: "1"}])
        funded = litecoin.site_2("fundrawtransaction", raw)["hex"]
        signed = litecoin.site_2("signrawtransactionwithwallet", funded)["hex"]
        proxy.drop_reply("sendrawtransaction")
        rpc = JsonRpc(proxy.url, user="site", password=litecoin.password)
        with pytest.raises(NodeDown):
            rpc.call("sendrawtransaction", [signed])
        again = rpc.call("sendrawtransaction", [signed])
        rpc.close()
    litecoin.mine(1)

    assert len(proxy.calls("sendrawtransaction")) == 2
    assert len(again) == 64
    assert litecoin.received(address) == [Decimal(1)]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("rubbish", "the node's answer cannot be read (HTTP 502)"),
        ("unauthorised", "the node refuses our user name or password (HTTP 401)"),
        ("warming_up", "The node is starting: Loading block index..."),
    ],
)
def test_the_proxy_can_play_a_node_in_trouble(litecoin: Litecoin, fault: str, reason: str):
    with proxy_to(litecoin.port) as proxy:
        adapter = BitcoinLike(BitcoinOptions(**{**litecoin.options(), "url": proxy.url}))
        getattr(proxy, fault)()
        troubled = adapter.health()
        proxy.heal()
        healed = adapter.health()
        adapter.close()

    assert (troubled.ok, troubled.reason) == (False, reason)
    assert healed.ok
