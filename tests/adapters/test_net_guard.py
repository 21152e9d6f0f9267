"""URLs that people type lead to the public internet or nowhere: every known way in, tried against real sockets."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wallets_site.base import net

# Every way to write an address that leads inside (octal, hexadecimal, short, wide digits, IPv4 in IPv6, NAT64, 6to4,
# Teredo, metadata services, link-local, multicast, reserved), and URLs on which parsers disagree.
HOSTS = (
    *("127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "017700000001", "0x7f000001", "0x7f.0.0.1", "0", "0.0.0.0"),
    *("①②⑦.0.0.1", "127。0。0。1", "localhost", "localhost.", "LOCALHOST", "169.254.169.254", "2852039166"),
    *("0251.0376.0251.0376", "100.64.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "192.0.0.1", "192.0.0.170"),
    *("198.18.0.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]"),
    *("[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[100::1]", "[5f00::1]"),
)
TRICKS = (
    *("http://good.example@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@good.example/", "http:127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}#@good.example/", "http://127.0.0.1:{port}\\.good.example/", "http:///127.0.0.1:{port}/"),
    *("http://127.0.0.1\t:{port}/", "http://127.0.0.1\r\n:{port}/", " http://127.0.0.1:{port}/", "http://a:b@[::1]:{port}/"),
    *("gopher://127.0.0.1:{port}/", "file:///etc/passwd", "ftp://127.0.0.1:{port}/", "dict://127.0.0.1:{port}/"),
    *("unix://127.0.0.1:{port}/", "data:text/plain,x", "//127.0.0.1:{port}/", "http://127.0.0.1:{port}/" + "a" * 9000),
)  # fmt: skip


class Listener:
    """Counts who comes in at an address and answers everybody with 200, in TLS when given a context."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family)
        self.port: int = self.socket.getsockname()[1]
        self.visits = 0
        self.tls = tls
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            self.visits += 1
            try:
                with self.tls.wrap_socket(line, server_side=True) if self.tls else line as talk:
                    talk.settimeout(5)
                    talk.recv(65536)
                    talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nin")
            except OSError:
                continue

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


@contextmanager
def listening(host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Listener]:
    made = Listener(host, port, tls)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def inside() -> Iterator[tuple[Listener, Listener]]:
    """Something that listens on this machine, on IPv4 and IPv6, at the same port."""
    with listening() as four, listening("::1", four.port) as six:
        yield four, six


@pytest.fixture
def client() -> Iterator[net.Client]:
    made = net.Client(public_only=True)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def any_port(inside: tuple[Listener, Listener], monkeypatch: pytest.MonkeyPatch) -> None:
    """The port alone must not be what stops them."""
    monkeypatch.setattr(net, "PUBLIC_PORTS", net.PUBLIC_PORTS | {inside[0].port})


@pytest.mark.parametrize("host", HOSTS)
def test_no_way_of_writing_an_inside_address_gets_in(inside, client, host):
    with pytest.raises(net.NetError):
        client.get(f"http://{host}:{inside[0].port}/", read_seconds=1)
    assert [each.visits for each in inside] == [0, 0]


@pytest.mark.parametrize("url", TRICKS)
def test_no_url_that_parsers_disagree_on_gets_in(inside, client, url):
    with pytest.raises(net.NetError):
        client.get(url.format(port=inside[0].port), read_seconds=1)
    assert [each.visits for each in inside] == [0, 0]


def test_the_listeners_would_have_been_reached_without_the_guard(inside):
    plain = net.Client()
    assert plain.get(f"http://127.0.0.1:{inside[0].port}/").body == b"in"
    assert plain.get(f"http://[::1]:{inside[1].port}/").body == b"in"
    plain.close()
    inside[0].visits = inside[1].visits = 0


def test_a_private_target_that_the_owner_named_is_called_and_no_other(inside):
    port = inside[0].port
    client = net.Client(public_only=True, inside=[f"127.0.0.1:{port}"])
    assert client.get(f"http://127.0.0.1:{port}/").body == b"in"
    for other in (f"http://localhost:{port}/", f"http://[::1]:{port}/", "http://127.0.0.1:8080/"):
        with pytest.raises(net.Forbidden):
            client.get(other)
    client.close()
    assert (inside[0].visits, inside[1].visits) == (1, 0)
    inside[0].visits = 0


class Names:
    """A resolver of the test's own: each answer in turn, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int, *more: object, **options: object) -> list[tuple[object, ...]]:
        self.asked += 1
        found = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return [(socket.AF_INET6 if ":" in text else socket.AF_INET, 1, 6, "", (text, port)) for text in found]


@pytest.mark.parametrize(
    "answers",
    [
        ["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"], ["2606:2800:220:1::1", "::1"], ["::1"],
        ["93.184.216.34", "169.254.169.254"],
    ],
)  # fmt: skip
def test_a_name_with_one_inside_answer_gets_nowhere(inside, client, monkeypatch, answers):
    monkeypatch.setattr(socket, "getaddrinfo", Names(answers))
    with pytest.raises(net.Forbidden, match="public internet"):
        client.get(f"http://two-faced.example:{inside[0].port}/")
    assert [each.visits for each in inside] == [0, 0]


def outside(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> Names:
    """127.0.0.2 plays the public internet; names resolve to what the test says."""
    real, names = net.is_public, Names(*answers)
    monkeypatch.setattr(net, "is_public", lambda text: text == "127.0.0.2" or real(text))
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **options: (
            names(host, *more, **options) if str(host).endswith(".example") else resolve(host, *more, **options))
    )  # fmt: skip
    return names


def test_a_name_that_changes_its_mind_is_asked_once_and_held_to_its_first_answer(inside, client, monkeypatch):
    names = outside(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])
    with listening("127.0.0.2", inside[0].port) as public:
        assert client.get(f"http://rebinding.example:{public.port}/").body == b"in"
    assert (public.visits, inside[0].visits, names.asked) == (1, 0, 1)


def test_a_resolver_that_hangs_is_left_behind(client, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(net, "RESOLVE_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [gate.wait(20)][:0])
    started = time.monotonic()
    with pytest.raises(net.NoAnswer, match="not known"):
        client.get("http://slow.example/")
    gate.set()
    assert time.monotonic() - started < 5


def certificate(name: str, folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server's TLS context for this name, and the file that makes a client trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    trusted, private = folder / f"{name}.pem", folder / f"{name}.key"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, str(trusted)


@pytest.mark.parametrize(("called", "works"), [("good.example", True), ("other.example", False)])
def test_the_certificate_must_be_for_the_name_and_not_for_the_address(
    inside, client, monkeypatch, tmp_path, called, works
):
    outside(monkeypatch, ["127.0.0.2"])
    context, trusted = certificate("good.example", tmp_path)
    client._session.verify = trusted
    with listening("127.0.0.2", inside[0].port, context) as public:
        if works:
            assert client.get(f"https://{called}:{public.port}/").body == b"in"
        else:
            with pytest.raises(net.NoAnswer, match="certificate is not valid"):
                client.get(f"https://{called}:{public.port}/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_inside(inside, monkeypatch, status):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            line, _ = server.accept()
            with line:
                line.recv(65536)
                there = f"http://127.0.0.1:{inside[0].port}/"
                line.sendall(f"HTTP/1.1 {status} Go\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        client = net.Client(public_only=True, inside=[f"127.0.0.1:{port}"])
        assert client.get(f"http://127.0.0.1:{port}/").status == status
        client.close()
        thread.join()
    assert inside[0].visits == 0
