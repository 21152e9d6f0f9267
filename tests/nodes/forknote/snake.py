"""walletd as Forknote 1.0.8.3 has it."""

from __future__ import annotations

from typing import Any

from tests.nodes.forknote import wire
from tests.nodes.forknote.chain import Tx, is_address
from tests.nodes.forknote.wallet import FAILED, LARGEST, SUCCEEDED, Row, Wallet
from tests.nodes.forknote.wire import DomainError, Method, Param, WireError


class SnakeWallet(Wallet):
    # -- history --

    def appeared(self, tx: Tx) -> None:
        row = self.row(tx.hash)
        if row is None:
            self.now.rows.append(self._row_from_chain(tx))
            return
        row.state = SUCCEEDED
        self._list_again(row, tx)

    def came_back(self, row: Row, tx: Tx) -> None:
        self._list_again(row, tx)

    def confirmed(self, tx: Tx, height: int, time: int) -> None:
        row = self.row(tx.hash)
        if row is None:
            row = self._row_from_chain(tx)
            self.now.rows.append(row)
        else:
            row.state = SUCCEEDED
            self._list_again(row, tx)
        row.height, row.time = height, time

    def overlooks(self, tx: Tx, address: str) -> bool:
        """What a payment of ours brings to our own addresses counts from the next look at the pool on; its change, at
        the first address, counts at once."""
        return tx.hash in self.now.sent and tx.hash not in self.now.seen and address != self.addresses[0]

    def _entries(self, tx: Tx) -> list[tuple[str, int, int]]:
        """What the own addresses gain. Where one address paid and got the change, it gained nothing."""
        order = {address: place for place, address in enumerate(self.addresses)}
        gains = [(address, amount, 0) for address, amount in self.net(tx).items() if amount > 0]
        return sorted(gains, key=lambda one: (one[0] == self.addresses[0], order[one[0]]))

    def _list_again(self, row: Row, tx: Tx) -> None:
        entries = self._entries(tx)
        if self.switches["list_twice"]:
            row.transfers += entries
        else:
            row.transfers += [one for one in entries if one not in row.transfers]

    def _row_from_chain(self, tx: Tx) -> Row:
        """As the wallet sees what it did not send itself, or forgot: total of the first address it looks at."""
        sums = self.net(tx)
        entries = self._entries(tx)
        total = next(iter(sums.values())) if sums else 0
        if entries and total > 0:
            total = entries[0][1]
        if not self.switches["first_total"]:
            total = sum(sums.values())
        fee = -sum(amount for _, amount in tx.outputs) if tx.coinbase else tx.fee
        return Row(tx.hash, SUCCEEDED, fee, tx.extra, tx.unlock, total=total, coinbase=tx.coinbase, transfers=entries)

    def all_transfers(self) -> list[tuple[int, tuple[str, int, int]]]:
        return [(number, one) for number, row in enumerate(self.now.rows) for one in row.transfers]

    # -- methods: addresses and balances --

    def get_address(self, index: int) -> dict[str, Any]:
        if index >= len(self.addresses):
            raise DomainError("Invalid argument")
        return {"address": self.addresses[index]}

    def create_address(self) -> dict[str, Any]:
        return {"address": self.new_address()}

    def get_address_count(self) -> dict[str, Any]:
        return {"count": len(self.addresses)}

    def delete_address(self, address: str) -> dict[str, Any]:
        self._own(address)
        del self.now.secrets[self.addresses.index(address)]
        return {}

    def _own(self, address: str) -> str:
        if not self.owns(address):
            raise DomainError("Invalid argument")
        return address

    def get_actual_balance(self, address: str) -> dict[str, Any]:
        return {"actual_balance": self.balance(self._own(address) if address else "")[0]}

    def get_pending_balance(self, address: str) -> dict[str, Any]:
        return {"pending_balance": self.balance(self._own(address) if address else "")[1]}

    # -- methods: history --

    def get_transactions_count(self) -> dict[str, Any]:
        return {"transactions_count": len(self.now.rows)}

    def get_transfers_count(self) -> dict[str, Any]:
        return {"transfers_count": len(self.all_transfers())}

    def get_transaction_id_by_transfer_id(self, transfer_id: int) -> dict[str, Any]:
        found = self.all_transfers()
        if transfer_id >= len(found):
            raise DomainError("Numerical argument out of domain")
        return {"transaction_id": found[transfer_id][0]}

    def get_transaction(self, transaction_id: int) -> dict[str, Any]:
        if transaction_id >= len(self.now.rows):
            raise DomainError("Numerical argument out of domain")
        (found,) = self.list_transactions(transaction_id, 1)["transactions"]
        return {"found": True, "transaction_info": found}

    def get_transfer(self, transfer_id: int) -> dict[str, Any]:
        found = self.all_transfers()
        if transfer_id >= len(found):
            return {"found": False}
        return {"found": True, "transfer_info": _transfer(found[transfer_id][1])}

    def list_transactions(self, starting_transaction_id: int, max_transaction_count: int) -> dict[str, Any]:
        count = len(self.now.rows)
        if starting_transaction_id > count:
            raise WireError(-32001, "vector::_M_default_append")
        end = min(count, starting_transaction_id + max_transaction_count)
        offset = sum(len(row.transfers) for row in self.now.rows[:starting_transaction_id])
        found = []
        for row in self.now.rows[starting_transaction_id:end]:
            found.append({**self._info_at(row), "first_transfer_id": offset})
            offset += len(row.transfers)
        return {"transactions": found}

    def _info_at(self, row: Row) -> dict[str, Any]:
        return {
            "block_height": row.height, "extra": row.extra, "fee": row.fee, "hash": row.hash, "state": row.state,
            "timestamp": row.time, "total_amount": row.total, "transfer_count": len(row.transfers),
            "transfers": [_transfer(one) for one in row.transfers],
        }  # fmt: skip

    def get_incoming_payments(self, payments: list[str]) -> dict[str, Any]:
        """Cancelled ones too, with the amount of the first own address only."""
        groups = []
        for payment_id in dict.fromkeys(payments):
            rows = [row for row in self.now.rows if row.extra.endswith("022100" + payment_id) and row.total > 0]
            found = [
                {"amount": row.total, "block_height": row.height, "tx_hash": row.hash, "unlock_time": row.unlock}
                for row in reversed(rows)
            ]
            if found:
                groups.append({"id": payment_id, "payments": found})
        return {"payments": groups}

    # -- methods: sending --

    def send_transaction(
        self, destinations: list[tuple[str, int]], fee: int, mixin: int, unlock_time: int, payment_id: str
    ) -> dict[str, Any]:
        if payment_id and not wire.is_hex64(payment_id):
            raise WireError(-32001, "Couldn't add payment id to extra")
        self.refuse_if_told()
        self._check_destinations(destinations, fee)
        if mixin > self.switches["most_mixin"]:
            raise DomainError("MixIn count is too big")
        tx, _ = self.build(destinations, fee, self.addresses[0], self.new_extra(payment_id), unlock_time, [])
        sent = [(address, -amount, 0) for address, amount in destinations]
        total = -(sum(amount for _, amount in destinations) + fee)
        row = Row(tx.hash, SUCCEEDED, fee, tx.extra, unlock_time, total=total, transfers=sent)
        self.now.rows.append(row)
        problem = self.relay(tx)
        if problem:
            row.state = FAILED
            raise DomainError(problem)
        self.now.sent[tx.hash] = tx
        return {"transaction_id": len(self.now.rows) - 1}

    def _check_destinations(self, destinations: list[tuple[str, int]], fee: int) -> None:
        if any(not is_address(address) for address, _ in destinations):
            raise DomainError("Bad address")
        if not destinations or any(amount == 0 for _, amount in destinations):
            raise DomainError("The destination is empty")
        if fee < self.switches["least_fee"]:
            raise DomainError("Transaction fee is too small")
        if any(amount > LARGEST for _, amount in destinations):
            raise DomainError("Wrong amount")
        if sum(amount for _, amount in destinations) + fee >= 2**64:
            raise DomainError("Sum overflow")


def _transfer(one: tuple[str, int, int]) -> dict[str, Any]:
    return {"address": one[0], "amount": one[1], "type": one[2]}


def dialect(wallet: SnakeWallet) -> wire.Dialect:
    address = Param("address", wire.text)
    return wire.Dialect(
        "snake",
        {
            "send_transaction": Method(
                wallet.send_transaction,
                (
                    Param("destinations", wire.transfers),
                    Param("fee", wire.whole),
                    Param("mixin", wire.whole),
                    Param("unlock_time", wire.whole, 0),
                    Param("payment_id", wire.text, ""),
                ),
            ),
            "get_address": Method(wallet.get_address, (Param("index", wire.whole, 0),)),
            "create_address": Method(wallet.create_address),
            "get_address_count": Method(wallet.get_address_count),
            "delete_address": Method(wallet.delete_address, (address,)),
            "get_actual_balance": Method(wallet.get_actual_balance, (address,)),
            "get_pending_balance": Method(wallet.get_pending_balance, (Param("address", wire.text, ""),)),
            "get_transactions_count": Method(wallet.get_transactions_count),
            "get_transfers_count": Method(wallet.get_transfers_count),
            "get_transaction_id_by_transfer_id": Method(
                wallet.get_transaction_id_by_transfer_id, (Param("transfer_id", wire.whole),)
            ),
            "get_transaction": Method(wallet.get_transaction, (Param("transaction_id", wire.whole),)),
            "get_transfer": Method(wallet.get_transfer, (Param("transfer_id", wire.whole),)),
            "get_incoming_payments": Method(wallet.get_incoming_payments, (Param("payments", wire.payment_ids),)),
            "list_transactions": Method(
                wallet.list_transactions,
                (Param("starting_transaction_id", wire.whole), Param("max_transaction_count", wire.whole)),
            ),
        },
        wire.SNAKE_CODES,
        lenient=False,
        no_method=lambda name: WireError(-32001, "map::at" if name is None else "JsonValue type is not STRING"),
    )
