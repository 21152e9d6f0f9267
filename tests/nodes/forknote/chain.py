"""A chain whose blocks come on command, its pool, and the daemon that tells of them."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Any

from adapters.codecs import cryptonote_base58

PREFIX = 6
FIRST_TIME = 1_795_165_000
UNCONFIRMED = 4_294_967_295
UNLOCK_IS_TIME = 500_000_000
Coin = tuple[str, int]  # transaction hash and output number


@dataclass(frozen=True)
class Tx:
    hash: str
    inputs: tuple[Coin, ...]
    outputs: tuple[tuple[str, int], ...]  # address, amount
    fee: int
    extra: str
    unlock: int = 0
    coinbase: bool = False
    given: int = 0  # what strangers' inputs brought in


@dataclass(frozen=True)
class Block:
    hash: str
    time: int
    txs: tuple[Tx, ...]


def digest(*parts: object) -> str:
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()


@functools.cache
def make_address(secret: str, view: str, prefix: int = PREFIX) -> str:
    return cryptonote_base58.encode_address(
        prefix, hashlib.sha256(secret.encode()).digest() + hashlib.sha256(view.encode()).digest()
    )


@functools.cache
def is_address(text: str) -> bool:
    try:
        prefix, payload = cryptonote_base58.decode_address(text)
    except ValueError:
        return False
    return prefix == PREFIX and len(payload) == 64


def make_extra(key: str, payment_id: str) -> str:
    return f"01{key}" + (f"022100{payment_id}" if payment_id else "")


class Chain:
    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.pool: dict[str, Tx] = {}
        self.every: dict[str, Tx] = {}  # all there ever was: a wallet finds in here what its own inputs are
        self.up = True
        self.lost_replies = 0
        self._number = 0
        self.mine(1)

    @property
    def time(self) -> int:
        return FIRST_TIME + len(self.blocks)

    def number(self) -> int:
        """Something never seen before, for hashes."""
        self._number += 1
        return self._number

    def mine(self, blocks: int, to: str = "", reward: int = 0) -> None:
        for _ in range(blocks):
            height = len(self.blocks)
            txs = tuple(self.pool.values())
            if to:
                outputs = ((to, reward),)
                coinbase = Tx(
                    digest("coinbase", self.number()), (), outputs, 0, make_extra(digest("key", self.number()), ""),
                    height + 10, coinbase=True,
                )  # fmt: skip
                txs = (coinbase, *txs)
                self.every[coinbase.hash] = coinbase
            self.pool = {}
            parent = self.blocks[-1].hash if self.blocks else ""
            self.blocks.append(Block(digest("block", parent, self.number()), self.time, txs))

    def fork(self, depth: int, blocks: int, drop: list[str] | None = None) -> None:
        """Another branch from `depth` blocks back. What stood in the old one waits in the pool again, but for `drop`:
        those are spent another way there."""
        gone = self.blocks[-depth:]
        del self.blocks[-depth:]
        waiting = [tx for block in gone for tx in block.txs if not tx.coinbase and tx.hash not in (drop or [])]
        empty = dict(self.pool)
        self.pool = {}
        self.mine(blocks)
        self.pool = {**{tx.hash: tx for tx in waiting}, **empty}

    def drop(self, txid: str) -> None:
        """A transaction of the pool is spent another way: it can never be in a block."""
        del self.pool[txid]

    def pay(
        self, destinations: list[list[Any]], payment_id: str, unlock: int, fee: int = 1_000_000, brought: int = 0
    ) -> str:
        """A stranger pays; into the pool. brought: what the stranger's inputs are worth; the rest is change."""
        total = sum(amount for _, amount in destinations)
        brought = brought or 2 * total + fee
        change = ("", brought - total - fee)
        outputs = (*((str(address), int(amount)) for address, amount in destinations), change)
        number = self.number()
        key = make_extra(digest("key", number), payment_id.lower())
        tx = Tx(digest("tx", number), ((digest("foreign", number), 0),), outputs, fee, key, unlock, given=brought)
        self.pool[tx.hash] = self.every[tx.hash] = tx
        return tx.hash

    def knows(self, txid: str) -> bool:
        return txid in self.pool or any(tx.hash == txid for block in self.blocks for tx in block.txs)

    def paid_to(self, address: str) -> list[int]:
        """Each output to this address, in a block or waiting for one."""
        everything = [tx for block in self.blocks for tx in block.txs] + list(self.pool.values())
        return [amount for tx in everything for to, amount in tx.outputs if to == address]

    def daemon(self, method: str, params: Any) -> Any:
        if method == "getblockcount":
            return {"count": len(self.blocks), "status": "OK"}
        if method == "on_getblockhash":
            return self.blocks[int(params[0])].hash
        if method == "getlastblockheader":
            last = self.blocks[-1]
            header = {"height": len(self.blocks) - 1, "hash": last.hash, "timestamp": last.time}
            return {"block_header": header, "status": "OK"}
        raise KeyError(method)
