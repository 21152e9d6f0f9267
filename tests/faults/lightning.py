from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from accounts.models import User
from ledger.services import invoices
from tests.adapters.lnbits.world import LnbitsWorld
from tests.devnet.rpc import HOST
from tests.faults.world import LONGEST_DELAY, FaultWorld
from tests.lnbits.front import Answered, Call, Front, forward_to
from tests.lnbits.server import LnbitsServer
from tests.support.money import fresh_key
from tests.support.processes import wait_for

SAT = 1000  # atomic units: millisatoshi
START_SECONDS = 60


class LightningWorld(FaultWorld):
    """A real LNbits on make-believe money; payees have wallets on the same server. Nothing is mined."""

    key, symbol, kind, decimals, confirmations = "ln", "LNBTC", "lnbits", 11, 1
    amount, deposit = 10 * SAT, 200_000 * SAT
    weather_chances = {"mine": 20, "confuse": 4, "restart": 1}

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True)
        self.server = LnbitsServer(folder)
        self.server.start()
        self.front = Front(forward_to(self.server.port))
        outside = self.server.new_wallet("outside", 10 * self.deposit // SAT)
        self._world = LnbitsWorld(self.front, self.server.new_wallet("hot"), outside)
        self._payees: list[str] = []

    def options(self) -> dict[str, Any]:
        hot = self._world.hot
        url = f"http://{HOST}:{self.front.port}"
        return {"url": url, "admin_key": hot.admin, "invoice_key": hot.invoice, "wallet_id": hot.id}

    def fund(self, person: User) -> None:
        def asked() -> str:
            made = invoices.ask(user=person, coin=self.use.coin, amount=self.deposit, key=fresh_key())
            return made.bolt11

        self._world.pay_in(wait_for("an invoice", asked))

    def payee(self, number: int) -> tuple[str, int]:
        amount = self.amount + number * SAT
        self._payees.append(self._world.outside_invoice(amount))
        return self._payees[-1], amount

    def paid(self) -> dict[str, list[int]]:
        """By the wallet's own list: an invoice that was paid twice would stand there twice."""
        key = self._world.outside.invoice
        found: dict[str, list[int]] = {}
        _, rows = self._world.call("GET", f"/payments?limit={2 * len(self._payees) + 10}", key)
        for row in rows:
            if row["amount"] > 0 and row["status"] == "success":
                found.setdefault(row["bolt11"], []).append(int(row["amount"]))
        return found

    def mine(self, blocks: int) -> None:
        """Payments are final at once."""

    def reorganise(self, chance: random.Random) -> None:
        """Payments are final at once."""

    def confuse(self, chance: random.Random) -> None:
        if self.front.lose is not None or self.front.lose_answer_to is not None:
            return  # one at a time
        what = chance.choice(["drop", "swallow", "delay"])
        self.weather[what] += 1
        if what == "drop":
            self.front.lose_answer_to = lambda call: call.pays
        elif what == "swallow":
            self.front.lose = lambda call: call.pays
        else:
            self.front.instead = late_once(chance.uniform(0.05, LONGEST_DELAY))

    def restart(self, chance: random.Random) -> None:
        """Only while nobody waits for money: this server's make-believe node forgets its unpaid invoices."""
        if set(self._payees) - set(self.paid()):
            self.weather["restarts"] -= 1
            return
        self.server.stop(kill=chance.random() < 0.5)
        self.server.start()

    def heal(self) -> None:
        self.front.heal()

    def close(self) -> None:
        self._world.close()
        self.front.close()
        self.server.stop()


def late_once(seconds: float) -> Callable[[Call], Answered | None]:
    """The next payment reaches the server late."""
    waiting = [seconds]

    def pass_on(call: Call) -> None:
        if call.pays and waiting:
            time.sleep(waiting.pop())

    return pass_on
