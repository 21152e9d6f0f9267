"""Proof of work: from a file where it lies ready, a work server, the node, or our own processor. Always checked here."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace

from adapters.banano.blocks import Block
from adapters.banano.node import WORK_SECONDS, Node
from adapters.banano.options import BananoOptions
from adapters.base import NodeDown
from adapters.codecs import banano_crypto as crypto
from adapters.rpc import JsonRpc

OWN_SECONDS = 25  # with the node's try before it an adapter call stays below 75 s
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
        own: Callable[[bytes, int], str | None] = self._own
        asked = [self._node_work, own] if self._options.work == "node" else [own, self._node_work]
        if self._server is not None:
            asked.insert(0, self._server_work)
        for source in asked:
            work = source(root, needed)
            if work is not None and crypto.work_is_enough(root, work, needed):
                return work.lower()
        raise NodeDown("nobody found proof of work in time; it will be tried again")

    def _own(self, root: bytes, needed: int) -> str | None:
        return crypto.find_work(root, needed, OWN_SECONDS)

    def _node_work(self, root: bytes, needed: int) -> str | None:
        with contextlib.suppress(NodeDown):  # often switched off: "RPC control is disabled"
            return str(self._node.ask("work_generate", hash=_hex(root), difficulty=f"{needed:016x}").get("work"))
        return None

    def _server_work(self, root: bytes, needed: int) -> str | None:
        assert self._server is not None
        fields = {"action": "work_generate", "hash": _hex(root), "difficulty": f"{needed:016x}"}
        with contextlib.suppress(NodeDown):
            answer = self._server.post("", fields, read_seconds=WORK_SECONDS // 2)
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
        with self._file() as file:
            if file is not None:
                file.execute("INSERT OR REPLACE INTO work (root, work) VALUES (?, ?)", (_hex(root), work))
                file.execute(
                    "DELETE FROM work WHERE rowid NOT IN (SELECT rowid FROM work ORDER BY rowid DESC LIMIT ?)",
                    (MOST_KEPT,),
                )

    def _stored(self, root: bytes) -> str | None:
        with self._file() as file:
            row = file.execute("SELECT work FROM work WHERE root = ?", (_hex(root),)).fetchone() if file else None
            return str(row[0]) if row else None
        return None

    @contextlib.contextmanager
    def _file(self) -> Iterator[sqlite3.Connection | None]:
        """None without a file. A file that cannot be used costs time, never a payment."""
        if not self._options.work_file:
            yield None
            return
        with contextlib.suppress(sqlite3.Error):
            with contextlib.closing(sqlite3.connect(self._options.work_file, timeout=1)) as file, file:
                file.execute("CREATE TABLE IF NOT EXISTS work (root TEXT PRIMARY KEY, work TEXT NOT NULL)")
                yield file


def _hex(root: bytes) -> str:
    return root.hex().upper()
