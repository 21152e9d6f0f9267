"""The contract's World around a litecoind -regtest, a real one or its recorded replies, behind a faulty proxy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Prepared
from adapters.bitcoinlike import BitcoinLike, BitcoinOptions
from adapters.bitcoinlike.payments import Blob
from tests.adapters import recordings
from tests.adapters.contract import World
from tests.devnet.litecoin import Litecoin
from tests.devnet.proxy import Proxy, proxy_to
from tests.devnet.rpc import HOST, CallError, Rpc

FOLDER = recordings.REPLIES / "litecoind-0.21"
FEE = 10_000
UNIT = 100_000_000


class LitecoinWorld(World):
    """All calls, the adapter's and the world's, go through the proxy, so that a recording holds them all.

    `wallet` is made anew: each test has a hot wallet of its own on the one node.
    """

    network = "regtest"

    def __init__(self, proxy: Proxy, password: str, wallet: str, passphrase: str = "") -> None:
        self.proxy = proxy
        self.wallet_name = wallet
        self.node = Rpc(proxy.port, "/", "site", password)
        self.site = Rpc(proxy.port, f"/wallet/{wallet}", "site", password)
        self.outside = Rpc(proxy.port, "/wallet/outside", "site", password)
        secret: dict[str, Any] = {"passphrase": passphrase} if passphrase else {}
        self.node("createwallet", wallet_name=wallet, **secret)
        self._settings = {
            "url": f"http://{HOST}:{proxy.port}",
            "user": "site",
            "password": password,
            "wallet": wallet,
            "coin": "litecoin",
            "network": "regtest",
        }
        self._made: list[BitcoinLike] = []
        self.adapter: BitcoinLike = self.make_adapter()
        self._miner = self.outside("getnewaddress")

    def make_adapter(self, **options: Any) -> BitcoinLike:
        """One more adapter of the same wallet with other options; closed with the world."""
        made = BitcoinLike(BitcoinOptions(**{**self._settings, **options}))
        self._made.append(made)
        return made

    def close(self) -> None:
        for adapter in self._made:
            adapter.close()  # a daemon that ends waits half a minute for connections left open

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
        self.spend_elsewhere(prepared)
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

    def mine_empty(self, blocks: int) -> None:
        """Blocks that leave the mempool as it is, on a branch of their own."""
        address = self.outside("getnewaddress")
        for _ in range(blocks):
            self.node("generateblock", address, [])

    def mine_only(self, raw: str) -> None:
        """A block with this transaction alone, whatever the mempool holds."""
        self.node("generateblock", self._miner, [raw])

    def orphan(self, blocks: int) -> None:
        """Takes the last blocks off the chain and mines more others, without their payments."""
        height = int(self.node("getblockcount"))
        self.node("invalidateblock", self.node("getblockhash", height - blocks + 1))
        self.mine_empty(blocks + 1)

    def rival(self, wallet: Rpc, raw: str, address: str, also: dict[str, int] | None = None) -> str:
        """Another transaction, signed, of the same inputs: pays `also`, and the rest to this address."""
        made = self.node("decoderawtransaction", raw)
        inputs = [{"txid": one["txid"], "vout": one["vout"]} for one in made["vin"]]
        held = sum(self._value(one["txid"], one["vout"]) for one in inputs)
        given = dict(also or {})
        outputs = {**given, address: held - sum(given.values()) - FEE}
        bare = self.node("createrawtransaction", inputs, [{to: _coins(amount)} for to, amount in outputs.items()])
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

    def rival_of(self, prepared: Prepared, also: dict[str, int] | None = None) -> str:
        """Another transaction, signed, not sent, of the coins of this payment."""
        return self.rival(self.site, Blob.read(prepared.blob).raw, self._miner, also)

    def spend_elsewhere(self, prepared: Prepared) -> str:
        """Spends the coins of this payment, which is not sent, on something else; not yet in a block."""
        return str(self.node("sendrawtransaction", self.rival_of(prepared)))


def _coins(amount: int) -> str:
    return f"{Decimal(amount).scaleb(-8):.8f}"


def real(litecoin: Litecoin, name: str, **more: Any) -> Iterator[LitecoinWorld]:
    """A world on the running daemon; with RECORD_REPLIES set, its calls become a recording."""
    with proxy_to(litecoin.port) as proxy:
        world = LitecoinWorld(proxy, litecoin.password, name, **more)
        yield world
        world.close()
        litecoin.mine(1)  # nothing unconfirmed is left for the next test
        litecoin.unload_others()
        if "RECORD_REPLIES" in os.environ:
            recordings.write(FOLDER / f"{name}.jsonl", proxy.exchanges)


def recorded(name: str, **more: Any) -> Iterator[LitecoinWorld]:
    """A world of recorded replies: every call must be the recorded one, in the recorded order."""
    playback = recordings.Playback(FOLDER / f"{name}.jsonl")
    proxy = Proxy(lambda: playback)
    try:
        world = LitecoinWorld(proxy, "secret", name, **more)
        yield world
        world.close()
        playback.check()
    finally:
        proxy.close()


def name_of(request: pytest.FixtureRequest) -> str:
    """The test's name as a file and wallet name."""
    return re.sub(r"[^0-9a-z]+", "-", request.node.name.removeprefix("test_")).strip("-")[:80]
