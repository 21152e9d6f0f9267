"""A Banano adapter with a stand-in node and people outside, whose keys come from other seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.banano import Banano, BananoOptions
from adapters.banano.blocks import Blob, read_blob
from adapters.base import (
    AddressRequest,
    Confirmed,
    NewAddress,
    Page,
    Prepared,
    SendResult,
    Sent,
    Tried,
    Watched,
)
from adapters.codecs import banano_crypto as crypto
from tests.adapters.world import DEPTH, World
from tests.nodes.banano.client import BananoNode

SEED = "D0C22694B6CF32C9027646A2B2F3786010A6DBE7D5C50D3A1F8E216879CEA0CE"  # public test values: never fund
OTHER_SEED = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
GENESIS = "04270D7F11C4B2B472F2854C5A59F2A7E84226CE9ED799DE75744BD7D85FC9D9"
GENESIS_ADDRESS = "ban_3e3j5tkog48pnny9dmfzj1r16pg8t1e76dz5tmac6iq689wyjfpiij4txtdo"
BURN = "ban_1111111111111111111111111111111111111111111111111111hifc8npp"
BAN = 10**29
EASY = "f000000000000000"


def key_of(number: int, seed: str = SEED) -> str:
    return crypto.private_key(bytes.fromhex(seed), number).hex()


def address_of(number: int, seed: str = OTHER_SEED) -> str:
    return crypto.encode_address("ban_", crypto.public_key(bytes.fromhex(key_of(number, seed))))


class BananoWorld(World):
    network = GENESIS
    coin = BAN

    def __init__(self, directory: Path, **options: Any) -> None:
        self.node = BananoNode(directory)
        given: dict[str, Any] = {
            "url": self.node.url,
            "seed": SEED,
            "network_identifier": GENESIS,
            "representative": GENESIS_ADDRESS,
            "work_threshold": EASY,
            "min_peers": 0,
        }
        self.options = BananoOptions(**{**given, **options})
        self.adapter: Banano = Banano(self.options)
        self.watch: list[Watched] = []
        self._outside = 0

    def close(self) -> None:
        self.adapter.close()
        self.node.stop()

    def rebuilt(self, **changes: Any) -> Banano:
        """The same wallet in another process: nothing is remembered."""
        self.adapter.close()
        self.adapter = Banano(replace(self.options, **changes))
        return self.adapter

    # -- people outside --

    def fund(self, address: str, amount: int) -> str:
        return str(self.node.do("fund", to=address, amount=str(amount)))

    def deposit(self, address: str, amount: int) -> str:
        """Confirmed at once."""
        return str(self.node.do("fund", to=address, amount=str(amount), confirm=True))

    def mine(self, blocks: int) -> None:
        """Confirms everything; the network goes on by so many blocks of strangers."""
        self.node.do("confirm_all")
        for _ in range(blocks):
            self.node.do("fund", to=address_of(255), amount="1", confirm=True)

    def outside_address(self) -> str:
        self._outside += 1
        return address_of(self._outside)

    def foreign_address(self) -> str:
        return crypto.encode_address("nano_", crypto.public_key(bytes.fromhex(key_of(1))))

    def arrived(self, address: str) -> list[int]:
        return [int(amount) for amount in self.node.do("paid_to", to=address)]

    def vanish(self, txid: str) -> None:
        self.node.do("rollback", name=txid)

    def steal(self, address: str, amount: int) -> str:
        return str(self.node.do("fund", to=address, amount=str(amount), key=key_of(0)))

    def kill(self, prepared: Prepared) -> None:
        self.rival(prepared, confirm=True)

    def rival(self, prepared: Prepared, *, confirm: bool) -> str:
        block = self.blob(prepared).block.as_json("ban_")
        return str(self.node.do("rival", key=key_of(0), block=block, confirm=confirm))

    # -- the node's moods --

    def outage(self) -> None:
        self.node.do("set", mode="outage")

    def rubbish(self) -> None:
        self.node.do("set", mode="rubbish")

    def heal(self) -> None:
        self.node.do("set", mode="")

    def lose_answer(self) -> None:
        self.node.do("fail", how="lost_answer")

    def lose_call(self) -> None:
        self.node.do("fail", how="lost_call")

    # -- shorthand --

    def member(self) -> NewAddress:
        """A new address in somebody's hands, watched from now on."""
        self._number += 1
        made = self.adapter.new_address(AddressRequest(number=self._number))
        self.watch.append(Watched(made.address, made.ref))
        return made

    def new_address(self) -> str:
        return self.member().address

    @property
    def hot(self) -> str:
        return address_of(0, SEED)

    def fill(self, amount: int) -> str:
        self.deposit(self.hot, amount)
        self.tidy()
        return self.hot

    def tidy(self) -> list[str]:
        """Does every chore there is, as the worker does; their names."""
        done = []
        while (chore := self.adapter.chores(self.watch, ())) is not None:
            assert self.adapter.broadcast(chore) == Sent(chore.id, 0)
            self.node.do("confirm_all")
            assert isinstance(self.adapter.lookup(Tried(chore, attempts=1, outcome="sent")), Confirmed)
            done.append(chore.chore)
        return done

    def poll(self, cursor: str = "") -> Page:
        return self.adapter.transfers(cursor, self.watch, DEPTH)

    def prepared(self, amount: int, address: str = "", *live: Prepared) -> Prepared:
        tried = [Tried(one, attempts=1, outcome="sent") for one in live]
        return self.adapter.prepare([self.payment(amount, address)], tried)

    def send(self, prepared: Prepared) -> SendResult:
        return self.adapter.broadcast(prepared)

    @staticmethod
    def blob(prepared: Prepared) -> Blob:
        return read_blob(prepared)
