from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.adapters.lnbits.world import LnbitsWorld
from tests.lnbits.front import Front, forward_to
from tests.lnbits.server import LnbitsServer, lnbits
from tests.lnbits.stand_in import Dialect, StandIn

__all__ = ["lnbits"]


@contextmanager
def stand_in_world(dialect: Dialect) -> Iterator[LnbitsWorld]:
    server = StandIn(dialect)
    front = Front(server)
    hot, outside = server.new_wallet("hot", 10_000), server.new_wallet("outside", 1_000_000)
    world = LnbitsWorld(front, hot, outside, keeps_failed=dialect == "new")
    try:
        yield world
    finally:
        world.close()
        front.close()


@pytest.fixture
def new() -> Iterator[LnbitsWorld]:
    with stand_in_world("new") as world:
        yield world


@pytest.fixture
def old() -> Iterator[LnbitsWorld]:
    with stand_in_world("old") as world:
        yield world


@pytest.fixture(params=["old", "new"])
def either(request: pytest.FixtureRequest) -> LnbitsWorld:
    """A world of each age of server in turn."""
    found: LnbitsWorld = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def live(lnbits: LnbitsServer) -> Iterator[LnbitsWorld]:
    """A hot wallet and an outside wallet of their own on the real server."""
    front = Front(forward_to(lnbits.port))
    world = LnbitsWorld(front, lnbits.new_wallet("hot", 10_000), lnbits.new_wallet("outside", 1_000_000))
    try:
        yield world
    finally:
        world.close()
        front.close()
