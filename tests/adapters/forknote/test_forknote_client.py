"""Somebody else's client for the camel dialect, turtlecoin 0.2.2, finds in the stand-in what it expects of walletd."""

from __future__ import annotations

from pathlib import Path

import pytest
from turtlecoin import Walletd  # type: ignore[import-untyped]

from tests.nodes.forknote.standin import HOST, StandIn

PASSWORD = "secret"
FEE = 1_000_000


@pytest.fixture
def node(tmp_path: Path):
    made = StandIn("camel", tmp_path, "--password", PASSWORD, "--domain-code", "-32700")
    made.mine(blocks=30)
    yield made
    made.close()


@pytest.fixture
def client(node: StandIn) -> Walletd:
    return Walletd(PASSWORD, HOST, node.port)


def test_it_reads_the_wallet(node: StandIn, client: Walletd):
    address = client.create_address()["result"]["address"]
    txid = node.pay(destinations=[[address, 500_000_000]])
    node.mine(blocks=2)

    assert client.get_status()["result"]["blockCount"] == 33
    assert client.get_addresses()["result"]["addresses"][1] == address
    assert client.get_balance(address)["result"] == {"availableBalance": 500_000_000, "lockedAmount": 0}
    assert len(client.get_block_hashes(0, 5)["result"]["blockHashes"]) == 5
    assert client.get_transaction(txid)["result"]["transaction"]["transfers"][0]["amount"] == 500_000_000
    assert client.get_spend_keys(address)["result"].keys() == {"spendPublicKey", "spendSecretKey"}
    assert client.get_view_key()["result"].keys() == {"viewSecretKey"}
    assert client.estimate_fusion(10_000_000)["result"] == {"fusionReadyCount": 0, "totalOutputCount": 1}
    assert client.save()["result"] == {}


def test_it_sends_with_a_payment_id(node: StandIn, client: Walletd):
    first = client.get_addresses()["result"]["addresses"][0]
    node.pay(destinations=[[first, 500_000_000]])
    node.mine(blocks=2)
    outside = node.outside_address()
    paid = [{"address": outside, "amount": 10_000_000}]

    said = client.send_transaction(paid, anonymity=0, fee=FEE, addresses=[], change_address=first, payment_id="ab" * 32)
    waiting = client.get_unconfirmed_transaction_hashes()["result"]["transactionHashes"]
    node.mine()

    assert waiting == [said["result"]["transactionHash"]]
    assert node.arrived(address=outside) == [10_000_000]
    assert node.by_payment_id(payment_id="ab" * 32) == waiting
    block = client.get_block_hashes(node.height() - 1, 1)["result"]["blockHashes"][0]
    items = client.get_transaction_hashes([], block, 1, "ab" * 32)["result"]["items"]
    assert items == [{"blockHash": block, "transactionHashes": waiting}]


def test_it_holds_back_sends_and_deletes(node: StandIn, client: Walletd):
    first = client.get_addresses()["result"]["addresses"][0]
    for _ in range(2):
        node.pay(destinations=[[first, 500_000_000]])
    node.mine(blocks=2)
    outside = node.outside_address()
    paid = [{"address": outside, "amount": 10_000_000}]
    kept, dropped = (
        client.create_delayed_transaction(paid, anonymity=0, fee=FEE, addresses=[], change_address=first)["result"][
            "transactionHash"
        ]
        for _ in range(2)
    )

    assert client.get_delayed_transaction_hashes()["result"]["transactionHashes"] == [kept, dropped]
    assert client.delete_delayed_transaction(dropped) is True
    assert client.send_delayed_transaction(kept) is True
    assert node.arrived(address=outside) == [10_000_000]
    with pytest.raises(ValueError, match="Transaction transfer impossible") as refusal:
        client.send_delayed_transaction(dropped)
    assert refusal.value.args[0]["data"] == {"application_code": 16}


def test_a_wrong_password_is_refused(node: StandIn):
    with pytest.raises(ValueError, match="Invalid or no rpc password"):
        Walletd("wrong", HOST, node.port).get_status()
