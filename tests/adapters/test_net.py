"""The guarded HTTP client against servers that behave badly."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.devnet.processes import free_port
from wallets_site.base import net

HOST = "127.0.0.1"


@contextmanager
def server(talk: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that reads one request head and then says what it likes; its URL."""
    listener = socket.create_server((HOST, 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                line.settimeout(10)
                try:
                    line.recv(65536)
                    talk(line)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}/"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.fixture
def client() -> Iterator[net.Client]:
    made = net.Client(largest=1000)
    yield made
    made.close()


def says(head: str, body: bytes = b"") -> Callable[[socket.socket], None]:
    return lambda line: line.sendall(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def test_an_answer_comes_with_its_status_and_body(client: net.Client):
    with server(says("500 Oops", b'{"a":1}')) as url:
        answer = client.post(url, b"{}")

    assert (answer.status, answer.body) == (500, b'{"a":1}')


def test_a_redirect_is_an_answer_and_is_not_followed(client: net.Client):
    with server(says("302 Found\r\nLocation: http://127.0.0.1:1/")) as url:
        answer = client.get(url)

    assert answer.status == 302
    assert answer.headers["Location"] == "http://127.0.0.1:1/"


def test_nobody_there_is_no_answer(client: net.Client):
    with pytest.raises(net.NoAnswer, match="connection refused"):
        client.get(f"http://{HOST}:{free_port()}/")


def test_silence_ends_with_the_read_timeout(client: net.Client):
    with (
        server(lambda line: threading.Event().wait(1)) as url,
        pytest.raises(net.NoAnswer, match="no answer in 0 s"),
    ):
        client.get(url, read_seconds=0.2)


def test_a_dripping_answer_ends_when_its_whole_time_is_over(client: net.Client):
    def drip(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        for _ in range(50):
            line.sendall(b".")
            time.sleep(0.1)

    started = time.monotonic()
    with server(drip) as url, pytest.raises(net.NoAnswer, match="did not end"):
        client.get(url, read_seconds=2, total_seconds=0.5)
    assert time.monotonic() - started < 3


def test_dripping_headers_end_when_their_whole_time_is_over(client: net.Client):
    def drip(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(50):
            line.sendall(b".")
            time.sleep(0.1)

    with server(drip) as url, pytest.raises(net.NoAnswer, match="did not end"):
        client.get(url, read_seconds=2, total_seconds=0.5)


def test_an_answer_above_the_cap_is_cut_off(client: net.Client):
    with server(says("200 OK", b"x" * 1001)) as url, pytest.raises(net.TooLarge):
        client.get(url)
    with server(says("200 OK", b"x" * 1000)) as url:
        assert len(client.get(url).body) == 1000


def test_an_answer_shorter_than_announced_is_no_answer(client: net.Client):
    def cut(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with server(cut) as url, pytest.raises(net.NoAnswer):
        client.get(url)


def test_a_compressed_answer_is_not_taken(client: net.Client):
    with server(says("200 OK\r\nContent-Encoding: gzip", b"\x1f\x8b")) as url, pytest.raises(net.NoAnswer):
        client.get(url)


@pytest.mark.parametrize("noise", [b"\x00\xff" * 50, b"HTTP/9.9 abc\r\n\r\n", b"", b"SSH-2.0-OpenSSH_9\r\n"])
def test_what_is_no_http_is_no_answer(client: net.Client, noise: bytes):
    with server(lambda line: line.sendall(noise)) as url, pytest.raises(net.NoAnswer):
        client.get(url)


def test_cookies_are_not_kept(client: net.Client):
    seen: list[bytes] = []
    listener = socket.create_server((HOST, 0))

    def serve() -> None:
        for _ in range(2):
            line, _ = listener.accept()
            with line:
                seen.append(line.recv(65536))
                line.sendall(
                    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    for _ in range(2):
        client.get(f"http://{HOST}:{listener.getsockname()[1]}/")
    thread.join()
    listener.close()

    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()


def test_proxy_settings_of_the_environment_are_not_read(client: net.Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", f"http://{HOST}:{free_port()}")
    with server(says("200 OK", b"direct")) as url:
        assert client.get(url).body == b"direct"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://user:secret@127.0.0.1/",
        "http://",
        "127.0.0.1",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http://127.0.0.1/" + "a" * 5000,
    ],
)
def test_a_url_we_do_not_call_is_refused_without_repeating_it(client: net.Client, url: str):
    with pytest.raises(net.Forbidden) as refusal:
        client.get(url)

    assert "secret" not in str(refusal.value)


INSIDE = (
    *("127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "0", "0.0.0.0", "localhost"),
    *("169.254.169.254", "2852039166", "100.64.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "192.0.0.170"),
    *("198.18.0.1", "192.88.99.1", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]"),
    *("[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]"),
    *("[2001:0:7f00:1::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[100::1]"),
    "[5f00::1]",
)


@pytest.mark.parametrize("host", INSIDE)
def test_an_inside_address_is_refused_where_users_type_the_url(host: str):
    client = net.Client(public_only=True)
    with pytest.raises(net.Forbidden):
        client.get(f"http://{host}/", read_seconds=1)
    client.close()


@pytest.mark.parametrize("port", [22, 25, 6379, 8332, 18083])
def test_a_port_that_is_not_for_the_web_is_refused_where_users_type_the_url(port: int):
    client = net.Client(public_only=True)
    with pytest.raises(net.Forbidden, match=f"port {port}"):
        client.get(f"http://93.184.216.34:{port}/")
    client.close()


def test_a_name_with_one_inside_answer_is_refused(monkeypatch: pytest.MonkeyPatch):
    def resolve(host: str, port: int, **more: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (text, port)) for text in ("93.184.216.34", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    with pytest.raises(net.Forbidden, match="public internet"):
        net.resolve_public("two-faced.example", 443)


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_a_public_address_is_public(text: str):
    assert net.is_public(text)
