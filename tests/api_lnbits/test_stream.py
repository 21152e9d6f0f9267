"""The stream of payments: on a real web server, never compressed, with so many seats and no more."""

from __future__ import annotations

import http.client
import json
import re
import socket

import pytest

from ledger.api.lnbits.waiting import Seats
from ledger.models import Event
from ledger.services import purses
from tests.api_lnbits.client import admin_of, purse_of
from tests.support.lightning import node
from tests.support.live import LiveSite
from tests.support.money import scan_now
from tests.support.processes import wait_for

STREAM = "/lnbits/api/v1/payments/sse"


@pytest.fixture
def web(site, coin):
    running = LiveSite(site, WALLETS_LNBITS_STREAMS="3", WALLETS_LNBITS_STREAMS_EACH="2")
    yield running
    running.stop()


class Line:
    """One open stream."""

    def __init__(self, web: LiveSite, key: str, query: str = "") -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
        headers = {"Accept-Encoding": "gzip, deflate, br"} | ({} if query else {"X-Api-Key": key})
        self.line.request("GET", STREAM + query, headers=headers)
        self.answer = self.line.getresponse()

    def words(self) -> str:
        """The next piece, up to its empty line."""
        text = ""
        while not text.endswith("\r\n\r\n"):
            piece = self.answer.readline().decode()
            assert piece, text
            text += piece
        return text

    def close(self) -> None:
        if self.line.sock:
            self.line.sock.shutdown(socket.SHUT_RDWR)
        self.answer.close()
        self.line.close()


def opens(web: LiveSite, key: str) -> Line | None:
    line = Line(web, key)
    if line.answer.status == 200:
        return line
    line.close()
    return None


def test_a_payment_comes_down_the_line_at_once_and_uncompressed(web, admin, cashier, coin):
    line = Line(web, cashier.key)
    assert (line.answer.status, line.answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert line.answer.headers["Content-Encoding"] is None
    assert "no-transform" in line.answer.headers["Cache-Control"]
    assert line.answer.headers["X-Accel-Buffering"] == "no"
    assert line.words() == ": connected\r\n\r\n"
    made = admin.ok("POST", "/api/v1/payments", {"out": False, "amount": 7, "memo": "tea"}, 201)
    node(coin).faucet(made["bolt11"], 7000)
    scan_now(coin)

    event, data, *_ = line.words().split("\r\n")

    assert event == "event: payment-received"
    said = json.loads(data.removeprefix("data: "))
    assert (said["payment_hash"], said["amount"], said["pending"]) == (made["payment_hash"], 7000, False)
    line.close()


def test_a_full_house_says_when_to_come_again_and_a_seat_that_is_left_is_free(web, admin, alice, bob):
    other = admin_of(purse_of(bob, "till"), bob)
    lines = [Line(web, admin.key), Line(web, admin.key)]
    third = Line(web, admin.key)
    assert (third.answer.status, third.answer.headers["Retry-After"]) == (503, "30")
    assert set(json.loads(third.answer.read())) == {"detail", "message", "status"}
    lines.append(Line(web, other.key))
    fourth = Line(web, admin_of(purse_of(alice, "more"), alice).key)
    assert (lines[-1].answer.status, fourth.answer.status) == (200, 503)
    lines.pop(0).close()

    lines.append(wait_for("the seat that was left", lambda: opens(web, admin.key), seconds=15, pause=0.3))

    for line in (*lines, third, fourth):
        line.close()


def test_pages_answer_while_the_house_is_full(web, admin, bob):
    lines = [Line(web, admin.key), Line(web, admin.key), Line(web, admin_of(purse_of(bob), bob).key)]
    answers = [
        web.visitor().get("/lnbits/api/v1/wallet", headers={"X-Api-Key": admin.key}).status_code for _ in range(5)
    ]
    assert answers == [200] * 5
    for line in lines:
        line.close()


def test_a_wrong_key_gets_no_stream_and_keys_in_addresses_stay_out_of_the_log(site, coin, shop, admin):
    web = LiveSite(site, GUNICORN_CMD_ARGS="--access-logfile -")
    assert Line(web, "0" * 32).answer.status == 404
    line = Line(web, "", f"?api-key={admin.key}")
    assert line.answer.status == 200
    line.close()
    said = web.visitor().get(f"/lnbits/api/v1/wallet?api-key={admin.key}&x=1")
    assert said.json()["id"] == shop.ident
    web.visitor().get(f"/lnbits/api/v1/ws/{admin.key}")
    wait_for("the access log", lambda: "api/v1/ws/hidden" in web.log.read_text())
    web.stop()
    log = web.log.read_text()
    assert "wallet?api-key=hidden&x=1" in log
    assert admin.key not in log


def test_seats_are_counted_for_each_and_for_all():
    seats = Seats(all=3, each=2)
    assert [seats.take("a"), seats.take("a"), seats.take("a"), seats.take("b"), seats.take("b")] == [
        True, True, False, True, False,
    ]  # fmt: skip
    seats.leave("a")
    assert seats.take("b")
    with seats.seat("c") as taken:
        assert not taken


def test_an_arrival_numbered_before_what_was_read_and_committed_after_it_is_told_once(coin, cashier, bob, monkeypatch):
    from ledger.api.lnbits import stream

    monkeypatch.setattr(stream, "PAUSE", 0.01)
    fill(cashier, coin, 5)  # before the stream
    Event.objects.create(pk=1000, name="signed_up", user=bob)
    answer = cashier.get("/api/v1/payments/sse")
    lines = iter(answer.streaming_content)
    assert next(lines) == b": connected\r\n\r\n"
    fill(cashier, coin, 7)
    Event.objects.filter(name="deposit_credited", pk__gt=1000).update(id=999)
    fill(cashier, coin, 9)

    told = re.findall(rb'"amount": (\d+)', next(lines))

    assert told == [b"7000", b"9000"]
    monkeypatch.setattr(stream, "PING", 0)
    assert next(lines) == b": ping\r\n\r\n"
    answer.close()


def fill(program, coin, sats: int) -> None:
    asked = {"out": False, "amount": sats, "memo": "for the stream"}
    made = program.ok("POST", "/api/v1/payments", asked, 201)
    node(coin).faucet(made["bolt11"], sats * 1000)
    scan_now(coin)


def test_the_stream_of_a_purse_that_is_closed_ends(coin, shop, cashier, monkeypatch):
    from ledger.api.lnbits import stream

    monkeypatch.setattr(stream, "PAUSE", 0.01)
    monkeypatch.setattr(stream, "PING", 0.02)
    answer = cashier.get("/api/v1/payments/sse")
    lines = iter(answer.streaming_content)
    assert next(lines) == b": connected\r\n\r\n"
    assert next(lines) == b": ping\r\n\r\n"
    purses.close(purse=shop)
    assert list(lines) == []
    answer.close()
    assert stream.listeners.take(shop.ident)
    stream.listeners.leave(shop.ident)
