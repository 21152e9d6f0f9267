"""The whole job on real monerod and monero-wallet-rpc, through the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters import registry
from ledger import queries
from ledger.models import Address, Coin, CoinWallet, Operation
from ledger.services import wallets
from tests.devnet.devnet import Devnet
from tests.devnet.fixtures import monero, need
from tests.devnet.monero import Monero, await_relayed
from tests.journeys.test_litecoin import hot_equals_what_is_owed
from tests.support.processes import wait_for
from tests.support.running import Member, RunningSite

__all__ = ["monero"]

UNIT = 10**12
LOCK = 10  # blocks until a received coin may be spent
LONG = 120  # seconds: both programs take their time on a busy machine


@pytest.fixture
def notifying(running: RunningSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monero]:
    """Daemons that call the running site as tx-notify and block-notify."""
    need(Monero.package, "monerod")
    url = f"{running.url}/wallets/notify/XMR/{{kind}}/{{id}}"
    net = Devnet(tmp_path_factory.mktemp("notifying"), notify_url=url)
    try:
        net.start(["xmr"])
        yield net.xmr
    finally:
        net.stop(["xmr"])


def connect(node: Monero) -> CoinWallet:
    coin = Coin.objects.create(symbol="XMR", name="Monero", decimals=12, confirmations=LOCK, pool_size=3)
    return wallets.connect(coin=coin, name="XMR site", kind="monero", options=node.options(outputs_ready=0))


def test_from_sign_up_to_the_outside_wallet(notifying: Monero, members: tuple[Member, Member]):
    alice, bob = members
    use = connect(notifying)
    wait_for("an address in the pool", lambda: Address.objects.filter(account=None).exists(), seconds=LONG)
    address = alice.new_address("XMR")
    assert address.startswith("8"), "a subaddress of her own"

    notifying.fund(address, "2.5")
    wait_for("the payment to be seen", lambda: alice.account("XMR")["incoming"] == "2.5", seconds=LONG)
    notifying.mine(LOCK - 1)
    wait_for("its blocks", lambda: Operation.objects.get(coin=use.coin).confirmations == LOCK - 1, seconds=LONG)
    assert alice.available("XMR") == "0"
    notifying.mine(1)
    wait_for("the credit", lambda: alice.available("XMR") == "2.5", seconds=LONG)
    hot_equals_what_is_owed(use)

    alice.send("XMR", bob.email, "0.75")
    assert (alice.available("XMR"), bob.available("XMR")) == ("1.75", "0.75")

    outside = notifying.outside("create_address", account_index=0)["address"]
    path = alice.send("XMR", outside, "1.5")
    wait_for(
        "the hot wallet's coin", lambda: mined_until(notifying, lambda: alice.operation(path)["txid"]), seconds=LONG
    )
    await_relayed(notifying.node, alice.operation(path)["txid"])
    done = "done"
    wait_for("the end", lambda: mined_until(notifying, lambda: alice.operation(path)["status"] == done), seconds=LONG)

    assert notifying.received(outside) == [1_500_000_000_000]
    assert (alice.available("XMR"), bob.available("XMR")) == ("0.25", "0.75")
    totals = hot_equals_what_is_owed(use)
    assert totals["user"] == UNIT
    assert totals["hot"] == -(UNIT + totals["network_fee"])


def mined_until(node: Monero, ask):
    """One more block unless it is so already: change waits for blocks."""
    answer = ask()
    if not answer:
        node.mine(1)
    return answer


def test_a_wallet_program_killed_without_store_never_gives_two_people_one_address(
    monero: Monero, running: RunningSite, members: tuple[Member, Member]
):
    alice, bob = members
    monero.open("site", "journey")
    monero.site("store")
    use = connect(monero)
    given: dict[str, list[str]] = {"alice": [], "bob": []}
    for _ in range(3):
        for name, member in (("alice", alice), ("bob", bob)):
            wait_for("an address in the pool", free_address, seconds=LONG)
            given[name].append(member.new_address("XMR"))
            monero.restart_wallet("site", wallet="journey")
    everything = [*given["alice"], *given["bob"]]
    assert len(set(everything)) == 6
    refs = list(Address.objects.values_list("ref", flat=True))
    assert len(set(refs)) == len(refs)

    monero.fund(given["alice"][0], "0.5")
    monero.fund(given["bob"][-1], "0.25")
    monero.mine(LOCK)
    wait_for("both credits", lambda: (alice.available("XMR"), bob.available("XMR")) == ("0.5", "0.25"), seconds=LONG)
    assert queries.totals(use.coin)["user"] == 750_000_000_000
    assert registry.open(use.wallet).funds([]).total == 750_000_000_000


def free_address() -> bool:
    return Address.objects.filter(account=None).exists()
