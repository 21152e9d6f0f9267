"""Chain, daemon and walletd together, and what a test may do to them."""

from __future__ import annotations

import json
import threading
from typing import Any

from tests.nodes.forknote import camel, snake, wire
from tests.nodes.forknote.chain import Chain, digest, make_address, make_extra
from tests.nodes.forknote.wallet import SUCCEEDED, Row, Wallet

# list_twice, first_total: the two worst habits of snake history. in_order: rows of one block come in its order.
SWITCHES: dict[str, Any] = {
    "auto_sync": True,  # walletd reads the chain before each answer
    "list_twice": True,
    "first_total": True,
    "in_order": True,
    "least_fee": 1_000_000,
    "most_mixin": 2,
    "most_inputs": 1000,
    "peers": 1,
    "pick": [],  # outputs of these amounts are spent first; else the oldest
}


class Machine:
    def __init__(self, dialect: str, *, password: str = "", domain_code: int = -32000) -> None:
        self.lock = threading.Lock()
        self.chain = Chain()
        self.switches = dict(SWITCHES)
        if dialect == "snake":
            held = snake.SnakeWallet(self.chain, self.switches)
            self.wallet: Wallet = held
            self.spoken = snake.dialect(held)
        else:
            other = camel.CamelWallet(self.chain, self.switches)
            self.wallet = other
            self.spoken = camel.dialect(other, domain_code=domain_code, password=password)
        self.calls: list[list[Any]] = []

    # -- its two faces --

    def ask_wallet(self, body: bytes) -> bytes | None:
        """None while walletd does not run."""
        with self.lock:
            if not self.wallet.running:
                return None
            if self.wallet.skip_reading:
                self.wallet.skip_reading -= 1
            elif self.switches["auto_sync"]:
                self.wallet.sync()
            self._note(body)
            return wire.answer(self.spoken, body)

    def _note(self, body: bytes) -> None:
        try:
            asked = json.loads(body)
            self.calls.append([asked["method"], asked.get("params")])
        except (ValueError, KeyError, TypeError):
            self.calls.append(["", None])

    def ask_daemon(self, body: bytes) -> bytes | None:
        with self.lock:
            if not self.chain.up:
                return None
            asked = json.loads(body)
            try:
                said = {"result": self.chain.daemon(asked["method"], asked.get("params"))}
            except KeyError:
                said = {"error": {"code": -32601, "message": "Method not found"}}
            return json.dumps({"id": asked.get("id"), "jsonrpc": "2.0", **said}).encode()

    def control(self, name: str, values: dict[str, Any]) -> Any:
        with self.lock:
            return getattr(self, f"do_{name}")(**values)

    # -- what a test may do: the chain --

    def do_mine(self, blocks: int = 1, to: str = "", reward: int = 0) -> None:
        self.chain.mine(blocks, to, reward)

    def do_pay(self, destinations: list[list[Any]], payment_id: str = "", unlock: int = 0, brought: int = 0) -> str:
        return self.chain.pay(destinations, payment_id, unlock, brought=brought)

    def do_drop(self, txid: str) -> None:
        self.chain.drop(txid)

    def do_fork(self, depth: int, blocks: int, drop: list[str] | None = None) -> None:
        self.chain.fork(depth, blocks, drop)

    def do_arrived(self, address: str) -> list[int]:
        return self.chain.paid_to(address)

    def do_node(self, up: bool) -> None:
        self.chain.up = up

    def do_lose_replies(self, count: int) -> None:
        """The daemon's next answers to walletd are lost on their way."""
        self.chain.lost_replies = count

    def do_outside_address(self, prefix: int = 6) -> str:
        number = self.chain.number()
        return make_address(digest("outside", number), digest("outside view", number), prefix)

    def do_knows(self, txid: str) -> bool:
        return self.chain.knows(txid)

    def do_height(self) -> int:
        return len(self.chain.blocks)

    def do_by_payment_id(self, payment_id: str) -> list[str]:
        """Transactions of chain and pool that carry it."""
        everything = [tx for block in self.chain.blocks for tx in block.txs] + list(self.chain.pool.values())
        return [tx.hash for tx in everything if tx.extra.endswith(payment_id)]

    # -- walletd --

    def do_sync(self, limit: int | None = None) -> None:
        self.wallet.sync(limit)

    def do_stop(self) -> None:
        self.wallet.stop()

    def do_kill(self) -> None:
        self.wallet.kill()

    def do_start(self) -> None:
        self.wallet.start()

    def do_switch(self, **values: Any) -> None:
        self.switches.update(values)

    def do_refuse(self, message: str) -> None:
        """walletd answers its next send with this error, before it makes anything."""
        self.wallet.refusals.append(message)

    def do_forget(self, txid: str) -> None:
        """A row disappears, as after a crash before it was written."""
        self.wallet.now.rows = [row for row in self.wallet.now.rows if row.hash != txid]
        self.wallet.now.delayed.pop(txid, None)

    def do_calls(self) -> list[list[Any]]:
        return self.calls

    def do_fill_history(self, rows: int) -> None:
        """Deposits of one unit each to the last address, in old blocks: a long history at once."""
        address = self.wallet.addresses[-1]
        made = [
            Row(
                digest("old", number), SUCCEEDED, 1_000_000, make_extra(digest("old key", number), ""), height=1,
                time=self.chain.time, total=1, transfers=[(address, 1, 0), (address, 1, 0)],
            )
            for number in range(rows)
        ]  # fmt: skip
        self.wallet.now.rows = made + self.wallet.now.rows
