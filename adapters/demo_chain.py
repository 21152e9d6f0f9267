"""A make-believe blockchain with the wallet of one make-believe node, in one SQLite file.

Every process that opens the file sees the same chain. Nothing runs in the background: the height is the
time since the first block divided by the pace, a confirmation count is a difference of heights, and the
faucet's payment to a new address is written at once with a moment in the future. Only
wallets_site.base.clock tells the time. Amounts are kept as text, for SQLite's integers end at 2^63.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.base import NodeDown
from wallets_site.base import clock

SECOND = 1_000_000  # the chain counts microseconds since 1970
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seed (one INTEGER PRIMARY KEY CHECK (one = 1), seed TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pace (at INTEGER PRIMARY KEY, seconds INTEGER NOT NULL CHECK (seconds > 0));
CREATE TABLE IF NOT EXISTS address (address TEXT PRIMARY KEY, born INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS gift (address TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS tx (
    txid TEXT PRIMARY KEY, at INTEGER NOT NULL, ours INTEGER NOT NULL, fee TEXT NOT NULL, gone_at INTEGER);
CREATE TABLE IF NOT EXISTS output (
    txid TEXT NOT NULL REFERENCES tx, number INTEGER NOT NULL, address TEXT NOT NULL, amount TEXT NOT NULL,
    PRIMARY KEY (txid, number));
CREATE TABLE IF NOT EXISTS banned (txid TEXT PRIMARY KEY);
"""


class NotEnough(Exception):
    """The node's wallet holds less than this payment needs."""


class Banned(Exception):
    """The network refused this very payment before; it will never take it."""


@dataclass(frozen=True, slots=True)
class Output:
    number: int
    address: str
    amount: int
    received: bool  # to an address of this node's wallet


@dataclass(frozen=True, slots=True)
class Tx:
    """ours: paid by this node's wallet. gone: fell out of the chain. height: 0 while unconfirmed."""

    txid: str
    at: datetime
    ours: bool
    gone: bool
    fee: int
    confirmations: int
    height: int
    outputs: tuple[Output, ...]


class DemoChain:
    """One chain file. pace: seconds a block takes from now on; 0: leave as it is."""

    def __init__(self, path: str, pace: int = 0) -> None:
        self._path = path
        with contextlib.suppress(OSError):  # sqlite3 then says that it cannot open the file
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            # Not executescript: it would commit, and two processes may be starting at once.
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute("INSERT OR IGNORE INTO seed VALUES (1, ?)", [secrets.token_hex(16)])
            if pace:
                self._set_pace(db, pace)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One short transaction on a connection of its own: safe over forks and threads.

        Raises NodeDown where the file cannot be used.
        """
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=20, isolation_level=None)) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = OFF")  # a killed process loses nothing; a power cut may, as any toy
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")  # without it, closing rolls back
        except sqlite3.Error as error:
            raise NodeDown(f"The file of the simulated chain cannot be used: {error}") from None

    @staticmethod
    def _set_pace(db: sqlite3.Connection, pace: int) -> None:
        last = db.execute("SELECT seconds FROM pace ORDER BY at DESC LIMIT 1").fetchone()
        if last is None or last[0] != pace:
            db.execute("INSERT OR REPLACE INTO pace VALUES (?, ?)", [_now(), pace])

    # -- time --

    @staticmethod
    def _clockwork(db: sqlite3.Connection) -> Callable[[int], int]:
        """The height at any moment: each stretch of constant pace adds the blocks of its own."""
        paces = db.execute("SELECT at, seconds * ? FROM pace ORDER BY at", [SECOND]).fetchall()

        def height(moment: int) -> int:
            ends = [at for at, _ in paces[1:]] + [moment]
            stretches = zip(paces, ends, strict=False)
            return sum(max(0, min(end, moment) - at) // block for (at, block), end in stretches)

        return height

    def height(self) -> int:
        with self._open() as db:
            return self._clockwork(db)(_now())

    # -- the wallet --

    def new_address(self, number: int) -> bytes:
        """20 bytes that stand for key `number` of this wallet; the same number is the same key."""
        with self._open() as db:
            (seed,) = db.execute("SELECT seed FROM seed").fetchone()
        return hashlib.sha256(f"{seed}:{number}".encode()).digest()[:20]

    def adopt(self, address: str) -> None:
        """Makes the address ours."""
        with self._open() as db:
            db.execute("INSERT OR IGNORE INTO address VALUES (?, ?)", [address, _now()])

    def welcome(self, addresses: Iterable[str], *, gift: int, after: int) -> None:
        """Whoever holds one of these addresses gets `gift` once, that many seconds after it was first seen here."""
        with self._open() as db:
            known = {row[0] for row in db.execute("SELECT address FROM gift")}
            for address in set(addresses) - known:
                db.execute("INSERT INTO gift VALUES (?)", [address])
                self._insert(db, _digest("gift", address), _now() + after * SECOND, False, 0, [(address, gift)])

    def owns(self, address: str) -> bool:
        with self._open() as db:
            return db.execute("SELECT 1 FROM address WHERE address = ?", [address]).fetchone() is not None

    def balance(self) -> tuple[int, int]:
        """(total, confirmed): receipts not gone minus payments not gone; confirmed counts receipts in blocks only."""
        with self._open() as db:
            return self._balance(db)

    def _balance(self, db: sqlite3.Connection) -> tuple[int, int]:
        total = confirmed = 0
        for tx in self._read(db, "gone_at IS NULL", []):
            spent = sum(one.amount for one in tx.outputs) + tx.fee if tx.ours else 0
            received = sum(one.amount for one in tx.outputs if one.received)
            total += received - spent
            confirmed += (received if tx.confirmations or tx.ours else 0) - spent
        return total, confirmed

    # -- transactions --

    def pay(self, txid: str, outputs: list[tuple[str, int]], fee: int) -> None:
        """Takes a payment of this wallet into the chain, once however often it comes.

        Raises NotEnough or Banned; a payment that fell out of the chain enters it anew.
        """
        with self._open() as db:
            if db.execute("SELECT 1 FROM banned WHERE txid = ?", [txid]).fetchone():
                raise Banned
            held = db.execute("SELECT gone_at FROM tx WHERE txid = ?", [txid]).fetchone()
            if held is not None and held[0] is None:
                return
            if self._balance(db)[1] < sum(amount for _, amount in outputs) + fee:
                raise NotEnough
            if held is not None:
                db.execute("UPDATE tx SET gone_at = NULL, at = ? WHERE txid = ?", [_now(), txid])
            else:
                self._insert(db, txid, _now(), True, fee, outputs)

    def mint(self, address: str, amount: int) -> str:
        """A payment from nowhere to any address; its txid."""
        txid = secrets.token_hex(32)
        with self._open() as db:
            self._insert(db, txid, _now(), False, 0, [(address, amount)])
        return txid

    def vanish(self, txid: str) -> None:
        """Takes a transaction out of the chain, as a reorganisation that leaves it out does."""
        with self._open() as db:
            db.execute("UPDATE tx SET gone_at = ? WHERE txid = ?", [_now(), txid])

    def ban(self, txid: str) -> None:
        """Makes the network refuse this payment for ever, unless it is in the chain."""
        with self._open() as db:
            if not db.execute("SELECT 1 FROM tx WHERE txid = ? AND gone_at IS NULL", [txid]).fetchone():
                db.execute("INSERT OR IGNORE INTO banned VALUES (?)", [txid])

    def is_banned(self, txid: str) -> bool:
        with self._open() as db:
            return db.execute("SELECT 1 FROM banned WHERE txid = ?", [txid]).fetchone() is not None

    def spend(self, address: str, amount: int, fee: int = 0) -> str:
        """A payment from this wallet that nobody prepared: somebody else has the keys."""
        txid = secrets.token_hex(32)
        self.pay(txid, [(address, amount)], fee)
        return txid

    @staticmethod
    def _insert(
        db: sqlite3.Connection, txid: str, at: int, ours: bool, fee: int, outputs: list[tuple[str, int]]
    ) -> None:
        db.execute("INSERT INTO tx VALUES (?, ?, ?, ?, NULL)", [txid, at, int(ours), str(fee)])
        rows = [(txid, number, address, str(amount)) for number, (address, amount) in enumerate(outputs)]
        db.executemany("INSERT INTO output VALUES (?, ?, ?, ?)", rows)

    def tx(self, txid: str) -> Tx | None:
        with self._open() as db:
            return next(self._read(db, "txid = ?", [txid]), None)

    def paid_to(self, address: str) -> list[int]:
        """Each amount that any address holds, ours or not."""
        with self._open() as db:
            held = list(self._read(db, "gone_at IS NULL", []))
        return [one.amount for tx in held for one in tx.outputs if one.address == address]

    def since(self, height: int) -> tuple[list[Tx], int]:
        """Transactions that were unconfirmed at this height or changed after it, and the present height."""
        with self._open() as db:
            changed = [tx for tx in self._read(db, "1", []) if not tx.height or tx.height > height]
            return changed, self._clockwork(db)(_now())

    def _read(self, db: sqlite3.Connection, where: str, values: list[object]) -> Iterator[Tx]:
        """where: one of our own constants. A transaction whose moment has not come does not exist yet."""
        now, height_at = _now(), self._clockwork(db)
        query = f"SELECT txid, at, ours, fee, gone_at FROM tx WHERE {where} AND at <= ? ORDER BY at, txid"  # noqa: S608
        for txid, at, ours, fee, gone_at in db.execute(query, [*values, now]).fetchall():
            # The next block takes it. One that is gone stands at the height where it fell out, so that a
            # cursor from before finds it.
            block = height_at(at if gone_at is None else gone_at) + 1
            mined = gone_at is None and block <= height_at(now)
            yield Tx(
                txid=txid,
                at=_EPOCH + timedelta(microseconds=at),
                ours=bool(ours),
                gone=gone_at is not None,
                fee=int(fee),
                confirmations=height_at(now) - block + 1 if mined else 0,
                height=block if mined or gone_at is not None else 0,
                outputs=tuple(self._outputs(db, txid)),
            )

    @staticmethod
    def _outputs(db: sqlite3.Connection, txid: str) -> Iterator[Output]:
        query = """SELECT number, address, amount, EXISTS (SELECT 1 FROM address a WHERE a.address = output.address)
                   FROM output WHERE txid = ? ORDER BY number"""
        for number, address, amount, received in db.execute(query, [txid]):
            yield Output(number, address, int(amount), bool(received))


def _now() -> int:
    return (clock.now() - _EPOCH) // timedelta(microseconds=1)


def _digest(*parts: str) -> str:
    return hashlib.sha256(":".join(parts).encode()).hexdigest()
