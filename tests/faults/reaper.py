"""Kills workers with SIGKILL, from outside, at the steps they report and between them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socketserver
import threading
import time
from collections import Counter
from pathlib import Path

LONGEST_GRACE = 0.4  # seconds that a worker may run on when it dies between two steps


class Reaper:
    """One death a life. A life is a cluster: guard and workers in one process group, as the site's parent starts it."""

    def __init__(self, path: Path, chance: random.Random, *, likelihood: float, most: int) -> None:
        self.kills = 0
        self.by_step: Counter[str] = Counter()
        self.heard_at = time.monotonic()
        self._chance, self._likelihood, self._most = chance, likelihood, most
        self._lives: set[int] = set()
        self._dead: set[int] = set()
        self._lock = threading.Lock()
        self._server = _Server(str(path), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def lives(self) -> int:
        return len(self._lives)

    @property
    def done(self) -> bool:
        return self.kills >= self._most

    def hear(self, pid: int, step: str) -> bool:
        """Whether the worker that stands at this step may go on."""
        with self._lock:
            self.heard_at = time.monotonic()
            group = _group(pid)
            if not group:
                return False
            self._lives.add(group)
            if self.done or group in self._dead or self._chance.random() >= self._likelihood:
                return True
            self._dead.add(group)
            grace = self._chance.uniform(0, LONGEST_GRACE) if self._chance.random() < 0.25 else 0
            alone = self._chance.random() < 0.2
        if grace:
            threading.Timer(grace, self._kill, (pid, group, f"after {step}", alone)).start()
            return True
        self._kill(pid, group, step, alone)
        return False

    def kill_anywhere(self, leader: int) -> None:
        """The whole cluster of this leader, wherever its workers stand."""
        with self._lock:
            if self.done or leader in self._dead or _group(leader) != leader:
                return
            self._lives.add(leader)
            self._dead.add(leader)
        self._kill(leader, leader, "anywhere", alone=False)

    def _kill(self, pid: int, group: int, where: str, alone: bool) -> None:
        """alone: only the worker; its guard must notice and end the others."""
        with contextlib.suppress(ProcessLookupError):
            if alone:
                os.kill(pid, signal.SIGKILL)
            else:
                os.killpg(group, signal.SIGKILL)
        with self._lock:
            self.kills += 1
            self.by_step[where] += 1


def _group(pid: int) -> int:
    """The process group, or 0 when that process is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A worker that died in the middle is what this is about."""


def _handler(reaper: Reaper) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            pid, step = self.rfile.readline().decode().split()
            if reaper.hear(int(pid), step):
                self.wfile.write(b".")

    return Handler
