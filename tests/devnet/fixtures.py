"""Running daemons for tests: `from tests.devnet.fixtures import litecoin` in a conftest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.devnet.devnet import Devnet
from tests.devnet.litecoin import Litecoin
from tests.devnet.monero import Monero


def need(package: str, program: str) -> None:
    """Skips with the name of the missing Debian package; on a CI machine that is a failure."""
    if shutil.which(program):
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"the Debian package {package} is not installed")
    pytest.skip(f"needs the Debian package {package}")


@pytest.fixture(scope="session")
def litecoin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Litecoin]:
    """One litecoind -regtest per test process, on ports of its own, with mature outside funds."""
    need(Litecoin.package, "litecoind")
    net = Devnet(tmp_path_factory.mktemp("devnet"))
    try:
        net.start(["ltc"])
        yield net.ltc
    finally:
        net.stop(["ltc"])


@pytest.fixture(scope="session")
def monero(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monero]:
    """One monerod --regtest and two wallets per test process, on ports of their own, with mature outside funds."""
    need(Monero.package, "monerod")
    net = Devnet(tmp_path_factory.mktemp("devnet"))
    try:
        net.start(["xmr"])
        yield net.xmr
    finally:
        net.stop(["xmr"])
