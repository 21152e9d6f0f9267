"""The whole job on real daemons, through the pages, with the product's own parent running web and worker."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from adapters import registry
from ledger import queries
from ledger.models import CoinWallet
from tests.devnet.litecoin import Litecoin
from tests.journeys.conftest import connect
from tests.support.processes import wait_for
from tests.support.running import Member


def has(member: Member, symbol: str, amount: str) -> bool:
    return member.available(symbol) == amount


def hot_equals_what_is_owed(use: CoinWallet) -> dict[str, int]:
    """The books balance, and the node really holds liabilities plus income."""
    totals = {kind: amount for kind, amount in queries.totals(use.coin).items() if amount}
    assert sum(totals.values()) == 0
    assert registry.open(use.wallet).funds([]).total == -totals["hot"]
    return totals


def test_from_sign_up_to_the_outside_wallet(notifying: Litecoin, members: tuple[Member, Member]):
    alice, bob = members
    use = connect(notifying, confirmations=2)

    address = alice.new_address("LTC")
    assert address.startswith("rltc1")
    notifying.fund(address, "2.5")
    wait_for("the payment to be seen", lambda: alice.account("LTC")["incoming"] == "2.5")
    assert alice.available("LTC") == "0"
    assert "0 of 2" in alice.read("/receive/LTC/") or "0/2" in alice.read("/receive/LTC/")

    notifying.mine(2)
    wait_for("the credit", lambda: alice.available("LTC") == "2.5")
    hot_equals_what_is_owed(use)

    alice.send("LTC", bob.email, "1")
    assert (alice.available("LTC"), bob.available("LTC")) == ("1.5", "1")

    outside = notifying.outside("getnewaddress")
    path = alice.send("LTC", outside, "1.5")
    txid = wait_for("the broadcast", lambda: alice.operation(path)["txid"])
    assert notifying.await_seen(notifying.outside, txid)["confirmations"] == 0
    notifying.mine(2)
    wait_for("the end", lambda: alice.operation(path)["status"] == "done")

    assert notifying.received(outside) == [Decimal("1.5")]
    assert (alice.available("LTC"), bob.available("LTC")) == ("0", "1")
    totals = hot_equals_what_is_owed(use)
    assert totals["user"] == 100_000_000
    assert totals["hot"] == -(100_000_000 + totals["network_fee"])


def test_two_litecoin_wallets_and_a_simulated_coin_while_one_node_is_stopped_and_started(
    notifying: Litecoin, members: tuple[Member, Member], tmp_path
):
    from ledger.models import Coin
    from ledger.services import wallets
    from tests.devnet.devnet import Devnet

    alice, bob = members
    net = Devnet(tmp_path / "second")
    net.start(["ltc"])
    other = net.ltc
    try:
        stopped, steady = connect(notifying, confirmations=1), connect(other, symbol="LTB", confirmations=1)
        demo = Coin.objects.create(symbol="DMO", name="Demo", decimals=29, confirmations=1, pool_size=1)
        wallets.connect(coin=demo, name="demo", kind="demo", options={
            "chain_file": str(tmp_path / "demo.sqlite3"), "decimals": 29, "block_seconds": 1, "faucet_seconds": 0,
            "prefix": "dmo"})  # fmt: skip
        for litecoin, symbol in ((notifying, "LTC"), (other, "LTB")):
            litecoin.fund(alice.new_address(symbol), "3")
            litecoin.mine(1)
            wait_for(f"{symbol} credited", partial(has, alice, symbol, "3"))
        registry.open(CoinWallet.objects.get(coin=demo).wallet).faucet(alice.new_address("DMO"), 5 * 10**28)
        wait_for("DMO credited", lambda: alice.available("DMO") == "0.5")
        queued = alice.send("LTC", notifying.outside("getnewaddress"), "1")
        wait_for("the first broadcast", lambda: alice.operation(queued)["txid"])
        notifying.flush()

        notifying.stop()
        wait_for("the outage to show", lambda: not alice.account("LTC")["withdrawals"])
        assert "does not answer" in alice.account("LTC")["reason"]
        assert alice.available("LTC") == "2"
        assert "does not answer" in alice.refused("LTC", notifying_address(other), "0.5")
        alice.send("LTC", bob.email, "0.25")
        there = other.outside("getnewaddress")
        path = alice.send("LTB", there, "1")
        wait_for("LTB paid meanwhile", lambda: alice.operation(path)["txid"])
        other.mine(1)
        wait_for("LTB done meanwhile", lambda: alice.operation(path)["status"] == "done")
        assert other.received(there) == [Decimal(1)]
        alice.send("DMO", bob.email, "0.00000000000000000000000000001")

        notifying.start()
        wait_for("the node's return", lambda: alice.account("LTC")["withdrawals"], seconds=60)
        notifying.mine(1)
        wait_for("the withdrawal to end", lambda: alice.operation(queued)["status"] == "done", seconds=60)
        assert (alice.available("LTC"), bob.available("LTC")) == ("1.75", "0.25")
        assert bob.available("DMO") == "0.00000000000000000000000000001"
        for use in (stopped, steady):
            hot_equals_what_is_owed(use)
    finally:
        net.stop(["ltc"])


def notifying_address(litecoin: Litecoin) -> str:
    """An address of the same network that needs no running node of ours to be made."""
    return str(litecoin.outside("getnewaddress"))
