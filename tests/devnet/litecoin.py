"""A private Litecoin network: one litecoind -regtest with wallets for us and for the world outside.

"site" is the hot wallet of the application; "outside" is the miner, who plays the customers' own wallets.
"site-2" and "outside-2" are a second pair for tests that must not disturb the first.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.devnet.processes import Processes
from tests.devnet.rpc import HOST, CallError, DevnetError, Rpc

MATURE = 110  # chain height that leaves the outside wallet with spendable coins
USER = "site"
WALLETS = ("site", "outside", "site-2", "outside-2")
SEEN_SECONDS = 20


class Litecoin:
    """Amounts are text or Decimal, in coins."""

    key = "ltc"
    package = "litecoind"  # Debian's
    names = ("litecoind",)

    def __init__(
        self, directory: Path, processes: Processes, port: int, password: str, notify_url: str, extra: Sequence[str]
    ) -> None:
        self.data = directory / self.key
        self.port, self.password, self.notify_url, self.extra = port, password, notify_url, tuple(extra)
        self._processes = processes
        self.node = Rpc(port, "/", USER, password)
        self.site, self.outside, self.site_2, self.outside_2 = map(self.wallet, WALLETS)

    def wallet(self, name: str) -> Rpc:
        return Rpc(self.port, f"/wallet/{name}", USER, self.password)

    # -- life --

    def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        conf = self.data / "litecoin.conf"
        conf.touch(mode=0o600)
        conf.write_text("\n".join(self._conf()) + "\n")
        self._processes.spawn("litecoind", self.port, ["litecoind", f"-datadir={self.data}"], self._probe)
        for name in WALLETS:
            self.load(name)
        self.mine(MATURE - self.height())

    def _probe(self) -> None:
        self.node("getblockchaininfo", timeout=5)

    def _conf(self) -> list[str]:
        lines = ["regtest=1", "server=1", "printtoconsole=0", "fallbackfee=0.0002", "[regtest]"]
        lines += ["listen=0", "dnsseed=0", f"rpcbind={HOST}", f"rpcallowip={HOST}", f"rpcport={self.port}"]
        lines += [f"rpcuser={USER}", f"rpcpassword={self.password}", "keypool=20"]
        # When it ends, it waits this long for connections that are left open.
        lines += ["rpcservertimeout=5"]
        # Without this, mining stops at height 431: the first MWEB block needs a peg-in.
        lines += ["vbparams=mweb:-2:0"]
        # Litecoin's default is off; Bitcoin's is on.
        lines += ["mempoolreplacement=1"]
        for option, kind in (("walletnotify", "wallet"), ("blocknotify", "block")):
            if self.notify_url and shutil.which("curl"):
                url = self.notify_url.replace("{coin}", self.key).replace("{kind}", kind).replace("{id}", "%s")
                more = "-H 'Content-Type: text/plain' -d %w" if kind == "wallet" else ""  # which wallet it is of
                lines.append(f"{option}={shutil.which('curl')} -sS -m 5 -o {os.devnull} {more} '{url}'")
        return [*lines, *self.extra]

    def stop(self, *, kill: bool = False) -> dict[str, bool]:
        return {"litecoind": self._processes.end("litecoind", kill=kill)}

    def restart(self, *, kill: bool = False) -> None:
        """kill: as a power cut; blocks and transactions since the last flush() are lost."""
        self.stop(kill=kill)
        self.start()

    def flush(self) -> None:
        self.node("gettxoutsetinfo")

    def load(self, name: str) -> Rpc:
        """The wallet, made or loaded when needed; it stays loaded over restarts."""
        if name not in self.node("listwallets"):
            known = {wallet["name"] for wallet in self.node("listwalletdir")["wallets"]}
            if name in known:
                self.node("loadwallet", filename=name, load_on_startup=True)
            else:
                self.node("createwallet", wallet_name=name, load_on_startup=True)
        return self.wallet(name)

    def unload_others(self) -> None:
        """Only the four standing wallets stay loaded: each of the others costs the daemon time when it ends."""
        for name in set(self.node("listwallets")) - set(WALLETS):
            self.node("unloadwallet", name)

    # -- the world --

    def height(self) -> int:
        return int(self.node("getblockcount"))

    def address(self, wallet: Rpc) -> str:
        """One address of this wallet, always the same."""
        held = wallet("getaddressesbylabel", "devnet") if "devnet" in wallet("listlabels") else None
        return str(sorted(held)[0] if held else wallet("getnewaddress", "devnet"))

    def mine(self, count: int, *, to: str = "") -> int:
        if count > 0:
            self.node("generatetoaddress", count, to or self.address(self.outside))
        return self.height()

    def mine_empty(self, count: int, *, to: str = "") -> int:
        """Blocks that leave the mempool as it is."""
        address = to or self.address(self.outside)
        for _ in range(count):
            self.node("generateblock", address, [])
        return self.height()

    def fund(self, address: str, amount: str | Decimal) -> str:
        """A payment from outside, not yet in a block; "site" stands for the site's own address."""
        if address == "site":
            address = self.address(self.site)
        return str(self.outside("sendtoaddress", address, str(amount)))

    def reorg(self, count: int, *, drop: bool = False) -> int:
        """Replaces the last blocks by one more of others; drop: the payments in them stay out."""
        self.node("invalidateblock", self.node("getblockhash", self.height() - count + 1))
        # To a new address: within one second the same block would come out again, and that one is invalid now.
        mine = self.mine_empty if drop else self.mine
        return mine(count + 1, to=self.outside("getnewaddress"))

    def received(self, address: str, wallet: Rpc | None = None) -> list[Decimal]:
        """Each payment this wallet (the outside one) ever got on this address."""
        entries = (wallet or self.outside)("listtransactions", "*", 10_000)
        return [e["amount"] for e in entries if e.get("address") == address and e["category"] == "receive"]

    def await_seen(self, wallet: Rpc, txid: str) -> dict[str, Any]:
        """The wallet lags some milliseconds behind the mempool."""
        deadline = time.monotonic() + SEEN_SECONDS
        while True:
            try:
                return dict(wallet("gettransaction", txid))
            except CallError as error:
                if time.monotonic() > deadline:
                    raise DevnetError(f"{txid} never reached the wallet") from error
            time.sleep(0.02)

    # -- what it shows --

    def status(self) -> dict[str, Any]:
        wallets = {name: self.wallet(name)("getbalances")["mine"] for name in WALLETS}
        return {"height": self.height(), **wallets}

    def settings(self) -> dict[str, Any]:
        return {
            "daemon": "litecoind",
            "network": "regtest",
            "decimals": 8,
            "url": self.node.url.rstrip("/"),
            "user": USER,
            "password": self.password,
            "wallet": "site",
        }

    def options(self, wallet: str = "site", **more: Any) -> dict[str, Any]:
        """Option values of an adapter for one of the wallets."""
        url = f"http://{HOST}:{self.port}"
        base = {"url": url, "user": USER, "password": self.password, "wallet": wallet}
        return {**base, "coin": "litecoin", "network": "regtest", **more}
