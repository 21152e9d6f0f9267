from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

from adapters.rpc import atomic
from tests.devnet.litecoin import Litecoin
from tests.devnet.proxy import DaemonLine, Proxy
from tests.devnet.rpc import HOST
from tests.faults.world import FaultWorld

COINS = 10


class LitecoinWorld(FaultWorld):
    key, symbol, kind, decimals = "ltc", "LTC", "bitcoinlike", 8
    amount, deposit, sends = 1_000_000, 10 * 10**8, "sendrawtransaction"

    def __init__(self, node: Litecoin, wallet: str) -> None:
        super().__init__()
        self.node, self.wallet = node, wallet
        node.load(wallet)
        self.proxies = [Proxy(lambda: DaemonLine(node.port), keep=False)]

    def options(self) -> dict[str, Any]:
        return self.node.options(self.wallet, url=f"http://{HOST}:{self.proxies[0].port}")

    def fund(self, address: str) -> None:
        for _ in range(COINS):
            self.node.fund(address, str(self.deposit // COINS // 10**8))
        self.mine(1)

    def payee(self, number: int) -> tuple[str, int]:
        return str(self.node.outside("getnewaddress")), self.amount + number

    def paid(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for entry in self.node.outside("listtransactions", "*", 100_000):
            if entry["category"] == "receive" and entry["confirmations"] > 0:
                found[entry["address"]].append(atomic(entry["amount"], self.decimals))
        return found

    def mine(self, blocks: int) -> None:
        self.node.mine(blocks)

    def reorganise(self, chance: random.Random) -> None:
        """drop: the payments wait in the pool again; else they stand in the new blocks."""
        self.node.reorg(chance.randrange(1, self.confirmations), drop=chance.random() < 0.5)

    def restart(self, chance: random.Random) -> None:
        """By kill -9 it forgets its pool too."""
        kill = chance.random() < 0.5
        if kill:
            self.node.flush()
        self.node.restart(kill=kill)
