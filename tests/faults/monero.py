from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

from accounts.models import User
from tests.devnet.monero import Monero, await_relayed
from tests.devnet.proxy import DaemonLine, Proxy
from tests.devnet.rpc import HOST
from tests.faults.world import FaultWorld

LOCK = 10  # blocks until a received coin may be spent
OUTPUTS, COINS = 14, 2  # of one payment; payments


class MoneroWorld(FaultWorld):
    key, symbol, kind, decimals = "xmr", "XMR", "monero", 12
    amount, deposit, sends = 10**9, OUTPUTS * COINS * 3 * 10**11, "relay_tx"

    def __init__(self, node: Monero, wallet: str) -> None:
        super().__init__()
        self.node, self.wallet = node, wallet
        node.open("site", wallet)
        node.site("store")
        self.proxies = [
            Proxy(lambda: DaemonLine(node.ports["site"]), keep=False),
            Proxy(lambda: DaemonLine(node.port), keep=False),
        ]

    def options(self) -> dict[str, Any]:
        wallet, daemon = (f"http://{HOST}:{proxy.port}" for proxy in self.proxies)
        return {**self.node.options(), "wallet_url": wallet, "daemon_url": daemon}

    def fund(self, person: User) -> None:
        address = self.address_for(person)
        part = self.deposit // OUTPUTS // COINS
        destinations = [{"address": address, "amount": part}] * OUTPUTS
        for _ in range(COINS):
            paid = self.node.outside("transfer", destinations=destinations, account_index=0)
            await_relayed(self.node.node, paid["tx_hash"])
        self.mine(LOCK)

    def pay(self, address: str, amount: int, **more: Any) -> str:
        """Somebody outside pays; the txid, not yet in a block."""
        return str(self.node.pay({address: amount}, **more)["tx_hash"])

    def pay_twice(self, address: str, amount: int) -> str:
        """One transaction with two equal outputs to this address."""
        destinations = [{"address": address, "amount": amount}] * 2
        return await_relayed(
            self.node.node, self.node.outside("transfer", destinations=destinations, account_index=0)["tx_hash"]
        )

    def undo(self, txid: str, depth: int) -> None:
        """The last `depth` blocks, with this payment from outside in them, make way for others, and the daemon
        forgets it."""
        self.node.reorg(depth, drop=True)

    def spend_by_hand(self, address: str, amount: int) -> str:
        """Somebody pays from the site's own wallet, with the node's command line."""
        self.node.site("refresh")
        destinations = [{"address": address, "amount": amount}]
        paid = self.node.site("transfer", destinations=destinations, account_index=0)
        return await_relayed(self.node.node, paid["tx_hash"])

    def payee(self, number: int) -> tuple[str, int]:
        return str(self.node.outside("create_address", account_index=0)["address"]), self.amount + number

    def paid(self) -> dict[str, list[int]]:
        self.node.outside("refresh")
        found: dict[str, list[int]] = defaultdict(list)
        for entry in self.node.outside("get_transfers", **{"in": True, "account_index": 0}).get("in", []):
            found[entry["address"]] += [int(amount) for amount in entry["amounts"]]
        return found

    def mine(self, blocks: int) -> None:
        self.node.mine(blocks)

    def reorganise(self, chance: random.Random) -> None:
        """drop: the daemon forgets the payments of those blocks altogether."""
        self.node.reorg(chance.randrange(1, self.confirmations), drop=chance.random() < 0.5)

    def restart(self, chance: random.Random) -> None:
        """The wallet by kill -9, or the daemon in order."""
        if chance.random() < 0.7:
            self.node.restart_wallet("site", wallet=self.wallet)
        else:
            self.node.outside("store")
            self.node.stop_node()
            self.node.start_node()
