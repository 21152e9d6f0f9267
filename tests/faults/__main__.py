"""Kills the product's worker again and again while it pays, and counts in the payees' wallets what arrived.

    make faults COINS=ltc,xmr N=200 KILLS=400

Progress goes to the screen; the last line is the report as JSON. It ends with 1 when anything was paid twice, lost or
stuck, or when the books disagree with the nodes.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.world import FaultWorld

COINS = ("ltc", "xmr", "frk-snake", "frk-camel", "ban", "ln")


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--coins", default=",".join(COINS), help=f"some of {', '.join(COINS)}, with commas")
    parser.add_argument("-n", "--withdrawals", type=int, default=20)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to have its chances again")
    parser.add_argument("--keep", action="store_true", help="leave databases and logs where they are")
    given = parser.parse_args(arguments)
    given.coins = list(dict.fromkeys(given.coins.split(",")))
    if unknown := set(given.coins) - set(COINS):
        parser.error(f"unknown coin {min(unknown)}; known: {', '.join(COINS)}")
    return given


def prepare_settings(folder: Path) -> None:
    """As the tests have them, with this run's own folder and keys; before Django is set up."""
    for name in list(os.environ):
        if name.startswith("WALLETS_"):
            del os.environ[name]
    os.environ["WALLETS_TEST_ROOT"] = str(folder)
    os.environ["WALLETS_DATA_DIR"] = str(folder / "data")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ["LOG_LEVEL"] = "CRITICAL"
    import django

    django.setup()


@contextmanager
def build_worlds(coins: Sequence[str], folder: Path) -> Iterator[list[FaultWorld]]:
    from tests.devnet.devnet import Devnet
    from tests.faults.banano import BananoFaultWorld
    from tests.faults.forknote import CamelWorld, SnakeWorld
    from tests.faults.lightning import LightningWorld
    from tests.faults.litecoin import LitecoinWorld
    from tests.faults.monero import MoneroWorld
    from tests.lnbits.server import ensure

    daemons = [coin for coin in coins if coin in ("ltc", "xmr")]
    net = Devnet(folder / "nodes")
    makers = {
        "ltc": lambda: LitecoinWorld(net.ltc, "site"),
        "xmr": lambda: MoneroWorld(net.xmr, "site"),
        "frk-snake": lambda: SnakeWorld(folder / "snake"),
        "frk-camel": lambda: CamelWorld(folder / "camel"),
        "ban": lambda: BananoFaultWorld(folder / "ban"),
        "ln": lambda: LightningWorld(folder / "ln"),
    }
    if "ln" in coins:
        ensure()
    with ExitStack() as held:
        if daemons:
            held.callback(net.stop, daemons)
            net.start(daemons)
        made: list[FaultWorld] = []
        for coin in coins:
            made.append(makers[coin]())
            held.callback(made[-1].close)
        yield made


def main(arguments: Sequence[str]) -> int:
    given = read_arguments(arguments)
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="wallets-faults-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the daemons end with it
    try:
        prepare_settings(folder)
        from tests.faults.storm import Storm, is_clean, last_line
        from tests.support.databases import Templates

        def tell(text: str) -> None:
            print(text, flush=True)

        tell(f"seed {seed}, in {folder}")
        templates = Templates()
        with templates.copy("sqlite") as database, build_worlds(given.coins, folder) as worlds:
            storm = Storm(database, worlds, withdrawals=given.withdrawals, kills=given.kills, seed=seed, tell=tell)
            report = storm.run()
            if given.keep:
                shutil.copytree(database.folder, folder / "kept", ignore=shutil.ignore_patterns("steps"))
        tell(last_line(report))
        return 0 if is_clean(report) else 1
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
