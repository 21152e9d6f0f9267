"""How long a walletd with a long history takes to be read anew: `python -m bench.forknote [TRANSACTIONS]`.

Against the stand-in, over HTTP, in a process of its own. Every row is listed twice by it, and credited once. In
`make bench` the ledger reads it too, which has credited all of it before.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from bench.report import Report
from tests.adapters.forknote.forknote_world import ForknoteWorld

ROWS = 100_000
DEPTH = 10
MOST_SECONDS = 60
CONDITIONS = "stand-in walletd 1.0.8.3 over HTTP, one thread"


def read_all(world: ForknoteWorld) -> tuple[float, dict[tuple[str, str], int]]:
    """Seconds for a whole round from the beginning, and each deposit it showed."""
    started, cursor = time.monotonic(), ""
    found: dict[tuple[str, str], int] = {}
    while True:
        page = world.adapter.transfers(cursor, (), DEPTH)
        for one in page.transfers:
            assert found.setdefault((one.txid, one.output), one.amount) == one.amount
        cursor = page.cursor
        if not page.more:
            return time.monotonic() - started, found


def by_adapter(report: Report, world: ForknoteWorld, count: int) -> dict[tuple[str, str], int]:
    seconds, found = read_all(world)
    assert (len(found), sum(found.values())) == (count, count)
    report.add(
        f"Forknote: read {count} transactions anew", seconds, "s", goal=MOST_SECONDS, better="less",
        conditions=CONDITIONS,
    )  # fmt: skip
    return found


def by_ledger(report: Report, world: ForknoteWorld, credited: dict[tuple[str, str], int]) -> None:
    """The books have all of it, as after a lost cursor: nothing may be posted a second time."""
    from ledger.drains import scan
    from ledger.models import Coin, Deposit, Posting
    from ledger.services import wallets
    from wallets_site.base.clock import now

    coin = Coin.objects.create(symbol="FRK", name="Forknote", decimals=8, confirmations=DEPTH, pool_size=0)
    world.node.mine(blocks=coin.watch_confirmations)
    use = wallets.connect(coin=coin, name="forknote", kind="forknote", options=world._settings)
    Deposit.objects.bulk_create(
        (
            Deposit(
                wallet=use.wallet, coin=coin, txid=txid, output=output, address_text=output, amount=amount,
                confirmations=coin.watch_confirmations, state=Deposit.State.UNCLAIMED, credited_at=now(),
            )
            for (txid, output), amount in credited.items()
        ),
        batch_size=1000,
    )  # fmt: skip
    before, started = Posting.objects.count(), time.monotonic()
    while scan.scan(use.wallet_id):
        use.wallet.refresh_from_db()
        if '"floor": -1' in use.wallet.cursor and f'"next": {len(credited)}' in use.wallet.cursor:
            break
    seconds = time.monotonic() - started
    assert (Posting.objects.count(), Deposit.objects.filter(coin=coin).count()) == (before, len(credited))
    report.add(
        f"Forknote: ledger reads {len(credited)} credited transactions anew", seconds, "s", goal=MOST_SECONDS,
        better="less", conditions=f"{CONDITIONS}; PostgreSQL; no posting made",
    )  # fmt: skip


def run(report: Report, count: int = ROWS, *, with_ledger: bool = True) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = ForknoteWorld("snake", Path(folder))
        try:
            world.node.fill_history(rows=count)
            found = by_adapter(report, world, count)
            if with_ledger:
                by_ledger(report, world, found)
        finally:
            world.close()


def main(count: int) -> int:
    report = Report([])
    run(report, count, with_ledger=False)
    return 0 if all(one.ok for one in report.results) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
