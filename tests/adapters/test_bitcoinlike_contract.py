"""The contract for Bitcoin and relatives: on a real litecoind, and on its recorded replies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.contract import AdapterContract, World
from tests.adapters.litecoin_world import name_of, real, recorded
from tests.devnet.litecoin import Litecoin


class TestRealLitecoin(AdapterContract):
    @pytest.fixture
    def world(self, litecoin: Litecoin, request: pytest.FixtureRequest) -> Iterator[World]:
        yield from real(litecoin, name_of(request))


class TestRecordedLitecoin(AdapterContract):
    @pytest.fixture
    def world(self, request: pytest.FixtureRequest) -> Iterator[World]:
        yield from recorded(name_of(request))
