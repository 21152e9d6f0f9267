from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.devnet.fixtures import need
from tests.devnet.monero import Monero
from tests.devnet.processes import Processes, free_port


@pytest.fixture(scope="session")
def monero(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monero]:
    """One monerod --regtest and two wallets per test process, on ports of their own, with mature outside funds."""
    need(Monero.package, "monerod")
    directory = tmp_path_factory.mktemp("monero")
    net = Monero(directory, Processes(directory), free_port(), "secret", "", ())
    try:
        net.start()
        yield net
    finally:
        net.stop()
