"""Django's SQLite engine, with writers that take turns.

SQLite's own waiting is a lottery of sleeps: of eight busy processes one may get a thousand times what another gets.
Here a transaction first queues for a file beside the database. There are two locks: whoever waits for `turn` stands
in the `door`, so that the one who just wrote cannot walk in again before them. The system frees both when a process
dies.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO, Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    transaction_mode: str | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._door: IO[bytes] | None = None
        self._turn: IO[bytes] | None = None

    def _start_transaction_under_autocommit(self) -> None:
        if self.transaction_mode is not None:  # None: somebody who only reads
            self._take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except BaseException:
            self._give_turn()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._give_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._give_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            for file in filter(None, (self._turn, self._door)):
                file.close()  # gives the turn as well
            self._door = self._turn = None

    def _take_turn(self) -> None:
        if self._door is None or self._turn is None:
            path = str(self.settings_dict["NAME"])
            self._door = Path(f"{path}-door").open("ab")  # noqa: SIM115 - closed with the connection
            self._turn = Path(f"{path}-turn").open("ab")  # noqa: SIM115
        fcntl.flock(self._door, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._door, fcntl.LOCK_UN)

    def _give_turn(self) -> None:
        if self._turn is not None:
            fcntl.flock(self._turn, fcntl.LOCK_UN)
