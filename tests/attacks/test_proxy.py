"""nginx in front, as deploy/nginx.conf sets it up: what it keeps away, and what it cannot be talked into."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from accounts.models import AuditEvent
from tests.adapters.test_net_guard import certificate
from tests.support.components import needs
from tests.support.live import LiveSite
from tests.support.processes import ROOT, Child, wait_for
from tests.support.running import free_port
from wallets_site.supervisor import WEB_OPTIONS

HOST = "wallets.example"


class Proxied:
    def __init__(self, site: LiveSite, port: int) -> None:
        self.site, self.port = site, port
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def line(self) -> ssl.SSLSocket:
        return self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=30))

    def say(self, raw: bytes) -> bytes:
        with self.line() as line:
            line.sendall(raw)
            found = b""
            while piece := line.recv(65536):
                found += piece
            return found

    def get(self, path: str, *headers: str, host: str = HOST) -> tuple[int, bytes]:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
        answer = self.say("\r\n".join(lines).encode())
        return int(answer[9:12]), answer


def configuration(folder: Path, upstream: int, port: int, plain: int) -> str:
    """Our sample, with other ports and a certificate of the test's own."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    certificate(HOST, folder)
    text = re.sub(r"listen \[::\].*\n", "", text).replace("listen 80;", f"listen 127.0.0.1:{plain};")
    text = text.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}").replace("/var/log/nginx", str(folder))
    text = re.sub(r"/etc/letsencrypt/live/\S+/fullchain.pem", f"{folder}/{HOST}.pem", text)
    text = re.sub(r"/etc/letsencrypt/live/\S+/privkey.pem", f"{folder}/{HOST}.key", text)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/error.log;"
        f"events {{}} http {{ {temporary} {text} }}"
    )


@pytest.fixture
def proxied(site, tmp_path: Path) -> Iterator[Proxied]:
    nginx = needs("nginx")
    options = " ".join(f"'{word}'" for word in WEB_OPTIONS)
    behind = LiveSite(
        site, ALLOWED_HOSTS=HOST, WALLETS_PROXY_COUNT="1", WALLETS_BEHIND_TLS_PROXY="True", GUNICORN_CMD_ARGS=options
    )
    port, plain = free_port(), free_port()
    written = tmp_path / "nginx.conf"
    written.write_text(configuration(tmp_path, behind.port, port, plain))
    front = Child([nginx, "-c", written], log=tmp_path / "nginx.log")
    try:
        wait_for(f"nginx {front.output()}", lambda: _open(port), seconds=20)
        yield Proxied(behind, port)
    finally:
        front.stop()
        behind.stop()


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_sample_is_a_configuration_nginx_takes(tmp_path):
    written = tmp_path / "nginx.conf"
    written.write_text(configuration(tmp_path, 1, free_port(), free_port()))
    done = subprocess.run([needs("nginx"), "-t", "-c", written], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_gets_through_that_is_not_what_it_seems(proxied, alice):
    start = f"POST /accounts/login/ HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n".encode()
    hidden = f"GET /admin/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    for rest in (
        b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + hidden,
        b"Transfer-Encoding: cow\r\n\r\n0\r\n\r\n" + hidden,
    ):
        answer = proxied.say(start + rest)
        assert answer.count(b"HTTP/1.1 ") == 1, rest
        assert int(answer[9:12]) >= 400, rest
    status, answer = proxied.get("/accounts/login/")
    assert status == 200
    assert b"Strict-Transport-Security" not in answer  # the site behind has no https address in this test
    assert proxied.get("/accounts/login/", host="evil.example")[0] == 400
    for forged in ("X-Forwarded-Host: evil.example", "X_Forwarded_Host: evil.example", "SCRIPT_NAME: /evil"):
        status, answer = proxied.get("/accounts/login/", forged)
        assert (status, b"evil" in answer) == (200, False), forged


def test_the_callers_address_cannot_be_forged(proxied, alice):
    """A wrong password is noted with the address of who typed it."""
    _, page = proxied.get("/accounts/login/")
    token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    cookie = re.search(rb"Set-Cookie: (csrf=[^;]+)", page)
    assert token
    assert cookie
    body = b"csrfmiddlewaretoken=%s&login=alice@example.com&password=wrong" % token[1]
    head = (
        f"POST /accounts/login/ HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nOrigin: https://{HOST}\r\n"
        f"Cookie: {cookie[1].decode()}\r\nX-Forwarded-For: 1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    answer = proxied.say(head.encode() + body)
    assert int(answer[9:12]) == 200, answer[:300]
    assert [event.ip for event in AuditEvent.objects.filter(what="login_failed")] == ["127.0.0.1"]


def test_visitors_are_served_while_others_drip_their_headers(proxied):
    """The web server's threads never see the slow ones. One address has 30 connections at most."""
    with ExitStack() as held:
        slow = [held.enter_context(proxied.line()) for _ in range(25)]
        for line in slow:
            line.sendall(b"GET /accounts/login/ HTTP/1.1\r\nHost: wallets.example\r\n")
        started = time.monotonic()
        assert proxied.get("/accounts/login/")[0] == 200
        assert time.monotonic() - started < 10
        bodies = [held.enter_context(proxied.line()) for _ in range(3)]
        for line in bodies:
            line.sendall(b"POST /accounts/login/ HTTP/1.1\r\nHost: wallets.example\r\nContent-Length: 1000\r\n\r\ncsrf")
        assert proxied.get("/accounts/login/")[0] == 200
