"""A Redis of the test's own, on 127.0.0.1 and a port nobody uses."""

from __future__ import annotations

import socket
from pathlib import Path

import redis

from tests.support.components import needs
from tests.support.processes import Child, wait_for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    def __init__(self, folder: Path) -> None:
        program = needs("redis-server")
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        self.child = Child([program, *options, "--dir", folder], log=folder / "redis.log")
        wait_for("Redis", self._answers)

    def _answers(self) -> bool:
        assert self.child.running, self.child.output()
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        self.child.stop()
