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
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

LONGEST_GRACE = 0.4  # seconds that a worker may run on when it dies between two steps


class Life(NamedTuple):
    """A process group. Numbers of processes come again in a long run; together with its start it is one of a kind."""

    group: int
    started: int


class Reaper:
    """One death a life, with the likelihood of each step it comes to. A life is a cluster: guard and workers in one
    process group, as the site's parent starts it."""

    def __init__(self, path: Path, chance: random.Random, *, likelihood: Mapping[str, float], most: int) -> None:
        self.kills = 0
        self.by_step: Counter[str] = Counter()
        self.heard_at = time.monotonic()
        self._chance, self._likelihood, self._most = chance, likelihood, most
        self._lives: set[Life] = set()
        self._dead: set[Life] = set()
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
            life = _life_of(pid)
            if life is None:
                return False
            self._lives.add(life)
            if self.done or life in self._dead or self._chance.random() >= self._likelihood[step]:
                return True
            self._dead.add(life)
            grace = self._chance.uniform(0, LONGEST_GRACE) if self._chance.random() < 0.25 else 0
            alone = self._chance.random() < 0.2
        if grace:
            threading.Timer(grace, self._kill, (pid, life, f"after {step}", alone)).start()
            return True
        self._kill(pid, life, step, alone)
        return False

    def kill_anywhere(self, leader: int) -> None:
        """The whole cluster of this leader, wherever its workers stand."""
        with self._lock:
            life = _life_of(leader)
            if self.done or life is None or life in self._dead:
                return
            self._lives.add(life)
            self._dead.add(life)
        self._kill(leader, life, "anywhere", alone=False)

    def _kill(self, pid: int, life: Life, where: str, alone: bool) -> None:
        """alone: only the worker; its guard must notice and end the others."""
        with contextlib.suppress(ProcessLookupError):
            if alone:
                os.kill(pid, signal.SIGKILL)
            else:
                os.killpg(life.group, signal.SIGKILL)
        with self._lock:
            self.kills += 1
            self.by_step[where] += 1


def _life_of(pid: int) -> Life | None:
    """None when that process or its leader is gone."""
    try:
        group = os.getpgid(pid)
        stat = Path(f"/proc/{group}/stat").read_text()
    except OSError:
        return None
    return Life(group, int(stat.rpartition(")")[2].split()[19]))


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
