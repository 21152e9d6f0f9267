"""Preparing a payment: built and signed by the wallet with do_not_relay, never sent.

The wallet keeps no state of it, so it may be repeated freely; it would choose the same outputs again, so those
of unfinished payments are frozen meanwhile. Tried on monero-wallet-rpc 0.18.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.base import InvalidAddress, NodeDown, NodeRefused, NotEnoughFunds, Payment, Prepared, Tried
from adapters.monero import addresses, codes
from adapters.monero.addresses import Coin
from adapters.monero.node import SLOW_READ_SECONDS, UNSPENT, Node, Output
from adapters.monero.options import LEVELS, MoneroOptions
from adapters.rpc import RpcError, hex_text

BLOB_VERSION = 1
LARGEST_AMOUNT = (1 << 64) - 1  # the chain's own limit
USUAL_WEIGHT = 2200  # two inputs, two outputs: 2,166 on monerod 0.18
USUAL_FEE_SHARE = 20  # parts of a split must be worth this many times the fee they will cost


@dataclass(frozen=True, slots=True)
class Blob:
    """What broadcast, lookup and proof need. height: blocks of the chain when it was made. wanted: who gets what."""

    hash: str
    metadata: str
    key_images: tuple[str, ...]
    tx_key: str
    height: int
    wanted: tuple[tuple[str, int], ...]

    def text(self) -> str:
        wanted = [[address, str(amount)] for address, amount in self.wanted]
        data = {"hash": self.hash, "metadata": self.metadata, "key_images": self.key_images, "tx_key": self.tx_key}
        return json.dumps({"version": BLOB_VERSION, **data, "height": self.height, "wanted": wanted})

    @classmethod
    def read(cls, prepared: Prepared) -> Blob:
        """Raises NodeDown for a text that is not ours: then nothing can be said about that payment."""
        try:
            data = json.loads(prepared.blob)
            if data["version"] != BLOB_VERSION or data["hash"] != prepared.id:
                raise ValueError("version")
            images = tuple(str(one) for one in data["key_images"])
            wanted = tuple((str(address), int(amount)) for address, amount in data["wanted"])
            keys = str(data["metadata"]), images, str(data["tx_key"])
            return cls(str(data["hash"]), *keys, int(data["height"]), wanted)
        except (ValueError, TypeError, KeyError):
            raise NodeDown("The stored form of this payment cannot be read.") from None


def images_of(live: Iterable[Tried]) -> list[str]:
    return [one for tried in live for one in Blob.read(tried.prepared).key_images]


def prepare(
    node: Node, options: MoneroOptions, coin: Coin, payments: Sequence[Payment], live: Sequence[Tried]
) -> Prepared:
    wanted = _wanted(payments, coin, options)
    level = max(_level(one, options) for one in payments)
    height = node.ready()
    node.refresh()
    try:
        with node.frozen(images_of(live)):
            blob, fee = _build(node, options, wanted, height, {"priority": level})
    except RpcError as error:
        raise codes.of_prepare(error, [one.address for one in payments]) from None
    return Prepared(blob.hash, blob.text(), fee, slot=blob.hash, payments=tuple(one.id for one in payments))


def _wanted(payments: Sequence[Payment], coin: Coin, options: MoneroOptions) -> list[tuple[str, int]]:
    if not payments:
        raise NodeRefused("There is nothing to pay.")
    if len(payments) > options.max_batch:
        raise NodeRefused(f"One transaction carries at most {options.max_batch} payments.")
    wanted = [(destination(one, coin, options.network), one.amount) for one in payments]
    for one in payments:
        if not 0 < one.amount <= LARGEST_AMOUNT:
            wrong = "must be above zero" if one.amount <= 0 else "is larger than this coin can carry"
            raise NodeRefused(f"The amount {wrong}.", address=one.address)
    with_id = [address for address, _ in wanted if addresses.take(address, coin, options.network).payment_id]
    if with_id and len(wanted) > 1:
        # A transaction carries one payment id, encrypted for its only recipient (-4 or -5 for anything else).
        raise NodeRefused("A payment with a payment id needs a transaction of its own.")
    return wanted


def destination(payment: Payment, coin: Coin, network: str) -> str:
    try:
        if payment.extra:
            return addresses.with_id(payment.address, payment.extra, coin, network)
        addresses.take(payment.address, coin, network)
    except InvalidAddress as error:
        raise NodeRefused(error.message, address=payment.address) from None
    return payment.address


def _level(payment: Payment, options: MoneroOptions) -> int:
    level = payment.level or options.level
    if level not in LEVELS:
        raise NodeRefused("This fee level does not exist.", address=payment.address)
    return LEVELS[level]


def _build(
    node: Node, options: MoneroOptions, wanted: Sequence[tuple[str, int]], height: int, more: dict[str, Any]
) -> tuple[Blob, int]:
    """The signed payment and its fee. Raises RpcError as the wallet says it."""
    params = {
        "destinations": [{"address": address, "amount": amount} for address, amount in wanted],
        "account_index": options.account,
        "do_not_relay": True,
        "get_tx_metadata": True,
        "get_tx_key": True,
        **more,
    }
    made = node.try_wallet("transfer", params, read_seconds=SLOW_READ_SECONDS)
    if made.whole("amount") != sum(amount for _, amount in wanted):
        raise NodeDown("The wallet built another payment than the one it was asked for.")
    images = made.part("spent_key_images").texts("key_images")
    facts = made.text("tx_hash"), made.text("tx_metadata", ""), images, made.text("tx_key", "")
    return _checked(node, options, height, wanted, made.whole("fee"), facts)


def _checked(
    node: Node,
    options: MoneroOptions,
    height: int,
    wanted: Sequence[tuple[str, int]],
    fee: int,
    facts: tuple[str, str, list[str], str],
) -> tuple[Blob, int]:
    txid, metadata, images, tx_key = facts
    if not metadata:
        raise NodeDown("The wallet gives no signed payment: it is view-only or shared (multisig), or too old.")
    if not 0 <= fee <= options.max_fee:
        raise NodeDown(f"The network fee of this payment, {fee}, is above max_fee.")
    named = tuple(hex_text(one, "key_images", 64) for one in images)
    if not named:
        raise NodeDown("The wallet does not tell which coins it spends: it is too old.")
    if any(state != UNSPENT for state in node.spent(named)):
        raise NodeDown("The wallet chose coins that are spent already: it has not seen its own last payment yet.")
    blob = Blob(hex_text(txid, "tx_hash", 64), hex_text(metadata, "tx_metadata"), named, tx_key, height, tuple(wanted))
    return blob, fee


# -- house-keeping --


def chore(node: Node, options: MoneroOptions, live: Sequence[Tried]) -> Prepared | None:
    """Join when there are too many small coins, split when there are too few: change is locked for 10 blocks,
    so a wallet with one coin can pay once in 20 minutes."""
    height = node.ready()
    node.refresh()
    images = images_of(live)
    node.thaw_strays(images)
    held = [one for one in node.outputs() if one.key_image not in images]
    try:
        with node.frozen(images):
            if options.join_at and sum(one.unlocked for one in held) > options.join_at:
                return _join(node, options, height)
            return _split(node, options, held, height) if options.outputs_ready else None
    except RpcError as error:
        refusal = codes.of_prepare(error, ())
        if isinstance(refusal, NotEnoughFunds):
            return None
        raise refusal from None


def _split(node: Node, options: MoneroOptions, held: Sequence[Output], height: int) -> Prepared | None:
    """The largest coin into equal parts, paid to ourselves; the change is the last part."""
    useful = [one for one in held if one.amount >= options.split_least]
    ready = [one for one in useful if one.unlocked]
    if not ready or len(useful) >= max(2, options.outputs_ready // 2):
        return None
    largest = max(ready, key=lambda one: (one.amount, one.key_image))
    least = max(options.split_least, USUAL_FEE_SHARE * USUAL_WEIGHT * node.fee_per_byte(0))
    parts = min(options.outputs_ready - len(useful) + 1, options.max_batch, largest.amount // least)
    if parts < 2:
        return None
    part = largest.amount // parts
    wanted = [(node.primary_address(), part)] * (parts - 1)
    blob, fee = _build(node, options, wanted, height, {"priority": 0, "subaddr_indices": [largest.minor]})
    return Prepared(blob.hash, blob.text(), fee, slot=blob.hash, chore="split")


def _join(node: Node, options: MoneroOptions, height: int) -> Prepared | None:
    """As many small coins as one transaction takes into one of our own."""
    address = node.primary_address()
    params = {
        "address": address,
        "account_index": options.account,
        "subaddr_indices_all": True,
        "priority": 0,
        "do_not_relay": True,
        "get_tx_metadata": True,
        "get_tx_keys": True,
    }
    made = node.try_wallet("sweep_all", params, read_seconds=SLOW_READ_SECONDS)
    hashes, metadata, keys = made.texts("tx_hash_list"), made.texts("tx_metadata_list"), made.texts("tx_key_list")
    images = made.parts("spent_key_images_list")
    if not hashes or len({len(hashes), len(metadata), len(images), len(made.wholes("fee_list"))}) != 1:
        raise NodeDown("sweep_all: unexpected answer")
    facts = hashes[0], metadata[0], images[0].texts("key_images"), keys[0] if keys else ""
    wanted = [(address, made.wholes("amount_list")[0])]
    blob, fee = _checked(node, options, height, wanted, made.wholes("fee_list")[0], facts)
    return Prepared(blob.hash, blob.text(), fee, slot=blob.hash, chore="join")
