"""How long a poll of many Banano addresses takes, and a signature: `python -m bench.banano [ADDRESSES]`.

Against the stand-in node, over HTTP, in a process of its own.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from adapters.base import Watched
from adapters.codecs import banano_crypto as crypto
from bench.report import Report
from tests.adapters.banano.world import BAN, SEED, BananoWorld, address_of, key_of

ADDRESSES = 10_000
MOST_SECONDS = 5
MOST_SIGN_MILLISECONDS = 5
CONDITIONS = "stand-in node over HTTP, one thread"


def addresses(count: int) -> list[Watched]:
    """The first and the last are the wallet's own, as its check of the seed wants; the others stand for members'."""
    between = [
        Watched(crypto.encode_address("ban_", number.to_bytes(32, "big")), str(number)) for number in range(2, count)
    ]
    return [Watched(address_of(1, SEED), "1"), *between, Watched(address_of(count, SEED), str(count))]


def poll_all(world: BananoWorld, watch: list[Watched], cursor: str) -> tuple[float, str, int]:
    """Seconds for one whole round, the cursor after it, and how many transfers it showed."""
    started, found = time.monotonic(), 0
    while True:
        page = world.adapter.transfers(cursor, watch, 1)
        cursor, found = page.cursor, found + len(page.transfers)
        if not page.more:
            return time.monotonic() - started, cursor, found


def sign_milliseconds() -> float:
    key = bytes.fromhex(key_of(1))
    crypto.sign(key, bytes(32))
    started = time.process_time()
    for _ in range(200):
        crypto.sign(key, bytes(32))
    return (time.process_time() - started) * 1000 / 200


def run(report: Report, count: int = ADDRESSES) -> None:
    watch = addresses(count)
    with tempfile.TemporaryDirectory() as folder:
        world = BananoWorld(Path(folder))
        try:
            empty, cursor, _ = poll_all(world, watch, "")
            world.node.do("many", addresses=[one.address for one in watch[:: max(1, count // 100)]], amount=str(BAN))
            busy, _, found = poll_all(world, watch, cursor)
        finally:
            world.close()
    assert found == len(watch[:: max(1, count // 100)])
    for name, seconds in (("nothing new", empty), (f"{found} new deposits", busy)):
        report.add(
            f"Banano: poll {count} addresses, {name}", seconds, "s", goal=MOST_SECONDS, better="less",
            conditions=CONDITIONS,
        )  # fmt: skip
    report.add(
        "Banano: sign a block", sign_milliseconds(), "ms", goal=MOST_SIGN_MILLISECONDS, better="less",
        conditions="processor time, no PyNaCl needed",
    )  # fmt: skip


def main(count: int) -> int:
    report = Report([])
    run(report, count)
    return 0 if all(one.ok for one in report.results) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ADDRESSES))
