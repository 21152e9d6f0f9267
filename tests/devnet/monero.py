"""A private Monero network: monerod --regtest with a monero-wallet-rpc for us and one for the world outside.

"site" is the hot wallet of the application; "outside" is the miner, who plays the customers' own wallets.
Its addresses look like those of the main network: never show one as real.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.devnet.digest import DigestRpc
from tests.devnet.processes import Processes, free_port, is_taken
from tests.devnet.rpc import HOST, CallError, DevnetError

# 60 blocks until the first reward may be spent, 16 ring members, and some more rewards for the outside wallet.
MATURE = 130
BLOCKS_A_CALL = 50  # so that no call meets its time limit
RECONNECT_SECONDS = 30
RELAY_SECONDS = 30
NO_WALLET_OPEN = -13
USER = "site"
PASSWORD = "of the wallet files"
UNIT = Decimal(10) ** 12


class Monero:
    """Amounts are text or Decimal, in coins. port: the daemon's."""

    key = "xmr"
    package = "monero"  # Debian's
    names = ("wallet-outside", "wallet-site", "monerod")

    def __init__(
        self, directory: Path, processes: Processes, port: int, password: str, notify_url: str, extra: Sequence[str]
    ) -> None:
        self.data, self._log = directory / self.key, directory / "log"
        self.port, self.password, self.notify_url, self.extra = port, password, notify_url, tuple(extra)
        self._processes = processes
        self.node = DigestRpc(port)
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = self.data / "ports.json"
        if not self._file.exists():
            self._file.write_text(json.dumps({"site": free_port(), "outside": free_port()}))
        self.ports: dict[str, int] = json.loads(self._file.read_text())
        self.site = DigestRpc(self.ports["site"], USER, password)
        self.outside = DigestRpc(self.ports["outside"], USER, password)

    def _choose_port(self, name: str) -> int:
        """The wallet's port; another one when a stranger took it."""
        if is_taken(self.ports[name]) and not self._processes.pid(f"wallet-{name}"):
            self.ports[name] = self.wallet(name).port = free_port()
            self._file.write_text(json.dumps(self.ports))
        return self.ports[name]

    # -- life --

    def start(self) -> None:
        self.start_node()
        for name in ("outside", "site"):
            self.start_wallet(name)
        self.mine(MATURE - self.height())

    def start_node(self, lines: Sequence[str] = ()) -> None:
        """lines: more of its configuration file."""
        config = self.data / "monerod.conf"
        config.write_text("".join(f"{line}\n" for line in lines))
        command = ["monerod", "--regtest", "--keep-fakechain", "--offline", "--fixed-difficulty", "1"]
        command += ["--config-file", str(config)]
        command += ["--data-dir", str(self.data / "node"), "--log-file", str(self._log / "monerod.log")]
        command += ["--rpc-bind-ip", HOST, "--rpc-bind-port", str(self.port), "--rpc-ssl", "disabled"]
        command += ["--disable-rpc-ban", "--no-zmq", "--no-igd", "--non-interactive"]
        command += self._notify("--block-notify", "block")
        self._processes.spawn("monerod", self.port, [*command, *self.extra], lambda: self.node("get_info", 5))
        for name in ("outside", "site"):
            if self._processes.pid(f"wallet-{name}"):
                self._await_reconnected(self.wallet(name))

    def _await_reconnected(self, wallet: DigestRpc) -> None:
        """A wallet notices only after some calls that its daemon is another one now."""
        deadline = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                wallet("refresh")
                return
            except CallError as error:
                if error.code == NO_WALLET_OPEN:
                    return
                if time.monotonic() > deadline:
                    raise DevnetError("a wallet does not find its daemon again") from error
            time.sleep(0.1)

    def start_wallet(self, name: str, *lines: str, wallet: str = "", login: bool = True) -> None:
        """The program, with its own wallet (or that one) open. lines: more of its configuration file."""
        folder, port = self.data / f"wallet-{name}", self._choose_port(name)
        folder.mkdir(exist_ok=True, mode=0o700)
        config = folder / "rpc.conf"  # keeps the password off the command line
        config.touch(mode=0o600)
        first = f"rpc-login={USER}:{self.password}" if login else "disable-rpc-login=1"
        config.write_text("".join(f"{line}\n" for line in (first, *lines)))
        command = ["monero-wallet-rpc", "--config-file", str(config), "--wallet-dir", str(folder)]
        command += ["--daemon-address", f"{HOST}:{self.port}", "--trusted-daemon", "--daemon-ssl", "disabled"]
        command += ["--rpc-ssl", "disabled", "--no-dns", "--rpc-bind-ip", HOST, "--rpc-bind-port", str(port)]
        command += ["--log-file", str(self._log / f"wallet-{name}.log")]
        command += ["--shared-ringdb-dir", str(self.data / "ringdb")]
        command += self._notify("--tx-notify", "wallet") if name == "site" else []
        rpc = self.wallet(name)
        self._processes.spawn(f"wallet-{name}", port, command, lambda: rpc("get_version", 5))
        self.open(name, wallet or name)

    def wallet(self, name: str) -> DigestRpc:
        """Its client."""
        return self.site if name == "site" else self.outside

    def open(self, name: str, wallet: str) -> None:
        """Opens this wallet in that program, made when it does not exist."""
        rpc = self.wallet(name)
        if (self.data / f"wallet-{name}" / f"{wallet}.keys").exists():
            rpc("open_wallet", filename=wallet, password=PASSWORD)
        else:
            rpc("create_wallet", filename=wallet, password=PASSWORD, language="English")

    def _notify(self, option: str, kind: str) -> list[str]:
        curl = shutil.which("curl")
        if not self.notify_url or not curl:
            return []
        url = self.notify_url.replace("{coin}", self.key).replace("{kind}", kind).replace("{id}", "%s")
        return [option, f"{curl} -sS -m 5 -o {os.devnull} {url}"]

    def stop(self, *, kill: bool = False) -> dict[str, bool]:
        return {name: self._processes.end(name, kill=kill) for name in self.names}

    def kill_wallet(self, name: str) -> None:
        """As a power cut: what the wallet learned since its last `store` is lost."""
        self._processes.end(f"wallet-{name}", kill=True)

    def restart(self, *, kill: bool = False) -> None:
        self.stop(kill=kill)
        self.start()

    def restart_wallet(self, name: str, *lines: str, wallet: str = "", login: bool = True) -> None:
        """kill -9, and the same wallet open again."""
        self.kill_wallet(name)
        self.start_wallet(name, *lines, wallet=wallet, login=login)

    def stop_node(self) -> None:
        self._processes.end("monerod")

    # -- the world --

    def height(self) -> int:
        """Of the top block."""
        return int(self.node("get_block_count")["count"]) - 1

    def mine(self, count: int, *, to: str = "") -> int:
        if count > 0:
            address = to or self.outside("get_address", account_index=0)["address"]
            for start in range(0, count, BLOCKS_A_CALL):
                blocks = min(BLOCKS_A_CALL, count - start)
                self.node("generateblocks", amount_of_blocks=blocks, wallet_address=address, starting_nonce=0)
            self.outside("refresh")
        return self.height()

    def fund(self, address: str, amount: str | Decimal) -> str:
        """A payment from outside, not yet in a block; "site" stands for the site's own address."""
        if address == "site":
            address = self.site("get_address", account_index=0)["address"]
        return str(self.pay({address: atomic(amount)})["tx_hash"])

    def pay(self, outputs: dict[str, int], **more: Any) -> dict[str, Any]:
        """From outside, in atomic units; waits for blocks when all its coins are locked."""
        destinations = [{"address": address, "amount": amount} for address, amount in outputs.items()]
        self.outside("refresh")
        try:
            paid = self.outside("transfer", destinations=destinations, account_index=0, **more)
        except CallError as error:
            if error.code != -37:
                raise
            self.mine(10)
            paid = self.outside("transfer", destinations=destinations, account_index=0, **more)
        await_relayed(self.node, paid["tx_hash"])
        return dict(paid)

    def reorg(self, count: int, *, drop: bool = False) -> int:
        """Replaces the last blocks by one more of others; drop: the payments in them stay out."""
        self.node.post("/pop_blocks", {"nblocks": count})
        if drop:
            self.node("flush_txpool")
        return self.mine(count + 1)

    def received(self, address: str) -> list[int]:
        """Each payment in a block that the outside wallet ever got on this address, in atomic units."""
        self.outside("refresh")
        entries = self.outside("get_transfers", **{"in": True, "account_index": 0}).get("in", [])
        return [int(amount) for one in entries if one["address"] == address for amount in one["amounts"]]

    # -- what it shows --

    def status(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"height": self.height()}
        for name in ("site", "outside"):
            held = self.wallet(name)("get_balance", account_index=0)
            shown[name] = {key: Decimal(held[key]) / UNIT for key in ("balance", "unlocked_balance")}
        return shown

    def settings(self) -> dict[str, Any]:
        return {
            "daemon": "monero-wallet-rpc",
            "network": "regtest (main-network addresses)",
            "decimals": 12,
            "url": self.node.url,
            "wallet_url": self.site.url,
            "user": USER,
            "password": self.password,
            "wallet": "site",
        }

    def options(self, **more: Any) -> dict[str, Any]:
        """Option values of an adapter for the site's wallet."""
        login = {"user": USER, "password": self.password}
        return {"wallet_url": self.site.url, "daemon_url": self.node.url, **login, "network": "regtest", **more}


def await_relayed(node: DigestRpc, txid: str) -> str:
    """The same txid. For some milliseconds after a send, monerod leaves the transaction out of new blocks."""
    deadline = time.monotonic() + RELAY_SECONDS
    while True:
        found = node.post("/get_transactions", {"txs_hashes": [txid], "prune": True}).get("txs", [])
        if found and (not found[0]["in_pool"] or found[0]["relayed"]):
            return txid
        if time.monotonic() > deadline:
            raise DevnetError(f"{txid} was not relayed")
        time.sleep(0.02)


def atomic(amount: str | Decimal) -> int:
    return int(Decimal(amount) * UNIT)
