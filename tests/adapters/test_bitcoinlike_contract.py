"""The contract for Bitcoin and relatives: on a real litecoind, and on its recorded replies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters import recordings
from tests.adapters.contract import AdapterContract, World
from tests.adapters.litecoin_world import LitecoinWorld
from tests.devnet.litecoin import Litecoin
from tests.devnet.proxy import Proxy, proxy_to

FOLDER = recordings.REPLIES / "litecoind-0.21"
RECORD = "RECORD_REPLIES" in os.environ


def recording_of(request: pytest.FixtureRequest) -> Path:
    return FOLDER / (re.sub(r"[^0-9a-z]+", "-", request.node.name.removeprefix("test_")).strip("-")[:80] + ".jsonl")


class TestRealLitecoin(AdapterContract):
    @pytest.fixture
    def world(self, litecoin: Litecoin, request: pytest.FixtureRequest) -> Iterator[World]:
        path = recording_of(request)
        with proxy_to(litecoin.port) as proxy:
            world = LitecoinWorld(proxy, litecoin.password, path.stem)
            yield world
            world.close()
            litecoin.mine(1)  # nothing unconfirmed is left for the next test
            if RECORD:
                recordings.write(path, proxy.exchanges)


class TestRecordedLitecoin(AdapterContract):
    @pytest.fixture
    def world(self, request: pytest.FixtureRequest) -> Iterator[World]:
        path = recording_of(request)
        playback = recordings.Playback(path)
        proxy = Proxy(lambda: playback)
        try:
            world = LitecoinWorld(proxy, "secret", path.stem)
            yield world
            world.close()
            playback.check()
        finally:
            proxy.close()
