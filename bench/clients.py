"""Clients that cost little: requests written once, connections kept, answers read by their length."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench.report import middle

_LENGTH = re.compile(rb"\r\nContent-Length: ([0-9]+)\r\n", re.IGNORECASE)
Make = Callable[[int, int], bytes]  # (client, number) -> a whole request


def get(path: str, *, headers: dict[str, str] | None = None) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {text}" for name, text in (headers or {}).items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Line:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> bytes:
        """The body of a 200 or a 201; anything else is an error."""
        self.socket.sendall(request)
        got = self.socket.recv(65_536)
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, body = got.partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")), got[:500]
        found = _LENGTH.search(head + b"\r\n")
        assert found, head
        while len(body) < int(found[1]):
            body += self._more()
        return body

    def _more(self) -> bytes:
        got = self.socket.recv(65_536)
        assert got, "the server hung up"
        return got

    def close(self) -> None:
        self.socket.close()


def rate(port: int, make: Make, *, clients: int, seconds: int, wanted: bytes = b"") -> float:
    """Answers per second, each of them holding `wanted`."""
    counts = [0] * clients

    def work(place: int) -> None:
        line, ends = Line(port), time.monotonic() + seconds
        while time.monotonic() < ends:
            body = line.ask(make(place, counts[place]))
            assert wanted in body, body[:500]
            counts[place] += 1
        line.close()

    started = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(work, range(clients)))
    return sum(counts) / (time.monotonic() - started)


def milliseconds(port: int, requests: dict[str, bytes], *, times: int) -> dict[str, float]:
    """The median time of each, asked by one client in turn, so that noise falls on all of them alike."""
    line, found = Line(port), {name: [0.0] * 0 for name in requests}
    for request in requests.values():
        line.ask(request)
    for _ in range(times):
        for name, request in requests.items():
            started = time.perf_counter()
            line.ask(request)
            found[name].append((time.perf_counter() - started) * 1000)
    line.close()
    return {name: middle(samples) for name, samples in found.items()}
