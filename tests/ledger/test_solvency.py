"""What the nodes hold against what is owed: three answers, brakes by degrees, and released by two people."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

from adapters.base import Funds, NodeDown
from adapters.demo import Demo, encode_address
from ledger.drains import reconcile
from ledger.models import Brake, Event, Freeze, SolvencyCheck
from ledger.services import liabilities, solvency
from tests.accounts.people import signed_in
from tests.support.factories import make_manager
from tests.support.money import blocks, chain, charge, fund, make_coin, pay_now, scan_now, send, switch
from tests.support.processes import ROOT
from wallets_site.base.clock import now
from wallets_site.base.errors import NotAllowed, NotFound, WrongState


@pytest.fixture
def away() -> str:
    return encode_address("tst", b"\x05" * 20)


def look(coin) -> SolvencyCheck:
    reconcile.reconcile(coin.pk)
    return SolvencyCheck.objects.filter(coin=coin).order_by("-pk")[0]


def states(*operations) -> list[str]:
    found = []
    for operation in operations:
        operation.withdrawal.refresh_from_db()
        found.append(operation.withdrawal.state)
    return found


def test_it_is_ok_all_through_a_deposit_and_a_payout(coin, alice, away, clock):
    charge(coin, "withdrawal", fixed=50)
    fund(alice, coin, 100_000)
    assert look(coin).answer == "ok"
    asked = send(alice, coin, away, 2_000)
    assert look(coin).answer == "ok"
    pay_now(coin)
    assert states(asked) == ["attempted"]
    assert look(coin).answer == "ok"
    blocks(3, clock)
    pay_now(coin)
    assert states(asked) == ["done"]
    assert (look(coin).answer, Brake.objects.count()) == ("ok", 0)


@pytest.mark.both_databases
def test_coins_taken_behind_our_back_are_short_and_brake_all_payouts_but_no_moves(coin, alice, bob, away, clock):
    fund(alice, coin, 100_000)
    chain(coin).spend(away, 50_000)
    check = look(coin)
    assert (check.answer, check.owed, check.held) == ("short", 100_000, 50_000)
    assert Brake.objects.get().level == "all"
    assert Event.objects.filter(name="solvency_short").count() == 1
    Freeze.objects.update(ended_at=now())

    small = send(alice, coin, away, 10)
    pay_now(coin)
    assert states(small) == ["queued"]
    send(alice, coin, "bob", 10)
    assert signed_in(bob).get("/").status_code == 200


@pytest.mark.both_databases
def test_a_small_shortage_brakes_large_payouts_first_and_then_all(engine, coin, alice, away, clock):
    fund(alice, coin, 100_000)
    chain(coin).spend(away, 500)
    Freeze.objects.update(ended_at=now())
    assert look(coin).answer == "short"
    assert Brake.objects.get().level == "large"
    small, large = send(alice, coin, away, 4_000), send(alice, coin, away, 6_000)
    scan_now(coin)
    Freeze.objects.update(ended_at=now())
    pay_now(coin)
    assert states(small, large) == ["attempted", "queued"]

    look(coin)
    assert Brake.objects.get().level == "all"


def test_a_gap_that_shrinks_alarms_and_brakes_large_payouts_though_all_members_are_covered(coin, alice, bob, away):
    charge(coin, "move", fixed=10_000)
    fund(alice, coin, 100_000)
    send(alice, coin, "bob", 1)
    chain(coin).spend(away, 5_000)
    check = look(coin)
    assert (check.answer, Brake.objects.get().level) == ("ok", "large")
    assert "less than the books say" in check.reason


@pytest.mark.parametrize("kind", ["down", "error", "negative"])
def test_a_node_that_cannot_say_is_cannot_know_and_brakes_nothing(coin, alice, monkeypatch, kind):
    fund(alice, coin, 100_000)

    def funds(self, watch):
        if kind == "negative":
            return Funds(-5, 0)
        raise NodeDown("no answer")

    if kind == "down":
        switch(coin, outage=True)
    else:
        monkeypatch.setattr(Demo, "funds", funds)
    check = look(coin)
    assert (check.answer, check.held) == ("unknown", None)
    look(coin)
    assert not Brake.objects.exists()
    assert Event.objects.filter(name="solvency_unknown").count() == 1


def test_a_node_that_answers_zero_is_short(coin, alice, monkeypatch):
    fund(alice, coin, 100_000)
    monkeypatch.setattr(Demo, "funds", lambda self, watch: Funds(0, 0))
    assert (look(coin).answer, Brake.objects.get().level) == ("short", "all")


def test_a_brake_of_one_coin_does_not_touch_another(coin, alice, away, clock):
    other = make_coin("OTH", prefix="tst")
    fund(alice, coin, 100_000)
    fund(alice, other, 100_000)
    chain(coin).spend(away, 50_000)
    look(coin)
    paid = send(alice, other, away, 10)
    pay_now(other)
    assert states(paid) == ["attempted"]


@pytest.mark.both_databases
def test_a_release_takes_two_people_and_the_same_shortage_brakes_nothing_again(coin, alice, away, manager):
    second = make_manager("second")
    fund(alice, coin, 100_000)
    chain(coin).spend(away, 50_000)
    look(coin)
    brake = Brake.objects.get()
    with pytest.raises(WrongState):
        solvency.confirm_release(user=second, brake_id=brake.pk)
    solvency.ask_release(user=manager, brake_id=brake.pk, reason="Refilled tonight.")
    with pytest.raises(NotAllowed, match="Somebody else"):
        solvency.confirm_release(user=manager, brake_id=brake.pk)
    assert solvency.most_payable(coin) == 0
    with pytest.raises(NotAllowed):
        solvency.confirm_release(user=alice, brake_id=brake.pk)

    solvency.confirm_release(user=second, brake_id=brake.pk)
    assert solvency.most_payable(coin) is None
    look(coin)
    assert Brake.objects.filter(released_at=None).count() == 0
    chain(coin).spend(away, 10_000)
    look(coin)
    assert Brake.objects.filter(released_at=None).count() == 1


# Proof of liabilities ---------------------------------------------------------------------------------
def check_with_the_script(tmp_path, proof: dict[str, Any], root: str = "") -> subprocess.CompletedProcess[str]:
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(proof))
    command = [sys.executable, "-I", str(ROOT / "docs" / "check_liabilities.py"), str(path), *filter(None, [root])]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("people", [1, 2, 3, 6])
def test_everybody_can_check_that_their_balance_is_in_the_published_total(coin, alice, people, tmp_path):
    from tests.support.factories import make_user

    members = [alice, *(make_user(f"member{number}") for number in range(people - 1))]
    for number, member in enumerate(members):
        fund(member, coin, 100 + number)
    send(alice, coin, encode_address("tst", b"\x05" * 20), 30)
    liabilities.publish(coin)
    public = Client().get("/status/TST/liabilities.json").json()

    assert public["total"] == str(sum(100 + number for number in range(people)))
    for number, member in enumerate(members):
        proof = signed_in(member).get("/status/TST/my-proof.json").json()
        assert proof["balance"] == str(100 + number)
        assert check_with_the_script(tmp_path, proof, public["root"]).returncode == 0
        wrong = {**proof, "balance": str(int(proof["balance"]) + 1)}
        assert check_with_the_script(tmp_path, wrong, public["root"]).returncode == 1
        for step in proof["path"]:
            hidden = {**proof, "path": [{**step, "sum": "-5"}]}
            assert check_with_the_script(tmp_path, hidden, public["root"]).returncode == 1


def test_who_holds_nothing_has_no_proof(coin, alice, bob):
    fund(alice, coin, 5)
    liabilities.publish(coin)
    with pytest.raises(NotFound):
        liabilities.proof_for(bob, coin)
    assert signed_in(bob).get("/status/TST/my-proof.json").status_code == 404


def test_the_status_page_is_public_and_shows_head_and_roots(coin, alice, settings, tmp_path):
    from ledger.services import seals

    settings.SEAL_FILE = tmp_path / "seals.log"
    assert "Nothing has been sealed yet" in Client().get("/status/").content.decode()
    fund(alice, coin, 5)
    seals.seal_pending(everything=True)
    tree = liabilities.publish(coin)
    page, head = Client().get("/status/").content.decode(), seals.head()
    assert head is not None
    assert head.hash in page
    assert tree.root[:16] in page
    assert "alice" not in page
