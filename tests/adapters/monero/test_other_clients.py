"""The same wallet through other people's clients: what they read is what the adapter says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests
from monerorpc.authproxy import AuthServiceProxy  # type: ignore[import-untyped]

from adapters.base import AddressRequest
from adapters.monero import Monero as Adapter
from adapters.monero import MoneroOptions
from tests.devnet.monero import USER, Monero

XMR = 10**12


@pytest.fixture(scope="module")
def open_wallet(monero: Monero) -> Iterator[str]:
    """The site's monero-wallet-rpc without a login; its address."""
    monero.open("site", "other-clients")
    monero.site("store")
    monero.restart_wallet("site", wallet="other-clients", login=False)
    yield f"{monero.site.url}/json_rpc"
    monero.restart_wallet("site", wallet="other-clients")


@pytest.fixture
def adapter(monero: Monero, open_wallet: str) -> Iterator[Adapter]:
    # The address as most documentation writes it, with its path.
    made = Adapter(MoneroOptions(**monero.options(wallet_url=open_wallet, user="", password="")))
    yield made
    made.close()


def test_the_request_of_the_wallets_own_documentation_reads_the_balance_we_tell(
    monero: Monero, open_wallet: str, adapter: Adapter
):
    address = adapter.new_address(AddressRequest(number=1)).address
    monero.pay({address: 2 * XMR})
    monero.mine(10)
    funds = adapter.funds(())

    wallet_url = open_wallet
    header = {"Content-Type": "application/json"}
    data = {
        "jsonrpc": "2.0",
        "id": "0",
        "method": "get_balance",
        "params": {"account_index": 0, "address_indices": [0, 1]},
    }
    response = requests.post(wallet_url, data=json.dumps(data), headers=header, timeout=30)
    response.raise_for_status()
    result = response.json()["result"]

    assert (funds.total, funds.spendable) == (2 * XMR, 2 * XMR)
    assert (result["balance"], result["unlocked_balance"]) == (2 * XMR, 2 * XMR)
    assert {one["address"]: one["balance"] for one in result["per_subaddress"]}[address] == 2 * XMR


def test_python_monerorpc_sees_the_deposit_that_the_adapter_sees(monero: Monero, open_wallet: str, adapter: Adapter):
    made = adapter.new_address(AddressRequest(number=2))
    txid = monero.pay({made.address: 3 * XMR})["tx_hash"]
    monero.mine(1)
    (found,) = adapter.transfer(txid)

    client = AuthServiceProxy(open_wallet)
    seen = client.get_transfer_by_txid({"txid": txid})["transfer"]

    assert (found.address, found.amount, found.output) == (made.address, 3 * XMR, f"0/{made.ref}")
    assert (seen["address"], seen["amount"], seen["confirmations"]) == (made.address, 3 * XMR, found.confirmations)
    assert client.get_address_index({"address": made.address})["index"] == {"major": 0, "minor": int(made.ref)}


def test_python_monerorpc_logs_in_where_the_adapter_logs_in(monero: Monero):
    monero.restart_wallet("site", wallet="other-clients")
    client = AuthServiceProxy(f"http://{USER}:{monero.password}@127.0.0.1:{monero.ports['site']}/json_rpc")
    adapter = Adapter(MoneroOptions(**monero.options()))

    assert client.get_version()["version"] == 65561
    assert adapter.health().version.startswith("monero-wallet-rpc 1.25")
    adapter.close()
