"""The parent of a running site: starts the web server and the worker cluster, and keeps both alive.

Every few seconds it pokes the cluster: a sweep, which makes good every lost poke, and a beat, which the
cluster answers by writing the shared cache. A cluster that ends is started anew, as it does by itself when a
member is killed (sentinel.py); one that does not answer is killed as a whole, soon after a member vanished, and
after a while in any case. A poke may be lost or run twice: truth stands in the ledger's tables.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.db import close_old_connections

from adapters.models import Wallet
from ledger import pokes
from wallets_site.child import die_with_parent

log = logging.getLogger("wallets.supervisor")

HEARTBEAT: Final = "wallets:heartbeat"
HOST: Final = "127.0.0.1"
TICK: Final = 0.25
LONG_LIFE: Final = 60  # seconds after which a program's earlier deaths are forgiven
WEB_OPTIONS: Final = (
    *("--worker-class", "gthread"),
    *("--forwarder-headers", ""),  # a SCRIPT_NAME header is nobody's to send
    *("--log-level", "warning"),
    "--no-control-socket",
)


@dataclass(frozen=True)
class Timing:
    """Seconds. `stale` must exceed a drain and its longest adapter call, 105 s: busy is not dead.
    longest_pause: between two starts of a program that keeps dying."""

    beat: float = 10
    stale: float = 120
    suspicion: float = 6
    grace: float = 15
    longest_pause: float = 30


class Program:
    """One child in a process group of its own, restarted with a growing pause when it dies."""

    def __init__(self, name: str, args: list[str], pass_fds: tuple[int, ...] = (), *, longest_pause: float) -> None:
        self.name = name
        self.longest_pause = longest_pause
        self.args = args
        self.pass_fds = pass_fds
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.due = 0.0
        self.deaths = 0

    def start(self) -> None:
        command = [sys.executable, "-m", "wallets_site.child", str(os.getpid()), *self.args]
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own arguments
            command, cwd=settings.BASE_DIR, pass_fds=self.pass_fds, stdin=subprocess.DEVNULL, process_group=0
        )
        self.started = time.monotonic()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def revive(self) -> bool:
        """Starts it when it is down and its pause is over; whether it did."""
        if self.running or time.monotonic() < self.due:
            return False
        if self.process is not None:
            self._mourn(self.process)
            if time.monotonic() < self.due:
                return False
        self.start()
        return True

    def _mourn(self, process: subprocess.Popen[bytes]) -> None:
        self.kill()  # what the dead one left in its group
        self.deaths = self.deaths + 1 if time.monotonic() - self.started < LONG_LIFE else 0
        pause = min(2 ** min(self.deaths - 1, 10), self.longest_pause) if self.deaths > 1 else 0
        log.warning("%s ended with %s; starts again in %s s", self.name, process.returncode, pause)
        self.due = time.monotonic() + pause
        self.process = None

    def ask_to_stop(self) -> None:
        """SIGTERM to the leader only: both programs see to their own children."""
        if self.process is not None and self.running:
            self.process.terminate()

    def kill(self) -> None:
        """The whole group, at once."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def members(self) -> frozenset[int]:
        """Living processes of its group; empty where there is no /proc."""
        if self.process is None:
            return frozenset()
        found = set()
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, group = path.read_text().rpartition(")")[2].split()[:3]
                if int(group) == self.process.pid and state != "Z":
                    found.add(int(path.parent.name))
        return frozenset(found)


class Pulse:
    """Asks the cluster for a sign of life and judges how long it may take."""

    def __init__(self, timing: Timing, clock: Callable[[], float] = time.monotonic) -> None:
        self.timing = timing
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        self.members: frozenset[int] = frozenset()
        self.asked_at: float | None = None
        self.doubt_at: float | None = None
        self.answers_left = 0
        self.before: Any = None
        self.next_at = 0.0

    def ask(self) -> None:
        """One sweep and one beat; while they are unanswered only the beat, in case it was lost."""
        self.next_at = self.clock() + self.timing.beat
        if self.asked_at is None:
            self._begin_wait()
            pokes.enqueue("sweep")
        pokes.enqueue("beat")

    def look(self, members: frozenset[int]) -> None:
        """Notes who is there: somebody missing may have taken the queue's lock along."""
        if self.members - members and self.doubt_at is None:
            log.info("a process of the cluster vanished; asking whether the others still work")
            # Two answers: the first may come from work that was under way.
            self.doubt_at, self.answers_left = self.clock(), 2
            self._begin_wait()
            pokes.started("beat")
            pokes.enqueue("beat")
        self.members = members

    def check(self) -> bool:
        """False when the cluster must be taken for dead."""
        if self.asked_at is None:
            return True
        if cache.get(HEARTBEAT) != self.before:
            self._answered()
            return True
        now = self.clock()
        if self.doubt_at is not None and now - self.doubt_at > self.timing.suspicion:
            return False
        return now - self.asked_at <= self.timing.stale

    def _begin_wait(self) -> None:
        self.before = cache.get(HEARTBEAT)
        self.asked_at = self.clock()

    def _answered(self) -> None:
        self.asked_at = None
        self.answers_left -= 1
        if self.doubt_at is not None and self.answers_left > 0:
            self._begin_wait()
            pokes.enqueue("beat")
        else:
            self.doubt_at = None


class Supervisor:
    def __init__(
        self,
        *,
        port: int | None,
        timing: Timing,
        on_ready: Callable[[str], None] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        """port None: no web server. Raises OSError when the port is taken."""
        self.timing = timing
        self.on_ready = on_ready
        self.pulse = Pulse(timing)
        self.web: Program | None = None
        pause = timing.longest_pause
        self.cluster = Program("cluster", ["cluster"], longest_pause=pause) if settings.CLUSTER_ON else None
        self._listener: socket.socket | None = None
        if port is not None:
            # Ours for the whole life: while the web server restarts, visitors wait instead of being refused.
            self._listener = socket.create_server((HOST, port), backlog=256)
            self._listener.set_inheritable(True)
            self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
            descriptor = self._listener.fileno()
            self.web = Program("web", self._web_args(descriptor), (descriptor,), longest_pause=pause)
        self._stop = threading.Event()

    def _web_args(self, descriptor: int) -> list[str]:
        size = ["--workers", str(settings.WEB_WORKERS), "--threads", str(settings.WEB_THREADS)]
        return ["gunicorn", "wallets_site.wsgi", "--bind", f"fd://{descriptor}", *size, *WEB_OPTIONS]

    @property
    def programs(self) -> list[Program]:
        return [program for program in (self.web, self.cluster) if program is not None]

    def run(self) -> None:
        """Until SIGINT, SIGTERM or SIGHUP; then nothing of ours is left running."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.set())
        if os.environ.get("WALLETS_FOLLOW_PARENT"):  # set by make, which cannot pass on a kill -9
            die_with_parent(signal.SIGTERM)
        try:
            while not self._stop.is_set():
                self._watch_programs()
                self._watch_pulse()
                self._announce()
                self._stop.wait(TICK)
        finally:
            self._stop_all()

    def _watch_programs(self) -> None:
        for program in self.programs:
            if program.revive() and program is self.cluster:
                self._begin_anew()

    def _begin_anew(self) -> None:
        """What the last cluster had taken and not begun is lost with it: allow those pokes again."""
        self.pulse.reset()
        with self._patience():
            pokes.forget_all(Wallet.objects.values_list("pk", flat=True))

    def _watch_pulse(self) -> None:
        if self.cluster is None or not self.cluster.running:
            return
        with self._patience():
            self.pulse.look(self.cluster.members())
            if time.monotonic() >= self.pulse.next_at:
                self.pulse.ask()
            if not self.pulse.check():
                log.error("the cluster does not answer; killing it")
                self.cluster.kill()

    @contextlib.contextmanager
    def _patience(self) -> Any:
        """The cache or the queue may be away for a while: that is no reason to stop watching."""
        close_old_connections()
        try:
            yield
        except Exception:
            log.exception("cannot ask the cluster for a sign of life")
            self.pulse.next_at = time.monotonic() + self.timing.beat

    def _announce(self) -> None:
        if self.on_ready is None or self.web is None or not self.web.running:
            return
        if answers(self.url):
            self.on_ready(self.url)
            self.on_ready = None

    def _stop_all(self) -> None:
        for program in self.programs:
            program.ask_to_stop()
        deadline = time.monotonic() + self.timing.grace
        while any(program.running for program in self.programs) and time.monotonic() < deadline:
            time.sleep(0.05)
        for program in self.programs:
            program.kill()
        if self._listener is not None:
            self._listener.close()


def answers(url: str) -> bool:
    """Whether the web server behind this address takes requests; any page will do."""
    place = url.removeprefix("http://")
    connection = http.client.HTTPConnection(place, timeout=1)
    try:
        connection.request("GET", "/accounts/login/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
