from __future__ import annotations

import random
from pathlib import Path
from typing import Any, ClassVar

from accounts.models import User
from tests.adapters.forknote.forknote_world import SEND, ForknoteWorld
from tests.faults.world import LONGEST_DELAY, FaultWorld

COINS = 15
POOL = 30


class StandInWorld(FaultWorld):
    """One walletd stand-in. Its chain lives in a program of its own, which outlives walletd's crashes."""

    kind, decimals = "forknote", 8
    amount, deposit = 10**7, COINS * 10 * 10**8
    dialect: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True)
        # Longer than any late call: until then a payment that left no trace may still be made.
        self._world = ForknoteWorld(self.dialect, folder, quiet_seconds=int(LONGEST_DELAY) + 1)
        self._world.proxy.keep = False
        self.proxies = [self._world.proxy]
        self._payees: list[str] = []

    def options(self) -> dict[str, Any]:
        return dict(self._world._settings)

    def fund(self, person: User) -> None:
        address = self.address_for(person)
        for _ in range(COINS):
            self._world.fund(address, self.deposit // COINS)
        self.mine(2)

    def payee(self, number: int) -> tuple[str, int]:
        self._payees.append(self._world.outside_address())
        return self._payees[-1], self.amount + number

    def paid(self) -> dict[str, list[int]]:
        return {address: self._world.arrived(address) for address in self._payees}

    def mine(self, blocks: int) -> None:
        self._world.mine(blocks)

    def reorganise(self, chance: random.Random) -> None:
        depth = chance.randrange(1, self.confirmations)
        self._world.node.fork(depth=depth, blocks=depth + 1)
        self._world.node.sync()

    def restart(self, chance: random.Random) -> None:
        if chance.random() < 0.5:
            self._world.crash()
        else:
            self._world.restart()

    def close(self) -> None:
        self._world.close()


class SnakeWorld(StandInWorld):
    key, symbol, dialect, sends = "frk-snake", "FRS", "snake", SEND["snake"]


class CamelWorld(StandInWorld):
    key, symbol, dialect, sends = "frk-camel", "FRC", "camel", SEND["camel"]
