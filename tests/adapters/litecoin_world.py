"""The contract's World around a litecoind -regtest, a real one or its recorded replies, behind a faulty proxy."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.base import Prepared
from adapters.bitcoinlike import BitcoinLike, BitcoinOptions
from adapters.bitcoinlike.payments import Blob
from tests.adapters.contract import World
from tests.devnet.proxy import Proxy
from tests.devnet.rpc import HOST, CallError, Rpc

FEE = 10_000
UNIT = 100_000_000


class LitecoinWorld(World):
    """All calls, the adapter's and the world's, go through the proxy, so that a recording holds them all.

    `wallet` is made anew: each test has a hot wallet of its own on the one node.
    """

    network = "regtest"

    def __init__(self, proxy: Proxy, password: str, wallet: str, **options: Any) -> None:
        self.proxy = proxy
        self.wallet_name = wallet
        self.node = Rpc(proxy.port, "/", "site", password)
        self.site = Rpc(proxy.port, f"/wallet/{wallet}", "site", password)
        self.outside = Rpc(proxy.port, "/wallet/outside", "site", password)
        self.node("createwallet", wallet_name=wallet)
        self._settings = {
            "url": f"http://{HOST}:{proxy.port}",
            "user": "site",
            "password": password,
            "wallet": wallet,
            "coin": "litecoin",
            "network": "regtest",
            **options,
        }
        self.adapter: BitcoinLike = self.make_adapter()
        self._miner = self.outside("getnewaddress")

    def make_adapter(self, **options: Any) -> BitcoinLike:
        return BitcoinLike(BitcoinOptions(**{**self._settings, **options}))

    def close(self) -> None:
        self.adapter.close()

    # -- what the contract asks for --

    def fund(self, address: str, amount: int) -> str:
        """Replaceable, so that vanish() can replace it."""
        return str(self.outside("sendtoaddress", address, _coins(amount), "", "", False, True))

    def mine(self, blocks: int) -> None:
        self.node("generatetoaddress", blocks, self._miner)

    def outside_address(self) -> str:
        return str(self.outside("getnewaddress"))

    def foreign_address(self) -> str:
        return "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"

    def arrived(self, address: str) -> list[int]:
        (entry,) = self.outside("listreceivedbyaddress", 0, True, False, address)
        txids = entry["txids"]
        got = [self.outside("gettransaction", txid)["details"] for txid in txids]
        return [int(d["amount"] * UNIT) for one in got for d in one if d.get("address") == address]

    def vanish(self, txid: str) -> None:
        raw = self.outside("gettransaction", txid)["hex"]
        self.node("sendrawtransaction", self.rival(self.outside, raw, self._miner))
        self.mine(1)

    def steal(self, address: str, amount: int) -> str:
        return str(self.site("sendtoaddress", address, _coins(amount)))

    def kill(self, prepared: Prepared) -> None:
        self.spend_elsewhere(prepared, self._miner)
        self.mine(6)

    def outage(self) -> None:
        self.proxy.swallow(times=0)

    def rubbish(self) -> None:
        self.proxy.rubbish()

    def heal(self) -> None:
        self.proxy.heal()

    def lose_answer(self) -> None:
        self.proxy.drop_reply("sendrawtransaction")

    def lose_call(self) -> None:
        self.proxy.swallow("sendrawtransaction")

    def settle(self, txid: str) -> None:
        for _ in range(1000):
            try:
                self.site("gettransaction", txid)
                return
            except CallError:
                continue
        raise AssertionError(f"{txid} never reached the wallet")

    # -- more, for the tests of this family --

    def rival(self, wallet: Rpc, raw: str, address: str, amount: int = 0) -> str:
        """Another transaction, signed, of the same inputs: all to one address, or `amount` to it and no change."""
        made = self.node("decoderawtransaction", raw)
        inputs = [{"txid": one["txid"], "vout": one["vout"]} for one in made["vin"]]
        held = sum(self._value(one["txid"], one["vout"]) for one in inputs)
        bare = self.node("createrawtransaction", inputs, [{address: _coins(amount or held - FEE)}])
        return str(wallet("signrawtransactionwithwallet", bare)["hex"])

    def _value(self, txid: str, output: int) -> int:
        spent = self.outside("gettransaction", txid) if self._knows(txid) else self.site("gettransaction", txid)
        value = self.node("decoderawtransaction", spent["hex"])["vout"][output]["value"]
        return int(value * UNIT)

    def _knows(self, txid: str) -> bool:
        try:
            self.outside("gettransaction", txid)
        except CallError:
            return False
        return True

    def spend_elsewhere(self, prepared: Prepared, address: str) -> str:
        """Spends the coins of this payment, which is not sent, on something else; not yet in a block."""
        raw = self.rival(self.site, Blob.read(prepared.blob).raw, address)
        return str(self.node("sendrawtransaction", raw))


def _coins(amount: int) -> str:
    return f"{Decimal(amount).scaleb(-8):.8f}"
