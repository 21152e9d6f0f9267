"""Private test networks made of real daemons: litecoind (ltc) and monerod (xmr), both -regtest.

    python -m tests.devnet DIR start  [coin ...]          start what is not running (ltc when none is named),
                                                          make mature funds, print settings
    python -m tests.devnet DIR status                     what runs, heights, balances
    python -m tests.devnet DIR mine N [coin ...]          mine N blocks (on every running coin when none is named)
    python -m tests.devnet DIR fund ADDRESS AMOUNT [coin] pay from the outside wallet; ADDRESS may be "site"
    python -m tests.devnet DIR reorg N [coin ...] [--drop] replace the last N blocks by N+1 others; --drop leaves
                                                          their payments out
    python -m tests.devnet DIR stop   [coin ...]          stop by pid file

All state lives under DIR; delete DIR to start from nothing. The daemons listen on loopback only.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
from typing import Any

from tests.devnet.devnet import COINS, Devnet
from tests.devnet.rpc import DevnetError


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.devnet", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("dir")
    made.add_argument(
        "--notify-url",
        default="",
        help="called by the daemons' notify hooks; {coin}, {kind} (wallet or block) and {id} are filled in",
    )
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("status")
    for name in ("start", "stop"):
        commands.add_parser(name).add_argument("coins", nargs="*", metavar="coin")
    fund = commands.add_parser("fund")
    fund.add_argument("address")
    fund.add_argument("amount")
    fund.add_argument("coin", nargs="?", choices=COINS, default="ltc")
    for name in ("mine", "reorg"):
        command = commands.add_parser(name)
        command.add_argument("count", type=int)
        command.add_argument("coins", nargs="*", metavar="coin")
        if name == "reorg":
            command.add_argument("--drop", action="store_true")
    return made


def run(asked: argparse.Namespace) -> Any:
    net = Devnet(asked.dir, notify_url=asked.notify_url)
    if asked.command in ("start", "stop"):
        return getattr(net, asked.command)(asked.coins)
    if asked.command == "mine":
        return net.mine(asked.count, asked.coins)
    if asked.command == "fund":
        return net.fund(asked.address, asked.amount, asked.coin)
    if asked.command == "reorg":
        return net.reorg(asked.count, asked.coins, drop=asked.drop)
    return net.status()


def main() -> None:
    try:
        result = run(parser().parse_args())
    except (DevnetError, OSError, http.client.HTTPException) as error:
        sys.exit(f"devnet: {error}")
    print(json.dumps(result, indent=1, default=lambda value: f"{value:f}"))


if __name__ == "__main__":
    main()
