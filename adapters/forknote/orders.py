"""What is stored of a prepared payment, and what one may contain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.base import NodeDown, NodeRefused, Payment, Prepared, Understood
from adapters.forknote.addresses import WRONG_PAYMENT_ID, new_payment_id, normal_payment_id
from adapters.forknote.fusion import Fusion
from adapters.forknote.options import HIGHEST
from adapters.understanding import OTHER, demand_same

BLOB_VERSION = 1


@dataclass(frozen=True, slots=True)
class Order:
    """count, tail, known: walletd's history when this was prepared, in the snake dialect: its length, its newest
    hashes, and all hashes that carry the same payment id."""

    dialect: str
    payment_id: str
    is_marker: bool  # the payment id is ours, made for this payment alone
    outputs: tuple[tuple[str, int], ...]
    fee: int
    mixin: int
    count: int = 0
    tail: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @property
    def needs(self) -> int:
        return sum(amount for _, amount in self.outputs) + self.fee

    def text(self) -> str:
        return json.dumps(
            {
                "v": BLOB_VERSION,
                "dialect": self.dialect,
                "payment_id": self.payment_id,
                "marker": self.is_marker,
                "outputs": [[address, str(amount)] for address, amount in self.outputs],
                "fee": str(self.fee),
                "mixin": self.mixin,
                "count": self.count,
                "tail": self.tail,
                "known": self.known,
            }
        )

    @classmethod
    def read(cls, blob: str) -> Order:
        """Raises NodeDown for what is no stored payment."""
        try:
            data = json.loads(blob)
            if data["v"] != BLOB_VERSION:
                raise ValueError("version")
            return cls(
                str(data["dialect"]),
                str(data["payment_id"]),
                bool(data["marker"]),
                tuple((str(address), int(amount)) for address, amount in data["outputs"]),
                int(data["fee"]),
                int(data["mixin"]),
                int(data["count"]),
                tuple(map(str, data["tail"])),
                tuple(map(str, data["known"])),
            )
        except (ValueError, TypeError, KeyError):
            raise NodeDown("The stored form of this payment cannot be read.") from None


def new_order(dialect: str, payments: Sequence[Payment], fee: int, mixin: int) -> Order:
    """Raises NodeRefused for what can never be paid. A payment id belongs to a whole transaction, so a payment
    that brings one goes alone; the others get one of ours, by which their transaction is found again."""
    for one in payments:
        if one.amount <= 0:
            raise NodeRefused("The amount must be above zero.", address=one.address)
        if one.amount > HIGHEST - fee:
            raise NodeRefused("The amount is larger than this network can carry.", address=one.address)
    given = ""
    if any(one.extra for one in payments):
        if len(payments) > 1:
            raise NodeRefused("A payment with a payment id must go alone.")
        given = payment_id_of(payments[0])
    outputs = tuple((one.address, one.amount) for one in payments)
    made = Order(dialect, given or new_payment_id(), not given, outputs, fee, mixin)
    if made.needs > HIGHEST:
        raise NodeRefused("Together these are more than this network can carry.")
    return made


def payment_id_of(payment: Payment) -> str:
    """Raises NodeRefused for an extra that is no payment id."""
    if not payment.extra:
        return ""
    found = normal_payment_id(payment.extra)
    if found is None:
        raise NodeRefused(WRONG_PAYMENT_ID, address=payment.address)
    return found


def demand_pays(prepared: Prepared, payments: Sequence[Payment], highest_fee: int) -> Understood:
    """The order is what walletd is given: it builds and signs only when it is told to send."""
    if not payments:
        if Fusion.read(prepared.blob) is None:
            raise NodeRefused(OTHER)
        return Understood(0)
    order = Order.read(prepared.blob)
    ids = {payment_id_of(one) for one in payments} - {""}
    if order.fee > highest_fee or ids != (set() if order.is_marker else {order.payment_id}):
        raise NodeRefused(OTHER)
    demand_same(order.outputs, payments)
    return Understood(order.fee)
