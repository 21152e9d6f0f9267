"""Real child processes of tests: each in a group of its own, gone when the test run is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tests.support.components import find
from tests.support.marker import look_at_log

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable


def wait_for(what: str, ask: Callable[[], T | None], *, seconds: float = 30, pause: float = 0.05) -> T:
    """Asks until the answer is true and returns it; fails naming `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)
    return answer


class Child:
    """A running program with its output in a file."""

    def __init__(
        self,
        args: Sequence[object],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        cwd: Path = ROOT,
    ) -> None:
        self.log = log
        # setpriv becomes the program: same pid, but killed by the kernel when this test run dies.
        wrapper = [str(find("setpriv")), "--pdeathsig", "KILL"] if find("setpriv") else []
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*wrapper, *map(str, args)],
                env=dict(env) if env is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
                cwd=cwd,
                start_new_session=True,
            )
        self.pid = self.process.pid

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        if self.running:
            self.process.send_signal(number)

    def wait(self, seconds: float = 30) -> int:
        return self.process.wait(timeout=seconds)

    def stop(self, number: signal.Signals = signal.SIGTERM, *, seconds: float = 15) -> int:
        """Asks it to stop; what is then left of its group is killed."""
        self.send(number)
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return self.kill()
        finally:
            self._kill_group()

    def kill(self) -> int:
        """kill -9, the whole group."""
        self._kill_group()
        return self.process.wait(timeout=10)

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        look_at_log(self.log)


def children_of(pid: int) -> list[int]:
    """Direct children, by pid order."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(path.parent.name))
    return sorted(found)


def descendants_of(pid: int) -> list[int]:
    below = children_of(pid)
    return below + [deeper for child in below for deeper in descendants_of(child)]


def working_in(directory: Path) -> list[int]:
    """The processes whose working directory it is; a zombie has none."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if path.readlink() == directory:
                found.append(int(path.parent.name))
    return sorted(found)


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
