"""monerod and monero-wallet-rpc as this family asks them: one method a question, answers checked for shape.

Source of the calls and their quirks: monerod and monero-wallet-rpc 0.18, tried on both. Empty lists are absent
keys. The wallet answers much from the past while its daemon is down: what must be true now asks `refresh` first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.base import NodeDown
from adapters.monero import codes
from adapters.monero.addresses import NETWORK_NAMES
from adapters.monero.options import MoneroOptions
from adapters.readings import EXPLORE_SECONDS
from adapters.rpc import JsonRpc, Reply, RpcError, hex_text, parse

PATH = "/json_rpc"
SLOW_READ_SECONDS = 60  # transfer and refresh may work that long
TXS_A_CALL = 50
NET_TYPES = {"main": "mainnet", "test": "testnet", "stage": "stagenet", "regtest": "fakechain"}
UNSPENT, SPENT, SPENT_IN_POOL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Seen:
    """A transaction as the daemon knows it. height: of its block, None in the pool."""

    height: int | None
    key_images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """A coin of the wallet that it does not know to be spent. Amount in atomic units."""

    key_image: str
    amount: int
    minor: int
    unlocked: bool
    frozen: bool


class Node:
    def __init__(self, options: MoneroOptions) -> None:
        self._options = options
        self.account = options.account
        user, password = options.user, options.password
        self._wallet = JsonRpc(_base(options.wallet_url), user=user, password=password, auth="digest")
        user, password = options.daemon_user, options.daemon_password
        self._daemon = JsonRpc(_base(options.daemon_url), user=user, password=password, auth="digest")

    def close(self) -> None:
        self._wallet.close()
        self._daemon.close()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        with self._wallet.within(seconds), self._daemon.within(seconds):
            yield

    def ask(self, method: str, params: dict[str, Any] | None = None, *, read_seconds: int = 10) -> Reply:
        """A call of the wallet whose every error means that nothing is known."""
        try:
            return self.try_wallet(method, params, read_seconds=read_seconds)
        except RpcError as error:
            raise codes.down(error) from None

    def try_wallet(self, method: str, params: dict[str, Any] | None = None, *, read_seconds: int = 10) -> Reply:
        """A call of the wallet whose error codes the caller reads itself (RpcError)."""
        try:
            return Reply(self._wallet.call(method, params or {}, path=PATH, read_seconds=read_seconds), method)
        except RpcError:
            raise
        except NodeDown as error:
            raise NodeDown(f"monero-wallet-rpc: {error}") from None

    def read(self, method: str, params: Any, *, of_daemon: bool) -> Any:
        """A reading call. Raises RpcError as it came."""
        if method.startswith("/"):
            return self._daemon.post(method, params, read_seconds=EXPLORE_SECONDS)
        asked = self._daemon if of_daemon else self._wallet
        return asked.call(method, params, path=PATH, read_seconds=EXPLORE_SECONDS)

    # -- the daemon --

    def _ask_daemon(self, path: str, body: dict[str, Any]) -> Reply:
        try:
            if path == PATH:
                answer = Reply(self._daemon.call(body["method"], body.get("params", {}), path=PATH), body["method"])
            else:
                answer = Reply(self._daemon.post(path, body), path)
        except NodeDown as error:
            raise NodeDown(f"monerod: {error}") from None
        status = answer.text("status")
        if status != "OK":
            raise NodeDown(f"monerod is not ready: {status[:60]}")
        if answer.flag("untrusted", False):
            raise NodeDown(
                "monerod passes on answers of a stranger's node (bootstrap daemon): wait until it has synced."
            )
        return answer

    def chain(self) -> Reply:
        return self._ask_daemon(PATH, {"method": "get_info"})

    def unready(self, info: Reply) -> str:
        """Why this daemon must not be believed now; empty when it may."""
        has, wanted = info.text("nettype"), self._options.network
        if has != NET_TYPES[wanted]:
            names = {net_type: NETWORK_NAMES[name] for name, net_type in NET_TYPES.items()}
            known = names.get(has, f"network {has[:20]!r}")
            return f"monerod is on the {known}, this wallet expects the {NETWORK_NAMES[wanted]}."
        height, target = info.whole("height"), info.whole("target_height", 0)
        if not info.flag("synchronized") or info.flag("busy_syncing", False) or height < target:
            return f"monerod is still catching up: block {height} of {max(height, target)}."
        if info.flag("offline", False) and wanted != "regtest":
            return "monerod runs with --offline: it hears nothing of the network."
        return ""

    def ready(self) -> int:
        """How many blocks the chain has. Raises NodeDown unless the daemon is on the right network and has them all."""
        info = self.chain()
        reason = self.unready(info)
        if reason:
            raise NodeDown(reason)
        return info.whole("height")

    def seen(self, txids: Sequence[str], *, inputs: bool = False) -> dict[str, Seen]:
        """Those of these transactions that the daemon has, in its pool or in a block of the main chain."""
        found: dict[str, Seen] = {}
        for start in range(0, len(txids), TXS_A_CALL):
            hashes = list(txids[start : start + TXS_A_CALL])
            body = {"txs_hashes": hashes, "decode_as_json": inputs, "prune": True}
            answer = self._ask_daemon("/get_transactions", body)
            held = {part.text("tx_hash"): _seen(part, inputs) for part in answer.parts("txs")}
            if set(held) | set(answer.texts("missed_tx")) != set(hashes):
                raise NodeDown("monerod: /get_transactions: unexpected answer")
            found |= held
        return found

    def spent(self, key_images: Sequence[str]) -> list[int]:
        """For each: UNSPENT, SPENT in a block of the main chain, or SPENT_IN_POOL."""
        answer = self._ask_daemon("/is_key_image_spent", {"key_images": list(key_images)})
        states = answer.wholes("spent_status")
        if len(states) != len(key_images) or any(state not in (UNSPENT, SPENT, SPENT_IN_POOL) for state in states):
            raise NodeDown("monerod: /is_key_image_spent: unexpected answer")
        return states

    def fee_per_byte(self, level: int) -> int:
        """Of a level 0 to 4; 0 is the wallet's own choice and counts as 1. Atomic units."""
        answer = self._ask_daemon(PATH, {"method": "get_fee_estimate"})
        fees, place = answer.wholes("fees"), max(level, 1) - 1
        if place < len(fees):
            return fees[place]
        if place:
            raise NodeDown("monerod does not tell the price of this fee level: it is too old.")
        return answer.whole("fee")

    # -- the wallet --

    def refresh(self) -> int:
        """Reads the chain up to now; how many blocks the wallet knows then."""
        self.ask("refresh", read_seconds=SLOW_READ_SECONDS)
        return self.ask("get_height").whole("height")

    def store(self) -> None:
        """What the wallet learned survives its death from here on."""
        self.ask("store", read_seconds=SLOW_READ_SECONDS)

    def primary_address(self) -> str:
        return self.ask("get_address", {"account_index": self.account, "address_index": [0]}).text("address")

    def view_key(self) -> bytes:
        """The private key that sees the wallet's coins and spends none. Never kept."""
        return bytes.fromhex(hex_text(self.ask("query_key", {"key_type": "view_key"}).text("key"), "key", 64))

    def balance(self) -> tuple[int, int]:
        """Total and unlocked of our account: the sum over its subaddresses, atomic units."""
        answer = self.ask("get_balance", {"account_index": self.account})
        parts = answer.parts("per_subaddress")
        return sum(part.whole("balance") for part in parts), sum(part.whole("unlocked_balance") for part in parts)

    def transfers(self, lists: Iterable[str], lowest: int, highest: int | None = None) -> Reply:
        """lowest: exclusive. highest: inclusive. Both say nothing of `pool` and `pending`."""
        params: dict[str, Any] = dict.fromkeys(lists, True)
        params |= {"account_index": self.account, "filter_by_height": True, "min_height": max(0, lowest)}
        if highest is not None:
            params["max_height"] = highest
        return self.ask("get_transfers", params, read_seconds=SLOW_READ_SECONDS)

    def transfer(self, txid: str) -> list[Reply]:
        """Its entries; none for a transaction that the wallet does not know (-8)."""
        try:
            answer = self.try_wallet("get_transfer_by_txid", {"txid": txid, "account_index": self.account})
        except RpcError as error:
            if error.code == codes.NO_SUCH_TX:
                return []
            raise codes.down(error) from None
        return answer.parts("transfers")

    def outputs(self) -> list[Output]:
        params = {"transfer_type": "available", "account_index": self.account}
        answer = self.ask("incoming_transfers", params, read_seconds=SLOW_READ_SECONDS)
        return [_output(part) for part in answer.parts("transfers")]

    @contextlib.contextmanager
    def frozen(self, key_images: Iterable[str]) -> Iterator[None]:
        """Inside, the wallet does not choose these outputs. A frozen output can still be relayed."""
        held = list(dict.fromkeys(key_images))
        for one in held:
            self._mark("freeze", one)
        try:
            yield
        finally:
            with contextlib.suppress(NodeDown):  # what stays frozen is thawed by thaw_strays
                for one in held:
                    self._mark("thaw", one)

    def _mark(self, method: str, key_image: str) -> None:
        try:
            self.try_wallet(method, {"key_image": key_image})
        except RpcError as error:
            # -1: "Key image not found". The wallet knows no such output, so it cannot choose it either.
            if error.code != codes.UNKNOWN_ERROR:
                raise codes.down(error) from None

    def thaw_strays(self, wanted: Iterable[str]) -> None:
        """Frees outputs that a death in the middle of a preparation left frozen."""
        held = set(wanted)
        for one in self.outputs():
            if one.frozen and one.key_image not in held:
                self._mark("thaw", one.key_image)


def _base(url: str) -> str:
    return url.rstrip("/").removesuffix(PATH)


def _seen(part: Reply, inputs: bool) -> Seen:
    height = None if part.flag("in_pool") else part.whole("block_height")
    if not inputs:
        return Seen(height)
    made = Reply(parse(part.text("as_json").encode()), "as_json")
    # The input of a mined reward has no key.
    keys = [one.part("key") for one in made.parts("vin") if "key" in one]
    return Seen(height, tuple(hex_text(one.text("k_image"), "k_image", 64) for one in keys))


def _output(part: Reply) -> Output:
    return Output(
        key_image=part.text("key_image"),
        amount=part.whole("amount"),
        minor=part.part("subaddr_index").whole("minor"),
        unlocked=part.flag("unlocked"),
        frozen=part.flag("frozen"),
    )
