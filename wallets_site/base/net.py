"""The one HTTP client of the site: node daemons, webhooks, rates.

It never follows a redirect, reads no proxy or netrc settings, keeps no cookies, takes no compressed
answer, and is capped in bytes and in wall-clock time. With public_only it refuses every address that is
not on the public internet, after resolving the name once and connecting to that very answer. No error
text holds a URL, a header or a body: addresses and passwords stay out of logs.
"""

from __future__ import annotations

import contextlib
import functools
import http.cookiejar
import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECT_SECONDS = 5
RESOLVE_SECONDS = 5
READ_SECONDS = 10
LARGEST_ANSWER = 1 << 20
LONGEST_URL = 4096
PUBLIC_PORTS = frozenset({80, 443, 8080, 8443})

# Ranges that lead inside and that ipaddress.is_global does not name in every Python release.
_INWARD = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.88.99.0/24",
        "::/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/32",
        "2002::/16",
        "5f00::/16",
        "fec0::/10",
    )
)


class NetError(Exception):
    """No usable answer. The text holds no URL, header or body."""


class Forbidden(NetError):
    """We refuse to call this URL at all."""


class NoAnswer(NetError):
    """Nothing, or not all of it, came back in time."""


class TooLarge(NetError):
    """The answer is above the cap."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class Client:
    """One requests session; serves one thread.

    auth: as requests takes it. largest: cap of an answer in bytes. public_only: for URLs that users type.
    inside: "host:port" of the private targets that may be called nevertheless, as the site's owner wrote them.
    """

    def __init__(
        self,
        *,
        auth: AuthBase | None = None,
        largest: int = LARGEST_ANSWER,
        public_only: bool = False,
        inside: Collection[str] = (),
    ) -> None:
        self._auth = auth
        self._largest = largest
        self._public_only = public_only
        self._inside = frozenset(inside)
        self._connection: HTTPConnection | None = None
        self._session = self._new_session()

    def get(self, url: str, **limits: Any) -> Answer:
        return self.request("GET", url, **limits)

    def post(self, url: str, body: bytes, *, content_type: str = "application/json", **limits: Any) -> Answer:
        headers = {"Content-Type": content_type, **limits.pop("headers", {})}
        return self.request("POST", url, body=body, headers=headers, **limits)

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        read_seconds: float = READ_SECONDS,
        total_seconds: float | None = None,
    ) -> Answer:
        """Any status is an answer, 3xx included. Raises Forbidden, NoAnswer, TooLarge.

        read_seconds: longest silence. total_seconds: longest time in all (default: connect + twice read).
        """
        prepared = self._prepare(method, url, body, headers)
        limit = total_seconds if total_seconds is not None else CONNECT_SECONDS + 2 * read_seconds
        timeout = (min(CONNECT_SECONDS, limit), min(read_seconds, limit))
        send = functools.partial(self._session.send, stream=True, timeout=timeout, allow_redirects=False)
        with self._watched(limit) as late, _translated(late), send(prepared) as response:
            answer = Answer(response.status_code, self._read(response), response.headers)
            if late.is_set():  # cut off in its headers, or in a body without a length: it looks whole
                raise ConnectionError
            return answer

    def renew(self) -> None:
        """Starts over on a new connection: a digest login lives on the old one."""
        self._session.close()
        self._session = self._new_session()

    def close(self) -> None:
        self._session.close()

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.auth = self._auth
        session.headers = requests.structures.CaseInsensitiveDict(
            {"User-Agent": "wallets", "Accept": "*/*", "Accept-Encoding": "identity"}
        )
        session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(self._open))
        return session

    def _prepare(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str] | None
    ) -> requests.PreparedRequest:
        if len(url) > LONGEST_URL:
            raise Forbidden("the URL is too long")
        if urlsplit_safely(url).username is not None:
            raise Forbidden("user and password must not stand in the URL")
        try:
            prepared = self._session.prepare_request(
                requests.Request(method, url, data=body or None, headers=dict(headers or {}))
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise Forbidden("the URL cannot be read") from error
        self._check(urlsplit_safely(str(prepared.url)))
        return prepared

    def _check(self, parts: Any) -> None:
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Forbidden("the URL must begin with http:// or https:// and name a host")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if self._public_only and port not in PUBLIC_PORTS and not self._is_inside(parts.hostname, port):
            raise Forbidden(f"port {port} is not allowed")

    def _is_inside(self, host: str, port: int) -> bool:
        return f"{host}:{port}" in self._inside

    def _open(self, connection: HTTPConnection, connect: Callable[[], socket.socket]) -> Any:
        self._connection = connection
        host = connection._dns_host
        if not self._public_only or self._is_inside(host, connection.port):
            return connect()
        return socket.create_connection((resolve_public(host, connection.port), connection.port), connection.timeout)

    def _read(self, response: requests.Response) -> bytes:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise NoAnswer("the answer is compressed, which was not asked for")
        pieces, size = [], 0
        for piece in response.raw.stream(1 << 16, decode_content=False):
            size += len(piece)
            if size > self._largest:
                self.renew()
                raise TooLarge(f"the answer is larger than {self._largest} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    @contextlib.contextmanager
    def _watched(self, seconds: float) -> Iterator[threading.Event]:
        """Cuts the connection when the time is over: a server that drips bytes never trips a read timeout."""
        done, late = threading.Event(), threading.Event()
        watcher = threading.Thread(target=self._cut, args=(seconds, done, late), daemon=True)
        watcher.start()
        try:
            yield late
        finally:
            done.set()
            watcher.join()

    def _cut(self, seconds: float, done: threading.Event, late: threading.Event) -> None:
        if done.wait(seconds):
            return
        late.set()
        while not done.wait(0.1):
            held = self._connection.sock if self._connection is not None else None
            if held is not None:
                with contextlib.suppress(OSError):
                    # Not SSLSocket.shutdown: that one swaps the reader's state under its feet.
                    socket.socket.shutdown(held, socket.SHUT_RDWR)


class _Adapter(HTTPAdapter):
    """Hands every new connection to `opened` before it is used; keeps one connection a host."""

    def __init__(self, opened: Callable[..., Any]) -> None:
        self._opened = opened
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        opened = self._opened

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return opened(self, super()._new_conn)  # type: ignore[no-any-return]

        class Tls(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return opened(self, super()._new_conn)  # type: ignore[no-any-return]

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = Tls

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}


@contextlib.contextmanager
def _translated(late: threading.Event) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    except NetError:
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise NoAnswer(_reason(error, late.is_set(), int(time.monotonic() - started))) from None


def _reason(error: Exception, late: bool, seconds: int) -> str:
    if late:
        return f"the answer did not end in {seconds} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not valid"
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError):
        return f"no answer in {seconds} s"
    return "connection refused" if "refused" in str(error) else "the connection failed"


def urlsplit_safely(url: str) -> Any:
    """urlsplit with its port checked too; raises Forbidden where it cannot be read."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Forbidden("the URL cannot be read") from error
    return parts


def is_public(text: str) -> bool:
    """Whether this IP address is on the public internet; IPv4 inside IPv6 counts as what it is."""
    ip: Any = ipaddress.ip_address(text.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    inward = any(ip in network for network in _INWARD if network.version == ip.version)
    return bool(ip.is_global) and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or inward)


def resolve_public(host: str, port: int) -> str:
    """The address to connect to. Raises Forbidden unless every answer of the resolver is public."""
    found = _resolve(host, port)
    if not found or not all(is_public(text) for text in found):
        raise Forbidden("the host is not on the public internet")
    return found[0]


def _resolve(host: str, port: int) -> list[str]:
    """Every address of this name. A resolver that hangs is left behind: getaddrinfo knows no time limit."""
    answers: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([str(entry[4][0]) for entry in found])
        except (OSError, UnicodeError):
            answers.put(None)

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answers.get(timeout=RESOLVE_SECONDS)
    except queue.Empty:
        found = None
    if found is None:
        raise NoAnswer("the host name is not known")
    return found
