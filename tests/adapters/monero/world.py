"""The contract's World around monerod and monero-wallet-rpc, real ones or their recorded replies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adapters.base import Prepared
from adapters.monero import Monero as Adapter
from adapters.monero import MoneroOptions
from adapters.monero.payments import Blob
from tests.adapters.contract import World
from tests.adapters.monero import recordings
from tests.devnet.digest import DigestRpc
from tests.devnet.monero import PASSWORD, USER, Monero, await_relayed
from tests.devnet.proxy import Proxy
from tests.devnet.rpc import HOST, CallError

STAGE_ADDRESS = "53253sDxcNdAb84US4cLjB9AH3MSVXzZsck1UH3Sr2cgKVWVr1Mh4tU2LU38RBWNATJtc36s7JauLcVCUPD7NdMWSohq4x4"
LOCK = 10  # blocks until a received coin may be spent
NAMES = ("daemon", "site", "outside")


class MoneroWorld(World):
    """All calls, the adapter's and the world's, go through the proxies, so that a recording holds them all.

    `wallet` is made anew: each test has a hot wallet of its own in the one monero-wallet-rpc.
    """

    network = "regtest"
    coin = 10**12

    def __init__(self, proxies: dict[str, Proxy], password: str, wallet: str) -> None:
        self.proxies = proxies
        self.wallet_name = wallet
        self.node = DigestRpc(proxies["daemon"].port)
        self.site = DigestRpc(proxies["site"].port, USER, password)
        self.outside = DigestRpc(proxies["outside"].port, USER, password)
        self.site("create_wallet", filename=wallet, password=PASSWORD, language="English")
        self.site("refresh")
        self._settings = {
            "wallet_url": f"http://{HOST}:{proxies['site'].port}",
            "daemon_url": f"http://{HOST}:{proxies['daemon'].port}",
            "user": USER,
            "password": password,
            "network": "regtest",
        }
        self._made: list[Adapter] = []
        self.adapter: Adapter = self.make_adapter()
        self._miner = self.outside("get_address", account_index=0)["address"]

    def make_adapter(self, **options: Any) -> Adapter:
        """One more adapter of the same wallet with other options; closed with the world."""
        made = Adapter(MoneroOptions(**{**self._settings, **options}))
        self._made.append(made)
        return made

    def close(self) -> None:
        for adapter in self._made:
            adapter.close()

    # -- what the contract asks for --

    def fund(self, address: str, amount: int) -> str:
        return str(self.pay({address: amount})["tx_hash"])

    def mine(self, blocks: int) -> None:
        self.mine_behind(blocks)
        self.site("refresh")

    def outside_address(self) -> str:
        return str(self.outside("create_address", account_index=0)["address"])

    def foreign_address(self) -> str:
        return STAGE_ADDRESS

    def arrived(self, address: str) -> list[int]:
        self.outside("refresh")
        minor = self.outside("get_address_index", address=address)["index"]["minor"]
        params = {"in": True, "account_index": 0, "subaddr_indices": [minor]}
        entries = self.outside("get_transfers", **params).get("in", [])
        return [amount for entry in entries for amount in entry["amounts"]]

    def vanish(self, txid: str) -> None:
        """monerod forgets it, as it does after three days in the pool."""
        self.node("flush_txpool", txids=[txid])
        self.mine(1)

    def steal(self, address: str, amount: int) -> str:
        destinations = [{"address": address, "amount": amount}]
        return self._sent(self.site("transfer", destinations=destinations, account_index=0))

    def kill(self, prepared: Prepared) -> None:
        self.spend_elsewhere(prepared)
        self.mine(LOCK)

    def outage(self) -> None:
        for proxy in self.ours:
            proxy.swallow(times=0)

    def rubbish(self) -> None:
        for proxy in self.ours:
            proxy.rubbish()

    def heal(self) -> None:
        for proxy in self.ours:
            proxy.heal()

    def lose_answer(self) -> None:
        self.proxies["site"].drop_reply("relay_tx")

    def lose_call(self) -> None:
        self.proxies["site"].swallow("relay_tx")

    def fill(self, amount: int) -> str:
        """Money in the hot wallet, no longer locked; the address it came to."""
        address = self.new_address()
        self.fund(address, amount)
        self.mine(LOCK)
        return address

    # -- more, for the tests of this family --

    @property
    def ours(self) -> list[Proxy]:
        return [self.proxies["daemon"], self.proxies["site"]]

    def pay(self, outputs: dict[str, int], **more: Any) -> dict[str, Any]:
        """From outside; mines when all coins there are locked."""
        return self.pay_all([{"address": address, "amount": amount} for address, amount in outputs.items()], **more)

    def pay_all(self, destinations: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        try:
            paid = self.outside("transfer", destinations=destinations, account_index=0, **more)
        except CallError as error:
            if error.code != -37:
                raise
            self.mine(LOCK)
            paid = self.outside("transfer", destinations=destinations, account_index=0, **more)
        self._sent(paid)
        return dict(paid)

    def _sent(self, answer: dict[str, Any]) -> str:
        return await_relayed(self.node, str(answer["tx_hash"]))

    def mine_behind(self, blocks: int) -> None:
        """Without telling the site's wallet."""
        self.node("generateblocks", amount_of_blocks=blocks, wallet_address=self._miner, starting_nonce=0)
        self.outside("refresh")

    def orphan(self, blocks: int) -> None:
        """Takes the last blocks off the chain and mines more others, without their payments."""
        self.node.post("/pop_blocks", {"nblocks": blocks})
        self.node("flush_txpool")
        self.mine(blocks + 1)

    def spend_elsewhere(self, prepared: Prepared) -> str:
        """Spends a coin of this payment, which is not sent, on something else; not yet in a block."""
        image = Blob.read(prepared).key_images[0]
        return self._sent(self.site("sweep_single", address=self._miner, key_image=image))

    def site_calls(self) -> list[str]:
        """What the site's wallet was asked and answered."""
        return [one.method for one in self.proxies["site"].exchanges if one.path == "site" and one.status == 200]


@contextmanager
def _proxies(made: dict[str, Proxy]) -> Iterator[dict[str, Proxy]]:
    try:
        yield made
    finally:
        for proxy in made.values():
            proxy.close()


def real(monero: Monero, name: str) -> Iterator[MoneroWorld]:
    """A world on the running daemons; with RECORD_REPLIES set, its calls become a recording."""
    ports = {"daemon": monero.port, **monero.ports}
    with _proxies({one: recordings.proxy_of(one, ports[one]) for one in NAMES}) as proxies:
        exchanges = proxies["daemon"].exchanges
        for proxy in proxies.values():
            proxy.exchanges = exchanges  # one list, in order
        world = MoneroWorld(proxies, monero.password, name)
        yield world
        world.close()
        monero.node("flush_txpool")
        monero.mine(1)
        if "RECORD_REPLIES" in os.environ:
            recordings.write(recordings.FOLDER / f"{name}.jsonl", exchanges)


def recorded(name: str) -> Iterator[MoneroWorld]:
    """A world of recorded replies: every call must be the recorded one, in the recorded order."""
    playback = recordings.Playback(recordings.FOLDER / f"{name}.jsonl")
    with _proxies({one: playback.proxy(one) for one in NAMES}) as proxies:
        world = MoneroWorld(proxies, "secret", name)
        yield world
        world.close()
        playback.check()
