"""The one endpoint of live pages: what changed since a version, cheaply, for its owner alone."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adapters.models import Wallet
from tests.pages.reading import amounts_of
from tests.support.money import address_of as address_at
from tests.support.money import blocks, chain, fund, make_coin, scan_now, send, use_of


def version_of(client: Client) -> str:
    return str(client.get("/").context["live_version"])


def test_a_page_that_is_up_to_date_is_told_so_without_a_body(coin, rich, at_alice):
    version = version_of(at_alice)

    for answer in (
        at_alice.get("/live/", {"after": version}),
        at_alice.get("/live/", headers={"If-None-Match": f'"{version}"'}),
    ):
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", f'"{version}"')


def test_only_what_changed_is_named_and_said_once(clock, coin, rich, bob, at_alice, at_bob):
    fund(bob, coin, 5)
    blocks(10, clock)
    before, at_bobs = version_of(at_alice), version_of(at_bob)
    sent = send(rich, coin, "bob", 100_000_000)

    said = at_alice.get("/live/", {"after": before}).json()

    assert said["changed"][:3] == ["balances", "operations", "inbox"]
    assert {f"operation:{sent.pk}", "coin:TST"} <= set(said["changed"])
    assert said["says"] == ["1 TST to a member: done"]
    assert at_alice.get("/live/", {"after": said["version"]}).status_code == 304
    assert at_bob.get("/live/", {"after": at_bobs}).json()["says"] == ["1 TST from a member: done"]
    assert amounts_of(at_alice.get("/home/live/"))[0] == "9 TST"
    assert "<html" not in at_alice.get("/home/live/").content.decode()


def test_each_confirmation_is_told(clock, coin, alice, at_alice):
    chain(coin).mint(address_at(alice, coin), 25_000_000)
    scan_now(coin)
    before = version_of(at_alice)

    blocks(1, clock)
    scan_now(coin)

    assert at_alice.get("/live/", {"after": before}).json()["says"] == ["Deposit of 0.25 TST: 1 of 2 confirmations"]


def test_a_node_that_goes_down_is_told(coin, rich, at_alice):
    before = version_of(at_alice)
    Wallet.objects.filter(pk=use_of(coin).wallet_id).update(state=Wallet.State.DOWN)

    assert at_alice.get("/live/", {"after": before}).json()["changed"] == ["nodes"]


@pytest.mark.parametrize("after", ["", "x", "1-2", "-----", "9" * 500, "٣-a-b-c-d", "1-a-b-c-d' OR 1=1"])
def test_a_version_nobody_gave_means_everything(coin, rich, at_alice, after):
    answer = at_alice.get("/live/", {"after": after})

    assert answer.status_code == 200
    assert {"balances", "operations", "nodes", "inbox"} <= set(answer.json()["changed"])


def test_a_poll_costs_the_same_however_much_there_is(coin, rich, bob, at_alice):
    def asked() -> int:
        version = version_of(at_alice)
        with CaptureQueriesContext(connection) as caught:
            assert at_alice.get("/live/", {"after": version}).status_code == 304
        return len(caught)

    few = asked()
    for symbol in ("AAA", "BBB"):
        fund(rich, make_coin(symbol), 100)
    for _ in range(10):
        send(rich, coin, "bob", 1_000)

    assert asked() == few <= 9


def test_a_stranger_is_sent_to_sign_in_and_others_hear_nothing(coin, rich, bob, at_bob):
    before = version_of(at_bob)
    fund(rich, coin, 100)

    assert Client().get("/live/")["Location"] == "/accounts/login/?next=/live/"
    assert at_bob.get("/live/", {"after": before}).status_code == 304
