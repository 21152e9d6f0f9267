"""The history of a snake_case walletd: rows without a number of their own, twice the same entry in one row, and
another order after a crash. Rows are known by their hash alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from adapters.base import NodeDown
from adapters.forknote.addresses import payment_id_of
from adapters.forknote.client import Client
from adapters.forknote.moves import UNCONFIRMED, Tx, height_of, moment
from adapters.rpc import Reply

ROWS_A_CALL = 500
MOST_ABSENT = 1000
ROWS_COMPARED = 20
SPENDABLE_AT = 2  # confirmations of an ordinary output


class History:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._absent: dict[str, tuple[int, tuple[str, ...]]] = {}  # looked for in vain, and in which history

    def count(self) -> int:
        return self._client.ask("get_transactions_count").whole("transactions_count")

    def rows(self, start: int, most: int) -> list[Tx]:
        """start must not be above count(): walletd answers that with an internal error."""
        asked = {"starting_transaction_id": start, "max_transaction_count": most}
        return [read_row(one) for one in self._client.ask("list_transactions", asked).parts("transactions")]

    def backwards(self, least: int = 0) -> Iterator[Tx]:
        """From the newest row down to row number `least`."""
        end = self.count()
        while end > least:
            start = max(least, end - ROWS_A_CALL)
            rows = self.rows(start, ROWS_A_CALL)[: end - start]
            if not rows:
                raise NodeDown("list_transactions: rows are missing")
            yield from reversed(rows)
            end = start

    def find(self, txid: str) -> Tx | None:
        """The row of this hash. One that was not there is looked for among the newer rows alone the next time, as long
        as the rows before them are the same: in a long history it would take longer than the time between two polls."""
        searched = self._absent.get(txid)
        known = searched is not None and searched == self._fingerprint(searched[0])
        least = max(0, searched[0] - ROWS_A_CALL) if searched is not None and known else 0
        before = self._fingerprint(self.count())
        for tx in self.backwards(least):
            if tx.hash == txid:
                return tx
        if len(self._absent) >= MOST_ABSENT:
            self._absent.clear()
        self._absent[txid] = before
        return None

    def _fingerprint(self, count: int) -> tuple[int, tuple[str, ...]]:
        """A history that was rebuilt after a crash has other rows, or the same in another order."""
        start = max(0, count - ROWS_COMPARED)
        there = self.rows(start, count - start) if 0 < count <= self.count() else []
        return count, tuple(tx.hash for tx in there)

    def newest(self, most: int) -> list[Tx]:
        count = self.count()
        return self.rows(max(0, count - most), most) if count else []

    def row(self, number: int) -> Tx:
        """One row by the number that send_transaction gave; good only at once, before anything else happens."""
        said = self._client.ask("get_transaction", {"transaction_id": number})
        return read_row(said.part("transaction_info"))

    def unlocks(self, payment_ids: Collection[str]) -> dict[str, int]:
        """Unlock times by txid. walletd tells them only of incoming transactions with a payment id."""
        if not payment_ids:
            return {}
        said = self._client.ask("get_incoming_payments", {"payments": sorted(payment_ids)})
        found = [one for group in said.parts("payments") for one in group.parts("payments")]
        return {one.text("tx_hash"): one.whole("unlock_time") for one in found}

    def pending(self, address: str) -> int:
        return self._client.ask("get_pending_balance", {"address": address}).whole("pending_balance")

    def actual(self, address: str) -> int:
        return self._client.ask("get_actual_balance", {"address": address}).whole("actual_balance")


def read_row(part: Reply) -> Tx:
    """total_amount counts only the first own address, so only its sign is used; entries repeat, so an address gets
    the one amount that its entries agree on."""
    amounts: dict[str, set[int]] = {}
    sent: list[tuple[str, int]] = []
    for one in part.parts("transfers"):
        address, amount = one.text("address"), one.whole("amount")
        if amount < 0:
            sent.append((address, -amount))
        elif amount > 0:
            amounts.setdefault(address, set()).add(amount)
    fee = part.whole("fee")
    return Tx(
        hash=part.text("hash"),
        state=part.whole("state", 0),
        height=height_of(part.whole("block_height", UNCONFIRMED)),
        at=moment(part.whole("timestamp", 0)),
        fee=fee,
        payment_id=payment_id_of(part.text("extra", "")),
        ours=bool(sent) or part.whole("total_amount") < 0,
        sent=tuple(sent),
        received={address: min(seen) for address, seen in amounts.items()},
        doubtful=frozenset(address for address, seen in amounts.items() if len(seen) > 1),
        coinbase=fee < 0,
    )
