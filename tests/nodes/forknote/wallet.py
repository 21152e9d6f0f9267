"""What a wallet knows of the chain: its addresses, its coins, its history, and what of all that is on disk.

Both dialects share it. How a row of history looks is each dialect's own business: snake.py and camel.py.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.nodes.forknote.chain import UNCONFIRMED, UNLOCK_IS_TIME, Chain, Coin, Tx, digest, make_address, make_extra
from tests.nodes.forknote.wire import DomainError

SUCCEEDED, FAILED, CANCELLED, CREATED = 0, 1, 2, 3
LARGEST = 2**63 - 1


@dataclass
class Row:
    hash: str
    state: int
    fee: int
    extra: str
    unlock: int = 0
    height: int = UNCONFIRMED
    time: int = 0
    total: int = 0
    coinbase: bool = False
    transfers: list[tuple[str, int, int]] = field(default_factory=list)  # address, amount, type


@dataclass
class Held:
    """An output of ours."""

    coin: Coin
    owner: str
    amount: int
    height: int | None
    unlock: int


@dataclass
class State:
    """All that a stop writes to disk."""

    secrets: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    delayed: dict[str, Tx] = field(default_factory=dict)
    sent: dict[str, Tx] = field(default_factory=dict)  # made by this wallet, not yet in a block it has read
    seen: dict[str, Tx] = field(default_factory=dict)  # read from the pool
    blocks: list[str] = field(default_factory=list)  # hashes of the blocks it has read


class Wallet:
    """`switches` holds what a test may turn: see Machine."""

    def __init__(self, chain: Chain, switches: dict[str, Any]) -> None:
        self.chain = chain
        self.switches = switches
        self.view = digest("view")
        self.now = State()
        self.disk = State()
        self.running = True
        self.known_height = 0
        self.skip_reading = 0  # requests to answer before the chain is read again
        self.refusals: list[str] = []
        self.new_address()
        self.save()

    # -- addresses --

    @property
    def addresses(self) -> list[str]:
        return [make_address(secret, self.view) for secret in self.now.secrets]

    def new_address(self, secret: str = "") -> str:
        self.now.secrets.append(secret or digest("secret", self.chain.number()))
        return self.addresses[-1]

    def owns(self, address: str) -> bool:
        return address in self.addresses

    # -- stopping --

    def save(self) -> None:
        self.disk = copy.deepcopy(self.now)

    def stop(self) -> None:
        self.save()
        self.running = False

    def kill(self) -> None:
        """Power off: only what is on disk stays."""
        self.now = copy.deepcopy(self.disk)
        self.running = False

    def start(self) -> None:
        self.running = True

    # -- reading the chain --

    def sync(self, limit: int | None = None) -> None:
        """Reads pool and blocks; no further than to a chain of `limit` blocks."""
        if not self.chain.up:
            return
        self.known_height = len(self.chain.blocks)
        self._unread_orphans()
        self._read_pool()
        end = len(self.chain.blocks) if limit is None else min(limit, len(self.chain.blocks))
        for height in range(len(self.now.blocks), end):
            self._read_block(height)

    def _unread_orphans(self) -> None:
        common = 0
        for mine, block in zip(self.now.blocks, self.chain.blocks, strict=False):
            if mine != block.hash:
                break
            common += 1
        if common == len(self.now.blocks):
            return
        del self.now.blocks[common:]
        for row in self.now.rows:
            if row.height == UNCONFIRMED or row.height < common:
                continue
            row.height = UNCONFIRMED
            if row.hash in self.chain.pool:
                row.time = 0
                self.now.seen[row.hash] = self.chain.pool[row.hash]
                self.came_back(row, self.chain.pool[row.hash])
            elif not self.chain.knows(row.hash):
                row.state = CANCELLED

    def _read_pool(self) -> None:
        for txid in [txid for txid in self.now.seen if not self.chain.knows(txid)]:
            del self.now.seen[txid]
            row = self.row(txid)
            if row is not None and row.height == UNCONFIRMED:
                row.state = CANCELLED
        own = set(self.addresses)
        for tx in self.chain.pool.values():
            if tx.hash not in self.now.seen and self._touches(tx, own):
                self.now.seen[tx.hash] = tx
                self.appeared(tx)

    def _read_block(self, height: int) -> None:
        block = self.chain.blocks[height]
        own = set(self.addresses)
        mine = [tx for tx in block.txs if self._touches(tx, own)]
        for tx in mine if self.switches["in_order"] else reversed(mine):
            self.confirmed(tx, height, block.time)
            for waiting in (self.now.seen, self.now.sent, self.now.delayed):
                waiting.pop(tx.hash, None)
        self.now.blocks.append(block.hash)

    def _touches(self, tx: Tx, own: set[str]) -> bool:
        return any(address in own for address, _ in tx.outputs) or any(self.owner_of(coin) in own for coin in tx.inputs)

    def row(self, txid: str) -> Row | None:
        return next((row for row in self.now.rows if row.hash == txid), None)

    def owner_of(self, coin: Coin) -> str:
        address, _ = self.output(coin)
        return address

    def output(self, coin: Coin) -> tuple[str, int]:
        """Whose output this is and its amount; nobody's where the chain does not have it."""
        tx = self.chain.every.get(coin[0])
        return tx.outputs[coin[1]] if tx is not None else ("", 0)

    # -- coins --

    def _read_txs(self) -> Iterator[tuple[Tx, int | None]]:
        for height in range(len(self.now.blocks)):
            if height < len(self.chain.blocks):
                yield from ((tx, height) for tx in self.chain.blocks[height].txs)
        waiting = {**self.now.seen, **self.now.sent}
        yield from ((tx, None) for tx in waiting.values())

    def coins(self) -> list[Held]:
        """Our outputs that nothing spends, as far as the chain is read."""
        own = set(self.addresses)
        held: dict[Coin, Held] = {}
        spent: set[Coin] = {coin for tx in self.now.delayed.values() for coin in tx.inputs}
        for tx, height in self._read_txs():
            spent.update(tx.inputs)
            for number, (address, amount) in enumerate(tx.outputs):
                if address in own and not self.overlooks(tx, address):
                    held[tx.hash, number] = Held((tx.hash, number), address, amount, height, tx.unlock)
        for tx in self.now.delayed.values():
            for number, (address, amount) in enumerate(tx.outputs):
                if address in own:
                    held.setdefault((tx.hash, number), Held((tx.hash, number), address, amount, None, 0))
        return [one for coin, one in held.items() if coin not in spent]

    def overlooks(self, tx: Tx, address: str) -> bool:
        """Whether an output of ours does not count yet."""
        return False

    def is_spendable(self, one: Held) -> bool:
        """From the second confirmation on; unlock N: once the chain has N blocks, or at that time."""
        if one.height is None or len(self.now.blocks) - 1 < one.height + 1:
            return False
        limit = len(self.now.blocks) if one.unlock < UNLOCK_IS_TIME else self.chain.time
        return limit >= one.unlock

    def balance(self, address: str = "") -> tuple[int, int]:
        """What can be spent, and what cannot yet."""
        mine = [one for one in self.coins() if address in ("", one.owner)]
        ready = sum(one.amount for one in mine if self.is_spendable(one))
        return ready, sum(one.amount for one in mine) - ready

    # -- paying --

    def build(
        self, outputs: list[tuple[str, int]], fee: int, change_to: str, extra: str, unlock: int, sources: list[str]
    ) -> tuple[Tx, int]:
        """A transaction of whole outputs of any address, and its change. Raises DomainError("Wrong amount")."""
        need = sum(amount for _, amount in outputs) + fee
        chosen, gathered = [], 0
        wanted = self.switches["pick"]
        for one in sorted(self.coins(), key=lambda one: one.amount not in wanted):
            if gathered >= need:
                break
            if self.is_spendable(one) and (not sources or one.owner in sources):
                chosen.append(one)
                gathered += one.amount
        if gathered < need:
            raise DomainError("Wrong amount")
        if len(chosen) > self.switches["most_inputs"]:
            raise DomainError("Transaction size is too big")
        change = gathered - need
        paid = [*outputs, (change_to, change)] if change else list(outputs)
        tx = Tx(digest("tx", self.chain.number()), tuple(one.coin for one in chosen), tuple(paid), fee, extra, unlock)
        self.chain.every[tx.hash] = tx
        return tx, change

    def new_extra(self, payment_id: str) -> str:
        return make_extra(digest("key", self.chain.number()), payment_id.lower())

    def relay(self, tx: Tx) -> str:
        """Hands it to the daemon; why that failed, or nothing. A lost reply means the daemon has it."""
        if not self.chain.up:
            return "Can't connect to daemon"
        taken = {coin for other in self.chain.pool.values() for coin in other.inputs if other.hash != tx.hash}
        if self.chain.knows(tx.hash) or taken.intersection(tx.inputs):
            return "Internal node error"
        self.chain.pool[tx.hash] = tx
        if self.chain.lost_replies:
            self.chain.lost_replies -= 1
            return "Network error"
        return ""

    def refuse_if_told(self) -> None:
        if self.refusals:
            raise DomainError(self.refusals.pop(0))

    # -- what each dialect makes of it --

    def appeared(self, tx: Tx) -> None:
        """It stands in the pool now."""
        raise RuntimeError("a dialect's own")

    def came_back(self, row: Row, tx: Tx) -> None:
        """From an orphaned block into the pool."""

    def confirmed(self, tx: Tx, height: int, time: int) -> None:
        """It stands in a block now."""
        raise RuntimeError("a dialect's own")

    def net(self, tx: Tx) -> dict[str, int]:
        """What each own address wins or loses, the losers first."""
        own = set(self.addresses)
        sums: dict[str, int] = {}
        for coin in tx.inputs:
            address, amount = self.output(coin)
            if address in own:
                sums[address] = sums.get(address, 0) - amount
        for address, amount in tx.outputs:
            if address in own:
                sums[address] = sums.get(address, 0) + amount
        return dict(sorted(sums.items(), key=lambda item: item[1] > 0))
