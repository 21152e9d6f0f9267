"""All daemons of one directory. Ports, password and notify URL are chosen once and remembered there."""

from __future__ import annotations

import concurrent.futures
import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.devnet.litecoin import Litecoin
from tests.devnet.monero import Monero
from tests.devnet.processes import Processes, free_port, is_taken
from tests.devnet.rpc import DevnetError

COINS: dict[str, type[Litecoin] | type[Monero]] = {Litecoin.key: Litecoin, Monero.key: Monero}
USUAL = (Litecoin.key,)  # what starts when no coin is named
TRIES = 3


class Devnet:
    """notify_url: called by the daemons' notify hooks; {coin}, {kind} (wallet or block) and {id} are filled in.

    extra: more configuration lines per coin. Delete the directory to start from nothing.
    """

    def __init__(
        self, directory: Path | str, *, notify_url: str = "", extra: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.directory = Path(directory).absolute()
        self.processes = Processes(self.directory)
        self._file = self.directory / "devnet.json"
        self._extra = dict(extra or {})
        self._state: dict[str, Any] = {"ports": {}, "password": secrets.token_hex(16), "notify_url": ""}
        if self._file.exists():
            self._state.update(json.loads(self._file.read_text()))
        if notify_url:
            self._state["notify_url"] = notify_url
        self.coins = {key: self._make(key) for key in COINS}

    @property
    def ltc(self) -> Litecoin:
        made = self.coins["ltc"]
        assert isinstance(made, Litecoin)
        return made

    @property
    def xmr(self) -> Monero:
        made = self.coins["xmr"]
        assert isinstance(made, Monero)
        return made

    def _make(self, key: str) -> Litecoin | Monero:
        ports = self._state["ports"]
        ports.setdefault(key, free_port())
        with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(self._state, out, indent=1)
        made = COINS[key]
        extra = self._extra.get(key, ())
        password, notify_url = str(self._state["password"]), str(self._state["notify_url"])
        return made(self.directory, self.processes, ports[key], password, notify_url, extra)

    def start(self, keys: Iterable[str] = ()) -> dict[str, Any]:
        chosen = self._chosen(keys)
        with concurrent.futures.ThreadPoolExecutor(len(chosen)) as pool:
            list(pool.map(self._start_one, chosen))
        return {key: self.coins[key].settings() for key in chosen}

    def _start_one(self, key: str) -> None:
        for attempt in range(TRIES):
            coin = self.coins[key]
            if is_taken(coin.port) and not any(map(self.processes.pid, coin.names)):
                del self._state["ports"][key]
                coin = self.coins[key] = self._make(key)
            try:
                coin.start()
                return
            except DevnetError:
                coin.stop()
                if attempt + 1 == TRIES:
                    raise

    def stop(self, keys: Iterable[str] = ()) -> dict[str, Any]:
        return {key: self.coins[key].stop() for key in self._chosen(list(keys) or self.running())}

    def running(self) -> list[str]:
        return [key for key, coin in self.coins.items() if all(map(self.processes.pid, coin.names))]

    def status(self) -> dict[str, Any]:
        up = self.running()
        return {key: coin.status() if key in up else None for key, coin in self.coins.items()}

    def mine(self, count: int, keys: Iterable[str] = ()) -> dict[str, int]:
        return {key: self.coins[key].mine(count) for key in list(keys) or self.running()}

    def fund(self, address: str, amount: str, key: str = "ltc") -> dict[str, str]:
        return {"coin": key, "txid": self.coins[key].fund(address, amount)}

    def reorg(self, count: int, keys: Iterable[str] = (), *, drop: bool = False) -> dict[str, int]:
        return {key: self.coins[key].reorg(count, drop=drop) for key in list(keys) or self.running()}

    def _chosen(self, keys: Iterable[str]) -> list[str]:
        chosen = list(keys) or list(USUAL)
        unknown = sorted(set(chosen) - set(COINS))
        if unknown:
            raise DevnetError(f"unknown coin {unknown[0]}; known: {', '.join(COINS)}")
        return chosen
