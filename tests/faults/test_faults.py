"""A short run of what `make faults` does at length: every chain at once, one site."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.models import Freeze, Operation
from tests.devnet.fixtures import litecoin, monero
from tests.devnet.litecoin import Litecoin
from tests.devnet.monero import Monero
from tests.faults import __main__ as command
from tests.faults.banano import BananoFaultWorld
from tests.faults.forknote import CamelWorld, SnakeWorld
from tests.faults.litecoin import LitecoinWorld
from tests.faults.monero import MoneroWorld
from tests.faults.storm import Count, Storm, is_clean
from tests.support.databases import Database

__all__ = ["litecoin", "monero"]

WITHDRAWALS, KILLS, SEED = 10, 14, 5


def test_every_withdrawal_arrives_once_though_workers_die_and_nodes_fail(
    site: Database, litecoin: Litecoin, monero: Monero, tmp_path: Path
):
    worlds = [
        LitecoinWorld(litecoin, "faults"),
        MoneroWorld(monero, "faults"),
        SnakeWorld(tmp_path / "snake"),
        CamelWorld(tmp_path / "camel"),
        BananoFaultWorld(tmp_path / "ban"),
    ]
    try:
        report = Storm(site, worlds, withdrawals=WITHDRAWALS, kills=KILLS, seed=SEED).run()
    finally:
        for world in worlds:
            world.close()

    assert is_clean(report), report
    assert report["withdrawals"] == report["paid_once"] == WITHDRAWALS
    assert report["kills"] == KILLS
    assert not Freeze.objects.filter(ended_at=None).exists()


# -- the count itself --


@pytest.mark.parametrize(
    ("got", "status", "name"),
    [
        ([50], Operation.Status.DONE, "paid_once"),
        ([50, 50], Operation.Status.DONE, "paid_twice"),
        ([100], Operation.Status.DONE, "paid_twice"),
        ([50, 50], Operation.Status.FAILED, "paid_twice"),
        ([], Operation.Status.DONE, "lost"),
        ([49], Operation.Status.DONE, "lost"),
        ([50], Operation.Status.FAILED, "lost"),
        ([], Operation.Status.PENDING, "stuck"),
        ([50], Operation.Status.PENDING, "stuck"),
    ],
)
def test_what_arrived_is_judged(got: list[int], status: str, name: str):
    count = Count()
    count.judge(1, "there", 50, got, status)

    names = ("paid_once", "paid_twice", "lost", "stuck")
    assert {one: getattr(count, one) for one in names} == {**dict.fromkeys(names, 0), name: 1}


def test_an_unknown_coin_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        command.read_arguments(["--coins", "ltc,florin"])

    assert "unknown coin florin" in capsys.readouterr().err
