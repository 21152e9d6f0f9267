"""A prepared transaction taken apart again: whom its bytes pay, what comes back to us, what the miners get."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.base import NodeDown, NodeRefused, Payment, Prepared, Understood
from adapters.bitcoinlike.node import Decoded, Node
from adapters.bitcoinlike.options import BitcoinOptions
from adapters.bitcoinlike.payments import DUST_CHANGE, Blob
from adapters.understanding import OTHER, added_up


def demand_pays(node: Node, options: BitcoinOptions, prepared: Prepared, payments: Sequence[Payment]) -> Understood:
    node.ready()
    blob = Blob.read(prepared.blob)
    made = node.decode(blob.raw)
    wanted = added_up((one.address, one.amount) for one in payments)
    # What lookup() goes by later must be of these bytes too, or it could call a payment dead that is none.
    if (made.txid, made.inputs, len(made.outputs)) != (prepared.id, blob.inputs, blob.outputs):
        raise NodeRefused("The note beside the prepared bytes is of another transaction.")
    if added_up(blob.wanted) != wanted:
        raise NodeRefused(OTHER)
    rest = added_up(made.outputs)
    rest.subtract(wanted)
    for address, amount in rest.items():
        if amount < 0 or (amount > 0 and not _is_ours(node, address)):
            raise NodeRefused(OTHER)
    fee = sum(_worth(node, *one) for one in made.inputs) - sum(amount for _, amount in made.outputs)
    if not 0 <= fee <= options.max_fee_rate * made.vsize + DUST_CHANGE:
        raise NodeRefused("The prepared payment gives the miners more than max_fee_rate allows.")
    return Understood(fee)


def _is_ours(node: Node, address: str) -> bool:
    info = node.address_info(address) if address else None
    return info is not None and info.flag("ismine")


def _worth(node: Node, txid: str, output: int) -> int:
    """A coin of ours: the wallet has the transaction that made it."""
    tx = node.transaction(txid)
    source: Decoded | None = node.decode(tx.text("hex")) if tx is not None else None
    if source is None or not 0 <= output < len(source.outputs):
        raise NodeDown("The wallet does not know a coin that the prepared payment spends.")
    return source.outputs[output][1]
