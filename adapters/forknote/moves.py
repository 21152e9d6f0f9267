"""A transaction as both dialects tell it, and what of it the ledger hears.

walletd lists the change of our own payments as money that came in, at the address it keeps for change. That
address is never given to a user, and what arrives there is never a deposit: in wallets with an address for each
user not at all, in wallets with payment ids when the transaction spends nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.base import Found, NodeDown
from adapters.forknote.options import PAYMENT_ID

UNCONFIRMED = 4_294_967_295  # walletd's height of what is in no block
UNLOCK_IS_TIME = 500_000_000  # from here on an unlock time is seconds since 1970, below it a height
COINBASE_DEPTH = 10
SUCCEEDED, FAILED, CANCELLED, CREATED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Tx:
    """received: per own address. doubtful: own addresses whose amount walletd contradicts itself about."""

    hash: str
    state: int
    height: int | None
    at: datetime | None
    fee: int
    payment_id: str
    ours: bool  # it spends outputs of this wallet
    sent: tuple[tuple[str, int], ...] = ()
    received: dict[str, int] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()
    unlock: int = 0
    coinbase: bool = False
    merges: bool = False  # it only joins outputs of ours: nobody is paid, nothing is spent

    def confirmations(self, tip: int) -> int:
        """tip: number of blocks, so that the newest one counts as the first confirmation."""
        return 0 if self.height is None else max(0, tip - self.height)

    def is_locked(self, tip: int) -> bool:
        """By what the transaction itself says. unlock N: spendable once the chain has N blocks."""
        if self.coinbase and self.confirmations(tip) < COINBASE_DEPTH:
            return True
        if self.unlock < UNLOCK_IS_TIME:
            return tip < self.unlock
        return datetime.now(UTC).timestamp() < self.unlock

    def deposits(self, hot: str, receive: str) -> dict[str, int]:
        """What users may have got, per own address."""
        if self.merges:
            return {}
        keep_hot = receive == PAYMENT_ID and not self.ours
        return {address: amount for address, amount in self.received.items() if address != hot or keep_hot}


def found(tx: Tx, tip: int, hot: str, receive: str, locked: frozenset[str] = frozenset()) -> list[Found]:
    """locked: own addresses of which walletd's balances say that this transaction's money cannot be spent yet."""
    made = []
    gone = tx.state == CANCELLED
    for address, amount in tx.deposits(hot, receive).items() if tx.state in (SUCCEEDED, CANCELLED) else ():
        made.append(
            Found(
                incoming=True,
                txid=tx.hash,
                output=address,
                address=address,
                amount=amount,
                confirmations=0 if gone else tx.confirmations(tip),
                extra=tx.payment_id if address == hot else "",
                locked=not gone and (tx.is_locked(tip) or address in locked or address in tx.doubtful),
                gone=gone,
                height=tx.height,
                at=tx.at,
            )
        )
    if tx.ours and tx.state == SUCCEEDED and not tx.merges:
        made += _outgoing(tx, tip)
    return made


def _outgoing(tx: Tx, tip: int) -> list[Found]:
    return [
        Found(
            incoming=False,
            txid=tx.hash,
            output=str(number),
            address=address,
            amount=amount,
            confirmations=tx.confirmations(tip),
            extra=tx.payment_id,
            fee=max(0, tx.fee),
            height=tx.height,
            at=tx.at,
        )
        for number, (address, amount) in enumerate(tx.sent or (("", 0),))
    ]


def height_of(number: int) -> int | None:
    if number < 0:
        raise NodeDown("walletd gives an impossible height.")
    return None if number == UNCONFIRMED else number


def moment(seconds: int) -> datetime | None:
    """None for 0, which stands for "not yet in a block"."""
    if seconds == 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise NodeDown("walletd gives an impossible time.") from None
