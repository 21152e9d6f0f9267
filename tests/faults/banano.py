from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from accounts.models import User
from tests.adapters.banano.world import BAN, OTHER_SEED, BananoWorld, address_of
from tests.devnet.proxy import DaemonLine, Proxy
from tests.devnet.rpc import HOST
from tests.faults.world import FaultWorld


class BananoFaultWorld(FaultWorld):
    """A stand-in node. Nothing is mined: "mine" confirms what stands in its ledger."""

    key, symbol, kind, decimals, confirmations = "ban", "BAN", "banano", 29, 1
    amount, deposit, sends = BAN // 100, 1000 * BAN, "process"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True)
        self._world = BananoWorld(folder)
        port = int(self._world.node.url.rsplit(":", 1)[1])
        self.proxies = [Proxy(lambda: DaemonLine(port), keep=False)]
        self._payees: list[str] = []

    def options(self) -> dict[str, Any]:
        names = ("seed", "network_identifier", "representative", "work_threshold", "min_peers")
        same = {name: getattr(self._world.options, name) for name in names}
        return {**same, "url": f"http://{HOST}:{self.proxies[0].port}"}

    def fund(self, person: User) -> None:
        address = self.address_for(person)
        self._world.deposit(address, self.deposit)

    def payee(self, number: int) -> tuple[str, int]:
        self._payees.append(address_of(1000 + number, OTHER_SEED))
        return self._payees[-1], self.amount + number

    def paid(self) -> dict[str, list[int]]:
        return {address: self._world.arrived(address) for address in self._payees}

    def mine(self, blocks: int) -> None:
        self._world.mine(blocks)

    def reorganise(self, chance: random.Random) -> None:
        """A block that nobody has confirmed yet leaves the ledger again, with all that rests on it."""
        unconfirmed = self._world.node.do("unconfirmed")
        if unconfirmed:
            self._world.node.do("rollback", name=chance.choice(unconfirmed))

    def restart(self, chance: random.Random) -> None:
        """Votes that were under way are forgotten."""
        self._world.node.do("restart")

    def close(self) -> None:
        super().close()
        self._world.close()
