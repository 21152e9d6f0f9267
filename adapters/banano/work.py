"""Proof of work: ready in a file, from a work server, the node, or our own processor; always checked here."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace

from adapters.banano.blocks import Block
from adapters.banano.node import WORK_SECONDS, Node
from adapters.banano.options import BananoOptions
from adapters.base import NodeDown
from adapters.codecs import banano_crypto as crypto
from adapters.rpc import JsonRpc

FIND_SECONDS = 50  # for all who are asked together; own code gets what the others left, and at least
OWN_SECONDS = 10
MOST_KEPT = 64


class Worker:
    def __init__(self, options: BananoOptions, node: Node) -> None:
        self._options = options
        self._node = node
        self._server = JsonRpc(options.work_url) if options.work_url else None
        self._kept: dict[str, str] = {}

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    def worked(self, block: Block, *, sends: bool) -> Block:
        """The block with work that the network accepts now. Raises NodeDown when nobody finds any in time."""
        needed = self.needed(sends)
        if crypto.work_is_enough(block.root, block.work, needed):
            return block
        work = self._known(block.root, needed) or self._find(block.root, needed)
        return replace(block, work=work)

    def needed(self, sends: bool) -> int:
        """The coin's threshold, or the network's own where that is higher."""
        return max(self._options.threshold(sends), self._node.minimum_work(sends))

    def prepare_for(self, root: bytes) -> None:
        """Has work ready before a payment needs it."""
        needed = self.needed(sends=True)
        if not self._known(root, needed):
            self._keep(root, self._find(root, needed))

    def _find(self, root: bytes, needed: int) -> str:
        ends = int(time.monotonic()) + FIND_SECONDS
        asked: list[Callable[[bytes, int], str | None]] = [self._node_work]
        asked.insert(int(self._options.work == "node"), lambda root, needed: _own(root, needed, ends))
        if self._server is not None:
            asked.insert(0, self._server_work)
        for source in asked:
            work = source(root, needed)
            if work is not None and crypto.work_is_enough(root, work, needed):
                return work.lower()
        raise NodeDown("nobody found proof of work in time; it will be tried again")

    def _node_work(self, root: bytes, needed: int) -> str | None:
        with contextlib.suppress(NodeDown):  # often switched off: "RPC control is disabled"
            return str(self._node.ask("work_generate", hash=_hex(root), difficulty=f"{needed:016x}").get("work"))
        return None

    def _server_work(self, root: bytes, needed: int) -> str | None:
        assert self._server is not None
        fields = {"action": "work_generate", "hash": _hex(root), "difficulty": f"{needed:016x}"}
        with contextlib.suppress(NodeDown):
            answer = self._server.post("", fields, read_seconds=WORK_SECONDS // 4)
            return str(answer.get("work")) if isinstance(answer, dict) else None
        return None

    # -- work that lies ready --

    def _known(self, root: bytes, needed: int) -> str | None:
        work = self._kept.get(_hex(root)) or self._stored(root)
        return work if work is not None and crypto.work_is_enough(root, work, needed) else None

    def _keep(self, root: bytes, work: str) -> None:
        self._kept[_hex(root)] = work
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._in_file("INSERT OR REPLACE INTO work (root, work) VALUES (?, ?)", _hex(root), work)
        self._in_file("DELETE FROM work WHERE rowid <= (SELECT max(rowid) FROM work) - ?", MOST_KEPT)

    def _stored(self, root: bytes) -> str | None:
        rows = self._in_file("SELECT work FROM work WHERE root = ?", _hex(root))
        return str(rows[0][0]) if rows else None

    def _in_file(self, statement: str, *values: str | int) -> list[tuple[str]]:
        """Nothing without a file. A file that cannot be used costs time, never a payment."""
        if not self._options.work_file:
            return []
        try:
            with contextlib.closing(sqlite3.connect(self._options.work_file, timeout=1)) as file, file:
                file.execute("CREATE TABLE IF NOT EXISTS work (root TEXT PRIMARY KEY, work TEXT NOT NULL)")
                return file.execute(statement, values).fetchall()
        except sqlite3.Error:
            return []


def _own(root: bytes, needed: int, ends: int) -> str | None:
    return crypto.find_work(root, needed, max(OWN_SECONDS, ends - int(time.monotonic())))


def _hex(root: bytes) -> str:
    return root.hex().upper()
