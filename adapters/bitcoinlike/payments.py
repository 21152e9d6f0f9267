"""Preparing a payment: created, funded, signed and tested, never sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.base import NodeDown, NodeRefused, NotEnoughFunds, Payment, Prepared, Tried
from adapters.bitcoinlike import codes
from adapters.bitcoinlike.coins import DECIMALS
from adapters.bitcoinlike.node import Decoded, Input, Node
from adapters.bitcoinlike.options import LEVELS, BitcoinOptions
from adapters.rpc import Reply, RpcError, coins, replies

BLOB_VERSION = 1
FUND_READ_SECONDS = 30
MOST_JOINED = 100  # inputs of one consolidation: about 7,000 vbytes, far below what relays
INPUT_VBYTES, OUTPUT_VBYTES, FRAME_VBYTES = 148, 34, 12  # old-style inputs, the largest kind a wallet makes
DUST_CHANGE = 10_000  # change below dust is left to the miners


@dataclass(frozen=True, slots=True)
class Blob:
    """What broadcast and lookup need of a prepared payment.

    wanted: what the recipients get. outputs: how many there are, change included. block: tip when it was made.
    """

    raw: str
    inputs: tuple[Input, ...]
    wanted: tuple[tuple[str, int], ...]
    outputs: int
    block: str

    def text(self) -> str:
        wanted = [[address, str(amount)] for address, amount in self.wanted]
        data = {"hex": self.raw, "inputs": self.inputs, "wanted": wanted, "outputs": self.outputs, "block": self.block}
        return json.dumps({"v": BLOB_VERSION, **data})

    @classmethod
    def read(cls, text: str) -> Blob:
        """Raises NodeDown for a text that is not ours: then nothing can be said about that payment."""
        try:
            data = json.loads(text)
            if data["v"] != BLOB_VERSION:
                raise ValueError("version")
            inputs = tuple((str(txid), int(output)) for txid, output in data["inputs"])
            wanted = tuple((str(address), int(amount)) for address, amount in data["wanted"])
            return cls(str(data["hex"]), inputs, wanted, int(data["outputs"]), str(data["block"]))
        except (ValueError, TypeError, KeyError):
            raise NodeDown("The stored form of this payment cannot be read.") from None


def prepare(node: Node, options: BitcoinOptions, payments: Sequence[Payment], live: Iterable[Tried]) -> Prepared:
    tip = node.ready().text("bestblockhash")
    wanted = _added_up(payments)
    smallest = min(wanted, key=lambda address: wanted[address])
    rate = node.fee_rate(level_of(payments))
    node.lock_exactly(_inputs_of(live))
    try:
        raw = node.try_wallet("createrawtransaction", [], _outputs(wanted))
        funded = _fund(node, raw, rate, {"lockUnspents": True})
        signed = node.sign(funded.text("hex"))
    except RpcError as error:
        raise codes.of_prepare(error, address=smallest) from None
    made = node.decode(signed)
    fee = funded.amount("fee", DECIMALS)
    _check_outputs(made, wanted)
    _check_fee(made, fee, options)
    _check_relay(node, signed, smallest)
    blob = Blob(signed, made.inputs, tuple(wanted.items()), len(made.outputs), tip)
    return Prepared(made.txid, blob.text(), fee, slot=made.txid, payments=tuple(one.id for one in payments))


def level_of(payments: Iterable[Payment]) -> str:
    """The highest that any of them asks for: who paid for haste gets it."""
    named = []
    for one in payments:
        level = one.level or "normal"
        if level not in LEVELS:
            raise NodeRefused("This fee level does not exist.", address=one.address)
        named.append(LEVELS.index(level))
    return LEVELS[max(named, default=LEVELS.index("normal"))]


def _added_up(payments: Sequence[Payment]) -> dict[str, int]:
    """One output an address: createrawtransaction refuses an address that stands there twice."""
    wanted: Counter[str] = Counter()
    for one in payments:
        if one.amount <= 0:
            raise NodeRefused("The amount must be above zero.", address=one.address)
        wanted[one.address] += one.amount
    if not wanted:
        raise NodeRefused("There is nothing to pay.")
    return dict(wanted)


def _outputs(wanted: dict[str, int]) -> list[dict[str, str]]:
    return [{address: coins(amount, DECIMALS)} for address, amount in wanted.items()]


def _inputs_of(live: Iterable[Tried]) -> list[Input]:
    return [one for tried in live for one in Blob.read(tried.prepared.blob).inputs]


def _fund(node: Node, raw: Any, rate: int, more: dict[str, Any]) -> Reply:
    # Final: a replaceable payment could be replaced by a later one that takes the same coin.
    settings = {"replaceable": False, "feeRate": coins(rate * 1000, DECIMALS), **more}
    answer = node.try_wallet("fundrawtransaction", raw, settings, read_seconds=FUND_READ_SECONDS)
    return Reply(answer, "fundrawtransaction")


def _check_outputs(made: Decoded, wanted: dict[str, int]) -> None:
    """The signed bytes pay exactly what was asked, and at most one change output besides."""
    left = Counter(made.outputs)
    left.subtract(wanted.items())
    if min(left.values()) < 0 or sum(left.values()) > 1:
        raise NodeDown("The node built another payment than the one it was asked for.")


def _check_fee(made: Decoded, fee: int, options: BitcoinOptions) -> None:
    if not 0 <= fee <= options.max_fee_rate * made.vsize + DUST_CHANGE:
        raise NodeDown("The node set a fee above max_fee_rate.")


def _check_relay(node: Node, signed: str, smallest: str) -> None:
    answer = replies(node.ask("testmempoolaccept", [signed]), "testmempoolaccept")
    if len(answer) != 1:
        raise NodeDown("testmempoolaccept: unexpected answer")
    if answer[0].flag("allowed"):
        return
    reason = answer[0].text("reject-reason", "no reason given")[:100]
    if "dust" in reason:
        raise NodeRefused("The network does not carry such a small amount.", address=smallest)
    if "mempool-chain" in reason:
        raise NotEnoughFunds("Too many payments in a row without a block: wait for the next one.")
    raise NodeDown(f"The node would not relay this payment: {reason}")


# -- joining small coins --


def consolidate(node: Node, options: BitcoinOptions, live: Iterable[Tried]) -> Prepared | None:
    """One payment of our smallest coins to a new change address of our own, when there are many and fees are low."""
    if not options.consolidate_at:
        return None
    tip = node.ready().text("bestblockhash")
    rate = node.fee_rate()
    node.lock_exactly(_inputs_of(live))
    held = [part for part in replies(node.ask_wallet("listunspent", 1), "listunspent") if part.flag("spendable")]
    if len(held) <= options.consolidate_at or rate > options.consolidate_rate:
        return None
    coins_held = sorted((part.amount("amount", DECIMALS), part.text("txid"), part.whole("vout")) for part in held)
    worth = [one for one in coins_held if one[0] > rate * INPUT_VBYTES][:MOST_JOINED]
    if len(worth) < 2:
        return None
    return _join(node, options, worth, rate, tip)


def _join(node: Node, options: BitcoinOptions, worth: list[tuple[int, str, int]], rate: int, tip: str) -> Prepared:
    inputs = [{"txid": txid, "vout": output} for _, txid, output in worth]
    total = sum(amount for amount, _, _ in worth)
    target = node.change_address()
    try:
        raw = node.try_wallet("createrawtransaction", inputs, [{target: coins(total, DECIMALS)}])
        funded = _fund(node, raw, rate, {"lockUnspents": True, "subtractFeeFromOutputs": [0]})
        signed = node.sign(funded.text("hex"))
    except RpcError as error:
        raise codes.of_prepare(error) from None
    made = node.decode(signed)
    fee = funded.amount("fee", DECIMALS)
    _check_fee(made, fee, options)
    if made.outputs != ((target, total - fee),) or set(made.inputs) != {(txid, output) for _, txid, output in worth}:
        raise NodeDown("The node built another payment than the one it was asked for.")
    _check_relay(node, signed, "")
    blob = Blob(signed, made.inputs, (), 1, tip)
    return Prepared(made.txid, blob.text(), fee, slot=made.txid, chore="consolidate")


def usual_size(options: BitcoinOptions) -> int:
    """Vbytes of a payment from two coins with change: what a quote goes by."""
    per_input = {"bech32": 68, "p2sh-segwit": 91}.get(options.address_type, INPUT_VBYTES)
    return FRAME_VBYTES + 2 * per_input + 2 * OUTPUT_VBYTES
