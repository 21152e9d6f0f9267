from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from adapters.base import Prepared
from adapters.demo import Demo, DemoOptions, encode_address
from tests.adapters.contract import AdapterContract, World

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BLOCK_SECONDS = 5


class DemoWorld(World):
    network = "demo"

    def __init__(self, directory: Path, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self._options = DemoOptions(
            chain_file=str(directory / "chain.sqlite3"), block_seconds=BLOCK_SECONDS, faucet_seconds=0
        )
        self._addresses = 0
        self._model = Demo(self._options).chain
        self.heal()

    def _switch(self, **switches: Any) -> None:
        self.adapter = Demo(replace(self._options, **switches))

    def fund(self, address: str, amount: int) -> str:
        return self._model.mint(address, amount)

    def mine(self, blocks: int) -> None:
        self._traveller.shift(timedelta(seconds=BLOCK_SECONDS * blocks))

    def outside_address(self) -> str:
        self._addresses += 1
        return encode_address("demo", self._addresses.to_bytes(20, "big"))

    def foreign_address(self) -> str:
        return encode_address("other", bytes(20))

    def arrived(self, address: str) -> list[int]:
        return self._model.paid_to(address)

    def vanish(self, txid: str) -> None:
        self._model.vanish(txid)

    def steal(self, address: str, amount: int) -> str:
        return self._model.spend(address, amount)

    def kill(self, prepared: Prepared) -> None:
        self._model.ban(prepared.id)

    def outage(self) -> None:
        self._switch(outage=True)

    def rubbish(self) -> None:
        self._switch(outage=True)

    def heal(self) -> None:
        self._switch()

    def lose_answer(self) -> None:
        self._switch(unclear_sends=True)

    def lose_call(self) -> None:
        self._switch(lose_sends=True)


class TestDemo(AdapterContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        with time_machine.travel(START, tick=False) as traveller:
            yield DemoWorld(tmp_path, traveller)
