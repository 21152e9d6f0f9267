"""What a fault run needs around a coin: its chain with somebody outside who pays and is paid, and its nodes' moods."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import Counter
from typing import Any, ClassVar

from accounts.models import User
from ledger.models import Coin, CoinWallet
from ledger.services import wallets
from tests.devnet.proxy import Proxy
from tests.support.money import address_of
from tests.support.processes import wait_for

LONGEST_DELAY = 1.5  # seconds
ADDRESS_SECONDS = 120
MOST_WAITING = 2  # faults that no call has met yet


class FaultWorld(ABC):
    """Amounts are atomic units. The site reaches the nodes through `proxies` only."""

    key: ClassVar[str]  # its name on the command line
    symbol: ClassVar[str]
    kind: ClassVar[str]
    decimals: ClassVar[int]
    confirmations: ClassVar[int] = 3
    amount: ClassVar[int]  # about what one withdrawal pays
    deposit: ClassVar[int]  # what each member pays in
    sends: ClassVar[str] = ""  # the call that hands a payment to the network
    weather_chances: ClassVar[dict[str, int]] = {"mine": 10, "confuse": 5, "reorganise": 2, "restart": 2}
    use: CoinWallet

    def __init__(self) -> None:
        self.proxies: list[Proxy] = []
        self.weather: Counter[str] = Counter()

    def connect(self) -> CoinWallet:
        coin = Coin.objects.create(
            symbol=self.symbol, name=self.key, decimals=self.decimals, confirmations=self.confirmations, pool_size=2,
            tries_max=1000,
        )  # fmt: skip
        self.use = wallets.connect(coin=coin, name=self.key, kind=self.kind, options=self.options())
        return self.use

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Of the adapter, with addresses of the proxies."""

    @abstractmethod
    def fund(self, person: User) -> None:
        """Somebody outside pays `deposit` to this member, in several coins where the chain has such."""

    def address_for(self, person: User) -> str:
        coin = self.use.coin
        wait_for(f"an address of {coin}", coin.addresses.filter(account=None).exists, seconds=ADDRESS_SECONDS)
        return address_of(person, coin)

    @abstractmethod
    def payee(self, number: int) -> tuple[str, int]:
        """Where the next withdrawal goes, and how much: an address or invoice that nobody used before."""

    @abstractmethod
    def paid(self) -> dict[str, list[int]]:
        """Each payment that reached each payee for good, as the payees' own wallets show it."""

    @abstractmethod
    def mine(self, blocks: int) -> None: ...

    @abstractmethod
    def reorganise(self, chance: random.Random) -> None:
        """Takes less of the chain back than the site takes for final."""

    @abstractmethod
    def restart(self, chance: random.Random) -> None:
        """The nodes end, in order or not, and come back with their chain."""

    def confuse(self, chance: random.Random) -> None:
        """One call of the site is lost, answered to nobody, cut off or late."""
        proxy = chance.choice(self.proxies)
        if proxy.waiting_faults >= MOST_WAITING:
            return
        method = chance.choice([self.sends, self.sends, ""])
        what = chance.choice(["drop", "swallow", "delay", "cut"])
        self.weather[what] += 1
        if what == "delay":
            proxy.delay(method, chance.uniform(0.05, LONGEST_DELAY))
        else:
            {"drop": proxy.drop_reply, "swallow": proxy.swallow, "cut": proxy.cut_reply}[what](method)

    def change(self, chance: random.Random, *, restart: bool) -> None:
        """One thing happens out there."""
        chances = {what: share for what, share in self.weather_chances.items() if restart or what != "restart"}
        what = chance.choices(list(chances), list(chances.values()))[0]
        if what == "mine":
            self.weather["blocks"] += 1
            self.mine(1)
        elif what == "confuse":
            self.confuse(chance)
        else:
            self.weather[f"{what}s"] += 1
            getattr(self, what)(chance)

    def heal(self) -> None:
        for proxy in self.proxies:
            proxy.heal()

    def close(self) -> None:
        for proxy in self.proxies:
            proxy.close()
