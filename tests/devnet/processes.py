"""Daemons by pid file: started when they do not run, ended by SIGTERM and patience."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.devnet.rpc import HOST, DevnetError

READY_SECONDS = 90
STOP_SECONDS = 60


def free_port() -> int:
    """A port that nobody uses now. Somebody may take it before the daemon does: then choose again."""
    with contextlib.closing(socket.socket()) as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


def is_taken(port: int) -> bool:
    with contextlib.closing(socket.socket()) as one:
        one.settimeout(2)
        return one.connect_ex((HOST, port)) == 0


class Processes:
    """The daemons of one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        for folder in (directory / "run", directory / "log"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def pid(self, name: str) -> int | None:
        """The pid in NAME's pid file when that process is alive and is ours."""
        try:
            pid = int((self.directory / "run" / f"{name}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None
        child = self._children.get(name)
        if child is not None and child.poll() is not None:
            return None
        command = ["ps", "-o", "stat=,command=", "-ww", "-p", str(pid)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        return pid if shown and shown[0] != "Z" and str(self.directory) in shown else None

    def spawn(self, name: str, port: int, command: list[str], probe: Callable[[], Any]) -> None:
        """Starts a daemon unless it runs, then waits until probe() succeeds."""
        process = None
        if not self.pid(name):
            process = self._launch(name, port, command)
        deadline, last = time.monotonic() + READY_SECONDS, None
        while time.monotonic() < deadline:
            try:
                probe()
                return
            except (DevnetError, OSError, ValueError, http.client.HTTPException) as error:
                last = error
            # ps may not show the arguments of a process that has only just begun: ask Popen.
            if process.poll() is not None if process else not self.pid(name):
                raise DevnetError(f"{name} ended at once:\n{self._tail(name)}")
            time.sleep(0.1)
        raise DevnetError(f"{name} not ready after {READY_SECONDS} s: {last}")

    def _launch(self, name: str, port: int, command: list[str]) -> subprocess.Popen[bytes]:
        if is_taken(port):
            raise DevnetError(f"{name}: port {port} is taken by another program")
        if not shutil.which(command[0]):
            raise DevnetError(f"{name}: {command[0]} is not installed")
        with (self.directory / "log" / f"{name}.out").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, start_new_session=True
            )
        self._children[name] = process
        (self.directory / "run" / f"{name}.pid").write_text(str(process.pid))
        return process

    def _tail(self, name: str) -> str:
        return (self.directory / "log" / f"{name}.out").read_text(errors="replace")[-800:]

    def end(self, name: str, *, kill: bool = False) -> bool:
        """Whether it ran. kill: by SIGKILL, as a power cut does."""
        pid = self.pid(name)
        if pid is not None:
            # A litecoind that is killed forgets every block since its last flush.
            os.kill(pid, signal.SIGKILL if kill else signal.SIGTERM)
            self._await_end(name, pid)
        (self.directory / "run" / f"{name}.pid").unlink(missing_ok=True)
        return pid is not None

    def _await_end(self, name: str, pid: int) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid(name):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        child = self._children.pop(name, None)
        if child is not None:
            child.wait()
