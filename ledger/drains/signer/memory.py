"""What the signer itself remembers, in a file that only its user can write: what it signed, and which nodes it knows.

The books may be forged by whoever holds the site's database; this cannot.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from adapters.models import Wallet
from ledger.models import Dispatch, Withdrawal

DAY: Final = 86_400
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS signed (
    dispatch INTEGER NOT NULL, withdrawal INTEGER NOT NULL, hash TEXT NOT NULL, coin TEXT NOT NULL,
    amount TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (dispatch, withdrawal));
CREATE TABLE IF NOT EXISTS node (wallet INTEGER PRIMARY KEY, mark TEXT NOT NULL);
"""


class Memory:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / "signed.sqlite3"
        with self._open() as db:
            db.executescript(_SCHEMA)
        self._path.chmod(0o600)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=20)) as db, db:
            db.execute("PRAGMA synchronous=FULL")
            yield db

    def others_with(self, withdrawal_id: int, dispatch_id: int) -> list[int]:
        """Other dispatches signed for this withdrawal before."""
        with self._open() as db:
            query = "SELECT dispatch FROM signed WHERE withdrawal = ? AND dispatch <> ?"
            return [number for (number,) in db.execute(query, [withdrawal_id, dispatch_id])]

    def signed_today(self, symbol: str, dispatch_id: int) -> int:
        """Atomic units of this coin within 24 hours, without this dispatch."""
        with self._open() as db:
            query = "SELECT amount FROM signed WHERE coin = ? AND at > ? AND dispatch <> ?"
            rows = db.execute(query, [symbol, int(time.time()) - DAY, dispatch_id])
            return sum(int(amount) for (amount,) in rows)

    def hash_of(self, dispatch_id: int) -> str:
        """Of what was signed under this number before; empty for nothing."""
        with self._open() as db:
            row = db.execute("SELECT hash FROM signed WHERE dispatch = ?", [dispatch_id]).fetchone()
            return str(row[0]) if row else ""

    def note(self, row: Dispatch, withdrawals: Iterable[Withdrawal], blob_hash: str) -> None:
        lines = [(each.pk, str(each.amount)) for each in withdrawals] or [(0, "0")]
        with self._open() as db:
            for pk, amount in lines:
                values = [row.pk, pk, blob_hash, row.coin.symbol, amount, int(time.time())]
                db.execute("INSERT OR IGNORE INTO signed VALUES (?, ?, ?, ?, ?, ?)", values)

    # -- nodes --

    def knows(self, wallet: Wallet) -> bool:
        with self._open() as db:
            row = db.execute("SELECT mark FROM node WHERE wallet = ?", [wallet.pk]).fetchone()
        return row is not None and row[0] == mark_of(wallet)

    def accept(self, wallet: Wallet) -> None:
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO node VALUES (?, ?)", [wallet.pk, mark_of(wallet)])


def mark_of(wallet: Wallet) -> str:
    """Changes with the kind of a wallet and with any of its options: another address, another password."""
    text = json.dumps([wallet.kind, wallet.read_options()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
