"""A prepared payment taken apart again: whom its signed bytes pay, what comes back to us, what the network gets.

Outputs name nobody, but each can be checked against an address. Whoever has the transaction's secret keys, which the
wallet told as it built it, makes the output of an address and an amount again; what comes back to the wallet is made
again with its private view key. Nothing is believed: a wrong key makes other outputs than those in the bytes.

Source: CryptoNote v2.0, section 4.3; derive_public_key of crypto.cpp, ecdhDecode of rctOps.cpp and
generate_output_ephemeral_keys of cryptonote_tx_utils.cpp, monerod 0.18. Curve: Ed25519, by libsodium.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_scalar_reduce,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
)
from nacl.exceptions import CryptoError

from adapters.base import NodeDown, NodeRefused, Payment, Prepared, Understood
from adapters.codecs.keccak import keccak_256
from adapters.monero import addresses, transaction
from adapters.monero.addresses import Coin
from adapters.monero.node import Node
from adapters.monero.options import MoneroOptions
from adapters.monero.payments import Blob, destination
from adapters.monero.transaction import Output, Signed, Unreadable
from adapters.understanding import OTHER, added_up

METADATA_VERSION: Final = b"\x01"  # of the wallet's pending_tx, whose first field is the transaction
_EIGHT: Final = (8).to_bytes(32, "little")
_FOR_AMOUNTS: Final = bytes.fromhex("8b655970153799af2aeadc9ff1add0ea6c7251d54154cfa92c173a0dd39c1f94")  # the point H
_ID_TAIL: Final = b"\x8d"


@dataclass(frozen=True, slots=True)
class _Party:
    """Two public keys: coins are spent by the first and seen by the second."""

    spend: bytes
    view: bytes
    payment_id: str = ""


def demand_pays(
    node: Node, options: MoneroOptions, coin: Coin, prepared: Prepared, payments: Sequence[Payment]
) -> Understood:
    """Raises NodeRefused unless each payment is in the bytes, and all the rest of them comes back to the wallet."""
    node.ready()
    blob = Blob.read(prepared)
    wanted, own = [(destination(one, coin, options.network), one.amount) for one in payments], node.primary_address()
    if added_up(one for one in blob.wanted if one[0] != own) != added_up(wanted):
        raise NodeRefused(OTHER)
    made = _transaction(blob)
    if made.unlock_time or not 0 <= made.fee <= options.max_fee:
        raise NodeRefused("The prepared payment is locked for a time, or gives the network more than max_fee allows.")
    try:
        paid = [(_party(address, coin, options), amount) for address, amount in wanted]
        rest = _without(made, _keys(blob), paid)
        home, view_key = _party(own, coin, options), node.view_key()
        returned = [_comes_home(made, place, home, view_key) for place in rest]
        if None in returned:
            _demand_empty(node, made, sum(amount for _, amount in paid) + sum(filter(None, returned)) + made.fee)
    except CryptoError:
        raise NodeRefused("The prepared bytes hold what is no point of the curve.") from None
    return Understood(made.fee)


def _transaction(blob: Blob) -> Signed:
    """What will be relayed, and what lookup() goes by later: both must be of these bytes."""
    data = _bytes(blob.metadata)
    if not data.startswith(METADATA_VERSION):
        raise NodeRefused("The wallet wrote the prepared payment in a form that is not known here.")
    try:
        made = transaction.read(data[len(METADATA_VERSION) :])
    except Unreadable as error:
        raise NodeRefused(f"The prepared bytes cannot be read: {error}.") from None
    if made.hash != blob.hash or sorted(made.key_images) != sorted(blob.key_images):
        raise NodeRefused("The note beside the prepared bytes is of another transaction.")
    return made


def _party(address: str, coin: Coin, options: MoneroOptions) -> _Party:
    taken = addresses.take(address, coin, options.network)
    return _Party(taken.keys[:32], taken.keys[32:], taken.payment_id)


def _keys(blob: Blob) -> list[bytes]:
    """The transaction's secret key and, where it pays several subaddresses, one for each output."""
    data = _bytes(blob.tx_key)
    if not data or len(data) % 32:
        raise NodeDown("The wallet told no key of this transaction: whom it pays cannot be read.")
    return [data[place : place + 32] for place in range(0, len(data), 32)]


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NodeRefused("The note beside the prepared bytes cannot be read.") from None


def _without(made: Signed, keys: list[bytes], wanted: list[tuple[_Party, int]]) -> list[int]:
    """The places of the outputs that pay none of these; each pays one. Raises NodeRefused for one that is not paid."""
    rest = list(range(len(made.outputs)))
    for party, amount in wanted:
        place = next((place for place in rest if _is_paid(made, place, keys, party, amount)), None)
        if place is None:
            raise NodeRefused(OTHER)
        rest.remove(place)
    return rest


def _is_paid(made: Signed, place: int, keys: list[bytes], party: _Party, amount: int) -> bool:
    several = len(keys) == len(made.outputs) + 1
    for key in {keys[0], keys[1 + place]} if several else set(keys[:1]):
        shared = _shared(key, party.view)
        if _opens(made.outputs[place], shared, place, party.spend) == amount:
            return not party.payment_id or _id(made.payment_id, shared) == party.payment_id
    return False


def _comes_home(made: Signed, place: int, home: _Party, view_key: bytes) -> int | None:
    """How much; None for an output that does not."""
    publics = (made.public, *made.additional[place : place + 1])
    found = (_opens(made.outputs[place], _shared(view_key, public), place, home.spend) for public in publics)
    return next((amount for amount in found if amount is not None), None)


def _demand_empty(node: Node, made: Signed, known: int) -> None:
    """Where nothing comes back, the wallet adds an output of zero to nobody. All that its inputs hold is known then;
    no amount is below zero, as the proofs of the bytes show to the network. Raises NodeRefused where some is left."""
    worth = {one.key_image: one.amount for one in node.outputs()}
    if not worth.keys() >= set(made.key_images):
        raise NodeDown("The wallet does not know a coin that the prepared payment spends.")
    if sum(worth[image] for image in made.key_images) != known:
        raise NodeRefused(OTHER)


def _shared(secret: bytes, public: bytes) -> bytes:
    """What payer and payee both can make: 8 times one's secret times the other's point."""
    return crypto_scalarmult_ed25519_noclamp(_EIGHT, crypto_scalarmult_ed25519_noclamp(secret, public))


def _opens(output: Output, shared: bytes, place: int, spend: bytes) -> int | None:
    """The amount, if the output at this place is spent by this key; its commitment must hold that amount too."""
    scalar = _scalar(shared + bytes([place]))
    key = crypto_core_ed25519_add(crypto_scalarmult_ed25519_base_noclamp(scalar), spend)
    if key != output.key:
        return None
    pad = keccak_256(b"amount" + scalar)[:8]
    amount = int.from_bytes(bytes(one ^ other for one, other in zip(output.masked, pad, strict=True)), "little")
    blind = crypto_scalarmult_ed25519_base_noclamp(_scalar(b"commitment_mask" + scalar))
    value = crypto_scalarmult_ed25519_noclamp(amount.to_bytes(32, "little"), _FOR_AMOUNTS) if amount else None
    bound = blind if value is None else crypto_core_ed25519_add(blind, value)
    return amount if bound == output.commitment else None


def _scalar(data: bytes) -> bytes:
    return crypto_core_ed25519_scalar_reduce(keccak_256(data) + bytes(32))


def _id(encrypted: bytes, shared: bytes) -> str:
    pad = keccak_256(shared + _ID_TAIL)[:8]
    return bytes(one ^ other for one, other in zip(encrypted, pad, strict=False)).hex()
