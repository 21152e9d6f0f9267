"""A real LNbits 1.6.2 that is killed, started again and hurried, in the middle of payments."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from adapters.base import Absent, AddressRequest, Dead, Prepared, Refused, Sent, Tried, Unclear, Unknown
from adapters.lnbits import Lnbits, LnbitsOptions
from tests.adapters.invoice_contract import FINAL, foreign, incoming
from tests.adapters.invoice_world import settled
from tests.adapters.lnbits.world import LnbitsWorld
from tests.lnbits.server import LnbitsServer, need
from wallets_site.base.clock import now

COIN = 1_000_000


@pytest.fixture
def restarted(lnbits: LnbitsServer) -> Iterator[LnbitsServer]:
    """The server, running again when the test is over, whatever the test did to it."""
    yield lnbits
    lnbits.start()


def tried(prepared: Prepared, outcome: str, attempts: int = 1) -> Tried:
    return Tried(prepared, attempts=attempts, outcome=outcome)  # type: ignore[arg-type]


def test_a_server_killed_after_it_paid_remembers(live: LnbitsWorld, restarted: LnbitsServer):
    prepared = live.prepare(COIN)
    live.lose_answer()
    assert isinstance(live.adapter.broadcast(prepared), Unclear)
    restarted.stop(kill=True)
    assert isinstance(live.adapter.lookup(tried(prepared, "unclear")), Unknown)

    restarted.start()

    assert settled(live.make_adapter().lookup(tried(prepared, "unclear"))) == (FINAL, prepared.id, 0)
    assert live.adapter.funds(()).total == live.funded - COIN


def test_a_server_killed_before_it_heard_is_asked_again_and_the_money_stays_where_it_is(
    live: LnbitsWorld, restarted: LnbitsServer
):
    """FakeWallet forgets its unpaid invoices in a restart, so here the second try cannot succeed."""
    prepared = live.prepare(COIN)
    restarted.stop(kill=True)
    assert isinstance(live.adapter.broadcast(prepared), Unclear)

    restarted.start()
    again = live.make_adapter()

    assert again.lookup(tried(prepared, "unclear")) == Absent()
    assert isinstance(again.broadcast(prepared), Refused)
    assert not isinstance(again.lookup(tried(prepared, "refused", 2)), Dead)
    assert again.funds(()).total == live.funded
    with time_machine.travel(now() + timedelta(hours=2, minutes=1)):
        assert isinstance(again.lookup(tried(prepared, "refused", 2)), Dead)


def test_an_invoice_paid_while_the_server_was_about_to_die_is_found_after_its_start(
    live: LnbitsWorld, restarted: LnbitsServer
):
    own, cursor = live.ask(COIN), live.cursor()
    live.pay_in(own.address)
    restarted.stop(kill=True)
    assert not live.adapter.health().ok

    restarted.start()

    assert [one.amount for one in incoming(live.poll(cursor), own)] == [COIN]


def test_the_same_payment_sent_by_many_at_once_is_paid_once(live: LnbitsWorld):
    prepared = live.prepare(COIN)
    adapters = [live.make_adapter() for _ in range(8)]

    with ThreadPoolExecutor(len(adapters)) as threads:
        said = list(threads.map(lambda adapter: adapter.broadcast(prepared), adapters))

    assert Sent(prepared.id, 0) in said
    assert not any(isinstance(one, Refused) for one in said)
    assert settled(live.adapter.lookup(tried(prepared, "sent", 8))) == (FINAL, prepared.id, 0)
    assert live.adapter.funds(()).total == live.funded - COIN


def test_a_node_that_refuses_keeps_its_no_and_is_never_asked_again(live: LnbitsWorld):
    invoice = foreign("bc")
    prepared = live.prepare(COIN, invoice)

    for attempt in (1, 2):
        assert isinstance(live.adapter.broadcast(prepared), Refused)
        assert isinstance(live.adapter.lookup(tried(prepared, "refused", attempt)), Dead)
    assert live.adapter.funds(()).total == live.funded


def test_a_webhook_address_the_server_forbids_is_no_obstacle(live: LnbitsWorld):
    adapter = live.make_adapter(webhook_url="http://127.0.0.1:8000/wallets/notify/LNBTC/wallet/lnbits")

    made = adapter.new_address(AddressRequest(1, amount=COIN))

    assert len(made.ref) == 64


def test_a_server_without_its_first_superuser_is_said_to_be_not_installed(tmp_path: Path):
    need()
    server = LnbitsServer(tmp_path)
    adapter = Lnbits(LnbitsOptions(url=server.url, admin_key="0" * 32))
    try:
        server.start(install=False)
        assert "not installed" in adapter.health().reason
    finally:
        adapter.close()
        server.stop()
