"""How long a walletd with a long history takes to be read anew: `python -m bench.forknote [TRANSACTIONS]`.

Against the stand-in, over HTTP, in a process of its own. Every row is listed twice by it, and credited once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.adapters.forknote.forknote_world import ForknoteWorld

DEPTH = 10
MOST_SECONDS = 60


def read_all(world: ForknoteWorld) -> tuple[int, int, int]:
    """Milliseconds for a whole round from the beginning, how many deposits it showed, and their sum."""
    started, cursor, names, total = time.monotonic_ns(), "", set(), 0
    while True:
        page = world.adapter.transfers(cursor, (), DEPTH)
        for one in page.transfers:
            total += one.amount if (one.txid, one.output) not in names else 0
            names.add((one.txid, one.output))
        cursor = page.cursor
        if not page.more:
            return (time.monotonic_ns() - started) // 1_000_000, len(names), total


def main(count: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        world = ForknoteWorld("snake", Path(folder))
        try:
            world.node.fill_history(rows=count)
            milliseconds, found, total = read_all(world)
        finally:
            world.close()
    fine = milliseconds <= MOST_SECONDS * 1000 and found == count and total == count
    told = f"{found} deposits of {count} rows, {total} units, in {milliseconds} ms (at most {MOST_SECONDS} s)"
    sys.stdout.write(told + "\n")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
