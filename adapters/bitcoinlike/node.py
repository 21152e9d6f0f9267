"""The node as this family asks it: one method a question, answers already checked for shape.

Source of the calls and their quirks: Bitcoin Core 0.21 RPC, tried on litecoind 0.21.2.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from adapters.base import NodeDown
from adapters.bitcoinlike import codes
from adapters.bitcoinlike.coins import DECIMALS, NETWORK_NAMES
from adapters.bitcoinlike.options import BitcoinOptions
from adapters.readings import EXPLORE_SECONDS
from adapters.rpc import JsonRpc, Reply, RpcError, hex_text, replies

UNLOCK_SECONDS = 60
SIGN_READ_SECONDS = 30

Input = tuple[str, int]  # txid, vout


@dataclass(frozen=True, slots=True)
class Decoded:
    """A transaction taken apart. outputs: (address, amount); the address is empty where it has none."""

    txid: str
    vsize: int
    inputs: tuple[Input, ...]
    outputs: tuple[tuple[str, int], ...]


class Node:
    def __init__(self, options: BitcoinOptions) -> None:
        self._options = options
        self._path = f"/wallet/{quote(options.wallet, safe='')}" if options.wallet else ""
        self._rpc = JsonRpc(options.url, user=options.user, password=options.password)
        self.within = self._rpc.within
        self.close = self._rpc.close

    def ask(self, method: str, *params: Any) -> Any:
        """A call whose every error means that nothing is known."""
        try:
            return self._rpc.call(method, params)
        except RpcError as error:
            raise codes.down(error) from None

    def try_wallet(self, method: str, *params: Any, read_seconds: int = 10) -> Any:
        """A call of the wallet whose error codes the caller reads itself (RpcError)."""
        return self._rpc.call(method, params, path=self._path, read_seconds=read_seconds)

    def ask_wallet(self, method: str, *params: Any, read_seconds: int = 10) -> Any:
        try:
            return self.try_wallet(method, *params, read_seconds=read_seconds)
        except RpcError as error:
            raise codes.down(error) from None

    def read(self, method: str, params: dict[str, Any], *, of_wallet: bool) -> Any:
        """A reading call, its parameters by name. Raises RpcError as it came."""
        return self._rpc.call(method, params, path=self._path if of_wallet else "", read_seconds=EXPLORE_SECONDS)

    def _unless_unknown(self, method: str, *params: Any, wallet: bool = False, read_seconds: int = 10) -> Any:
        """The answer, or None where the node says -5: it knows no such thing."""
        try:
            return self._rpc.call(method, params, path=self._path if wallet else "", read_seconds=read_seconds)
        except RpcError as error:
            if error.code == codes.UNKNOWN_THING:
                return None
            raise codes.down(error) from None

    # -- the chain --

    def chain(self) -> Reply:
        return Reply(self.ask("getblockchaininfo"), "getblockchaininfo")

    def unready(self, chain: Reply) -> str:
        """Why this node must not be believed now; empty when it may."""
        network = chain.text("chain")
        wanted = self._options.network
        if network != wanted:
            has = NETWORK_NAMES.get(network, f"network {network[:20]!r}")
            return f"The node is on the {has}, this wallet expects the {NETWORK_NAMES[wanted]}."
        blocks, headers = chain.whole("blocks"), chain.whole("headers")
        if chain.flag("initialblockdownload") or blocks < headers:
            return f"The node is still catching up: block {blocks} of {headers}."
        return ""

    def ready(self) -> Reply:
        """Raises NodeDown unless the node is on the right network and has all blocks."""
        chain = self.chain()
        reason = self.unready(chain)
        if reason:
            raise NodeDown(reason)
        return chain

    def block_at(self, height: int) -> str:
        return hex_text(self.ask("getblockhash", height), "getblockhash", 64)

    def block_depth(self, block: str) -> int:
        """Confirmations of a block; 0 when it is not in the main chain or not known at all."""
        header = self._unless_unknown("getblockheader", block)
        return 0 if header is None else max(0, Reply(header, "getblockheader").whole("confirmations"))

    def in_mempool(self, txid: str) -> bool:
        return self._unless_unknown("getmempoolentry", txid) is not None

    def unspent(self, txid: str, output: int, *, mempool: bool = True) -> Reply | None:
        """The output if nobody has spent it; None also for an output that does not exist."""
        found = self.ask("gettxout", txid, output, mempool)
        return None if found is None else Reply(found, "gettxout")

    def raw_depth(self, txid: str) -> int:
        """Confirmations of any transaction, by the node's txindex; 0 where it has none."""
        found = self._unless_unknown("getrawtransaction", txid, True)
        return 0 if found is None else Reply(found, "getrawtransaction").whole("confirmations", 0)

    def decode(self, raw: str) -> Decoded:
        tx = Reply(self.ask("decoderawtransaction", raw), "decoderawtransaction")
        # A coinbase input and the MWEB parts of a Litecoin transaction name no earlier transaction.
        plain = [part for part in tx.parts("vin") if "txid" in part]
        inputs = tuple((hex_text(part.text("txid"), "vin", 64), part.whole("vout")) for part in plain)
        outputs = tuple(_output(part) for part in tx.parts("vout"))
        return Decoded(hex_text(tx.text("txid"), "txid", 64), tx.whole("vsize"), inputs, outputs)

    def fee_rate(self, level: str = "") -> int:
        """Atomic units per vbyte: the node's estimate or the configured rate, at least what relays, under the cap.

        A fast payment never pays less than a normal one, nor a slow one more, whatever is estimated: a node that has
        no estimate has one rate for all.
        """
        usual = self._estimate("")
        wanted = self._options.fallback_fee_rate if usual is None else usual
        if level in ("slow", "fast"):
            other = self._estimate(level)
            other = wanted if other is None else other
            wanted = max(wanted, other) if level == "fast" else min(wanted, other)
        pool = Reply(self.ask("getmempoolinfo"), "getmempoolinfo")
        least = max(_per_vbyte(pool, "mempoolminfee"), _per_vbyte(pool, "minrelaytxfee"))
        if least > self._options.max_fee_rate:
            raise NodeDown(f"The network asks {least} units per vbyte, more than max_fee_rate allows.")
        return min(max(wanted, least), self._options.max_fee_rate)

    def _estimate(self, level: str) -> int | None:
        answer = Reply(self.ask("estimatesmartfee", self._options.target(level)), "estimatesmartfee")
        return _per_vbyte(answer, "feerate") if "feerate" in answer else None

    # -- the wallet --

    def transaction(self, txid: str) -> Reply | None:
        found = self._unless_unknown("gettransaction", txid, wallet=True)
        return None if found is None else Reply(found, "gettransaction")

    def since(self, block: str, target: int) -> Reply | None:
        """listsinceblock; None when the node does not know this block."""
        found = self._unless_unknown("listsinceblock", block, target, wallet=True, read_seconds=30)
        return None if found is None else Reply(found, "listsinceblock")

    def address_info(self, address: str) -> Reply | None:
        """None for what the node does not take as an address."""
        found = self._unless_unknown("getaddressinfo", address, wallet=True)
        return None if found is None else Reply(found, "getaddressinfo")

    def change_address(self) -> str:
        """A new one of our own."""
        made = self.ask_wallet("getrawchangeaddress")
        if not isinstance(made, str):
            raise NodeDown("getrawchangeaddress: unexpected answer")
        return made

    def locked_inputs(self) -> set[Input]:
        held = replies(self.ask_wallet("listlockunspent"), "listlockunspent")
        return {(entry.text("txid"), entry.whole("vout")) for entry in held}

    def lock_exactly(self, wanted: Iterable[Input]) -> None:
        """Locks these coins and frees all others: locks die with the daemon, and those of a preparation
        that was never recorded would hold its coins for ever."""
        wanted = list(dict.fromkeys(wanted))
        held = self.locked_inputs()
        stray = sorted(held - set(wanted))
        if stray:
            self.ask_wallet("lockunspent", True, _named(stray))
        for one in wanted:
            if one not in held:
                self._lock(one)

    def _lock(self, one: Input) -> None:
        try:
            self.try_wallet("lockunspent", False, _named([one]))
        except RpcError as error:
            # -8: locked already, or spent by the very payment that we hold it for.
            if error.code != codes.BAD_PARAMETER:
                raise codes.down(error) from None

    @contextlib.contextmanager
    def unlocked(self) -> Iterator[None]:
        """The wallet with its passphrase, no longer than needed; without a passphrase file: as it is."""
        if not self._options.passphrase_file:
            yield
            return
        try:
            self.try_wallet("walletpassphrase", _passphrase(self._options.passphrase_file), UNLOCK_SECONDS)
        except RpcError as error:
            if error.code != codes.WRONG_ENCRYPTION_STATE:
                raise codes.down(error) from None
        try:
            yield
        finally:
            with contextlib.suppress(NodeDown):  # it locks itself after UNLOCK_SECONDS
                self.try_wallet("walletlock")

    def sign(self, raw: str) -> str:
        """Complete and signed. Raises NodeDown when the wallet lacks a key."""
        with self.unlocked():
            answer = self.ask_wallet("signrawtransactionwithwallet", raw, read_seconds=SIGN_READ_SECONDS)
        signed = Reply(answer, "signrawtransactionwithwallet")
        if not signed.flag("complete"):
            raise NodeDown("The node's wallet cannot sign this payment: it lacks a key.")
        return hex_text(signed.text("hex"), "signrawtransactionwithwallet")


def _named(inputs: Iterable[Input]) -> list[dict[str, Any]]:
    return [{"txid": txid, "vout": output} for txid, output in inputs]


def _output(part: Reply) -> tuple[str, int]:
    if "scriptPubKey" not in part:
        return "", 0
    script = part.part("scriptPubKey")
    # Bitcoin Core 22 and later: `address`; before: a list `addresses`.
    many = script.texts("addresses")
    return script.text("address", many[0] if len(many) == 1 else ""), part.amount("value", DECIMALS)


def _per_vbyte(reply: Reply, key: str) -> int:
    """Coins per 1,000 vbytes as atomic units per vbyte, rounded up."""
    return -(-reply.amount(key, DECIMALS) // 1000)


def _passphrase(path: str) -> str:
    try:
        return Path(path).read_text().rstrip("\r\n")
    except (OSError, ValueError):
        raise NodeDown("The passphrase file cannot be read.") from None
