"""The contract's World around a stand-in walletd, behind a faulty proxy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.base import Prepared, Tried
from adapters.forknote import Forknote, ForknoteOptions
from tests.adapters.world import World
from tests.devnet.proxy import DaemonLine, Proxy
from tests.nodes.forknote.standin import HOST, StandIn

POOL = 30  # addresses made and verified in advance, in the snake dialect
FEE = 1_000_000
SEND = {"snake": "send_transaction", "camel": "sendDelayedTransaction"}


class ForknoteWorld(World):
    network = "test"

    def __init__(self, dialect: str, folder: Path, *more: str, **options: Any) -> None:
        self.dialect = dialect
        self.node = StandIn(dialect, folder, *more)
        self.proxy = Proxy(lambda: DaemonLine(self.node.port))
        self._settings: dict[str, Any] = {
            "url": f"http://{HOST}:{self.proxy.port}",
            "daemon_url": self.node.daemon_url,
            "network": "test",
            "quiet_seconds": 0,
            "verified_addresses": POOL,
            **options,
        }
        if dialect == "snake":
            self.make_pool(POOL)
        self.node.mine(blocks=30)
        self.adapter: Forknote = self.make_adapter()

    def make_pool(self, count: int) -> None:
        """Addresses in the wallet file: made, and written by a graceful stop."""
        for _ in range(count - 1):
            self.node.ask("create_address")
        self.restart()

    def restart(self) -> None:
        self.node.stop()
        self.node.start()

    def crash(self) -> None:
        """kill -9 of walletd, and its start."""
        self.node.kill()
        self.node.start()

    def make_adapter(self, **options: Any) -> Forknote:
        return Forknote(ForknoteOptions(**{**self._settings, **options}))

    def close(self) -> None:
        self.adapter.close()
        self.proxy.close()
        self.node.close()

    # -- what the contract asks for --

    def fund(self, address: str, amount: int) -> str:
        return str(self.node.pay(destinations=[[address, amount]]))

    def mine(self, blocks: int) -> None:
        for _ in range(blocks):
            self.node.mine()
            self.node.sync()

    def outside_address(self) -> str:
        return str(self.node.outside_address())

    def foreign_address(self) -> str:
        return str(self.node.outside_address(prefix=18))

    def arrived(self, address: str) -> list[int]:
        return list(self.node.arrived(address=address))

    def vanish(self, txid: str) -> None:
        self.node.drop(txid=txid)

    def steal(self, address: str, amount: int) -> str:
        if self.dialect == "camel":
            change = self.node.ask("getAddresses")["addresses"][0]
            paid = {"transfers": [{"address": address, "amount": amount}], "changeAddress": change, "anonymity": 0}
            return str(self.node.ask("sendTransaction", fee=FEE, **paid)["transactionHash"])
        paid = {"destinations": [{"address": address, "amount": amount}], "fee": FEE, "mixin": 0}
        number = self.node.ask("send_transaction", **paid)["transaction_id"]
        return str(self.node.ask("get_transaction", transaction_id=number)["transaction_info"]["hash"])

    def kill(self, prepared: Prepared) -> None:
        """camel: somebody deletes it in walletd. snake: walletd refuses it for good."""
        if self.dialect == "camel":
            self.node.ask("deleteDelayedTransaction", transactionHash=prepared.id)
        else:
            self.node.refuse(message="Transaction fee is too small")

    def outage(self) -> None:
        self.proxy.swallow(times=0)

    def rubbish(self) -> None:
        self.proxy.rubbish()

    def heal(self) -> None:
        self.proxy.heal()

    def lose_answer(self) -> None:
        self.proxy.drop_reply(SEND[self.dialect])

    def lose_call(self) -> None:
        self.proxy.swallow(SEND[self.dialect])

    def txid(self, prepared: Prepared) -> str:
        """snake: the one transaction that carries the payment id under which it was prepared."""
        if self.dialect == "camel":
            return prepared.id
        (found,) = self.node.by_payment_id(payment_id=prepared.id)
        return str(found)

    # -- more, for the tests of this family --

    def sent(self, prepared: Prepared) -> Tried:
        """Broadcast once, the answer noted."""
        result = type(self.adapter.broadcast(prepared)).__name__.lower()
        return Tried(prepared, attempts=1, outcome=result)  # type: ignore[arg-type]
