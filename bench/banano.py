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
from tests.adapters.banano.world import BAN, SEED, BananoWorld, address_of, key_of

MOST_SECONDS = 5
MOST_SIGN_MICROSECONDS = 5000


def addresses(count: int) -> list[Watched]:
    """The first and the last are the wallet's own, as its check of the seed wants; the others stand for members'."""
    between = [
        Watched(crypto.encode_address("ban_", number.to_bytes(32, "big")), str(number)) for number in range(2, count)
    ]
    return [Watched(address_of(1, SEED), "1"), *between, Watched(address_of(count, SEED), str(count))]


def poll_all(world: BananoWorld, watch: list[Watched], cursor: str) -> tuple[int, str, int]:
    """Milliseconds for one whole round, the cursor after it, and how many transfers it showed."""
    started, found = time.monotonic_ns(), 0
    while True:
        page = world.adapter.transfers(cursor, watch, 1)
        cursor, found = page.cursor, found + len(page.transfers)
        if not page.more:
            return (time.monotonic_ns() - started) // 1_000_000, cursor, found


def sign_microseconds() -> int:
    key = bytes.fromhex(key_of(1))
    crypto.sign(key, bytes(32))
    started = time.process_time_ns()
    for _ in range(200):
        crypto.sign(key, bytes(32))
    return (time.process_time_ns() - started) // 200_000


def main(count: int) -> int:
    watch = addresses(count)
    with tempfile.TemporaryDirectory() as folder:
        world = BananoWorld(Path(folder))
        try:
            empty, cursor, _ = poll_all(world, watch, "")
            world.node.do("many", addresses=[one.address for one in watch[:: max(1, count // 100)]], amount=str(BAN))
            busy, _, found = poll_all(world, watch, cursor)
        finally:
            world.close()
    signing = sign_microseconds()
    told = f"polled in {empty} ms with nothing new, {busy} ms with {found} new deposits"
    sys.stdout.write(f"{count} addresses {told}; one signature in {signing} microseconds\n")
    return 0 if max(empty, busy) <= MOST_SECONDS * 1000 and signing <= MOST_SIGN_MICROSECONDS else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
