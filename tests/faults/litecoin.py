from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

from accounts.models import User
from adapters.rpc import atomic, coins
from tests.devnet.litecoin import Litecoin
from tests.devnet.proxy import DaemonLine, Proxy
from tests.devnet.rpc import HOST
from tests.faults.world import FaultWorld

COINS = 10
HIGH_FEE = Decimal("0.01")


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

    def fund(self, person: User) -> None:
        address = self.address_for(person)
        for _ in range(COINS):
            self.node.fund(address, str(self.deposit // COINS // 10**8))
        self.mine(1)

    def pay(self, address: str, amount: int) -> str:
        """Somebody outside pays, replaceably; the txid, not yet in a block."""
        return str(self.node.outside("sendtoaddress", address, coins(amount, self.decimals), "", "", False, True))

    def pay_twice(self, address: str, amount: int) -> str:
        """One transaction with two equal outputs to this address."""
        other = self.node.outside("getnewaddress")
        text = coins(amount, self.decimals)
        raw = self.node.outside("createrawtransaction", [], [{address: text}, {other: text}])
        scripts = [self.node.outside("getaddressinfo", one)["scriptPubKey"] for one in (other, address)]
        funded = self.node.outside("fundrawtransaction", raw.replace(*scripts))["hex"]
        return self._send(funded)

    def replace(self, txid: str, *, pays: str = "") -> str:
        """Another payment of the same coins, with a high fee: to themselves, or to this address; its txid."""
        made = self.node.outside("decoderawtransaction", self.node.outside("gettransaction", txid)["hex"])
        spent = [{"txid": one["txid"], "vout": one["vout"]} for one in made["vin"]]
        held = sum(self._output(**one) for one in spent)
        to = pays or self.node.outside("getnewaddress")
        raw = self.node.outside("createrawtransaction", spent, [{to: str(held - HIGH_FEE)}])
        return self._send(raw)

    def _output(self, txid: str, vout: int) -> Decimal:
        made = self.node.outside("decoderawtransaction", self.node.outside("gettransaction", txid)["hex"])
        return Decimal(made["vout"][vout]["value"])

    def _send(self, raw: str) -> str:
        signed = self.node.outside("signrawtransactionwithwallet", raw)
        assert signed["complete"], signed
        return str(self.node.outside("sendrawtransaction", signed["hex"]))

    def undo(self, txid: str, depth: int) -> None:
        """The last `depth` blocks, with this payment from outside in them, make way for others, where its coins are
        spent another way."""
        self.node.node("invalidateblock", self.node.node("getblockhash", self.node.height() - depth + 1))
        self.replace(txid)
        self.node.mine(depth + 1, to=self.node.outside("getnewaddress"))

    def spend_by_hand(self, address: str, amount: int) -> str:
        """Somebody pays from the site's own wallet, with the node's command line."""
        return str(self.node.wallet(self.wallet)("sendtoaddress", address, coins(amount, self.decimals)))

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
