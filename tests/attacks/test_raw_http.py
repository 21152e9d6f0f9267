"""What no client library sends: requests by raw socket to the web server as our parent starts it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.live import LiveSite
from wallets_site.supervisor import WEB_OPTIONS

OK = b"GET /accounts/login/ HTTP/1.1\r\nHost: wallets.example\r\n"


@pytest.fixture
def served(site) -> Iterator[LiveSite]:
    options = " ".join(f"'{word}'" for word in WEB_OPTIONS)
    running = LiveSite(site, ALLOWED_HOSTS="wallets.example", GUNICORN_CMD_ARGS=options)
    yield running
    running.stop()


def said(site: LiveSite, raw: bytes, *, wait: float = 5) -> bytes:
    """Everything the server answers until it closes, or for so long."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=wait) as line:
        line.sendall(raw)
        found = b""
        try:
            while piece := line.recv(65536):
                found += piece
        except TimeoutError:
            pass
        return found


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


SMUGGLED = b"GET /admin/ HTTP/1.1\r\nHost: wallets.example\r\n\r\n"
BAD = {
    "length and chunks": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + SMUGGLED,
    "two equal lengths": b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a signed length": b"Content-Length: +3\r\n\r\nabc",
    "a hexadecimal length": b"Content-Length: 0x3\r\n\r\nabc",
    "a blank before the colon": b"Content-Length : 0\r\n\r\n",
    "a folded header": b"X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "two hosts": b"Host: evil.example\r\n\r\n",
    "a NUL": b"X-A: a\0b\r\n\r\n",
    "a chunk with a prefix": b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: cow\r\n\r\n0\r\n\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


def test_no_request_hides_another_one(served):
    wrong = {}
    for what, rest in BAD.items():
        found = statuses(said(served, OK.replace(b"GET", b"POST") + rest))
        if not found or min(found) < 400 or (found[0] == 403 and len(found) > 2):
            wrong[what] = found
    bare = said(served, b"GET / HTTP/1.1\nHost: wallets.example\n\n", wait=3)
    assert wrong == {}
    assert statuses(bare) in ([], [400])


def test_what_is_too_long_is_refused_before_anything_reads_it(served):
    assert statuses(said(served, b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: wallets.example\r\n\r\n")) == [414]
    many = b"".join(b"X-%d: a\r\n" % number for number in range(101))
    assert statuses(said(served, OK + many + b"\r\n")) == [431]
    assert statuses(said(served, OK + b"X-A: " + b"a" * 9000 + b"\r\n\r\n")) == [431]


def test_a_request_without_a_host_of_ours_is_400(served):
    for raw in (
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: good:80@evil\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    ):
        assert statuses(said(served, raw)) == [400], raw


def test_headers_of_a_proxy_that_is_none_change_nothing(served):
    for forged in (b"SCRIPT_NAME: /admin", b"Script-Name: /admin", b"X_Forwarded_Proto: https", b"PATH_INFO: /admin/",
                   b"X-Original-URL: /admin/", b"X-Rewrite-URL: /admin/", b"X-Forwarded-Prefix: /evil"):  # fmt: skip
        answer = said(served, OK + forged + b"\r\nConnection: close\r\n\r\n")
        assert statuses(answer) == [200], forged
        assert b'action="/accounts/login/"' in answer, forged
