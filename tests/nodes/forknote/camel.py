"""walletd as Forknote 2.1.2 has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.nodes.forknote import wire
from tests.nodes.forknote.chain import UNCONFIRMED, Tx, digest, is_address
from tests.nodes.forknote.wallet import CANCELLED, CREATED, FAILED, LARGEST, SUCCEEDED, Held, Row, Wallet
from tests.nodes.forknote.wire import INVALID, DomainError, Method, Param, WireError

USUAL, CHANGE = 0, 2
FEWEST_TO_JOIN = 12  # FUSION_TX_MIN_INPUT_COUNT


class CamelWallet(Wallet):
    # -- history --

    def appeared(self, tx: Tx) -> None:
        """What failed or waits to be sent keeps its state until it is in a block."""
        if self.row(tx.hash) is None:
            self.now.rows.append(self._row_from_chain(tx))

    def confirmed(self, tx: Tx, height: int, time: int) -> None:
        row = self.row(tx.hash)
        if row is None:
            row = self._row_from_chain(tx)
            self.now.rows.append(row)
        row.state, row.height, row.time = SUCCEEDED, height, time

    def _row_from_chain(self, tx: Tx) -> Row:
        """Without the names of strangers and without marking change."""
        own = set(self.addresses)
        paid = self._inputs(tx)
        got = [(address, amount, USUAL) for address, amount in tx.outputs if address in own]
        given = tx.given or sum(self.output(coin)[1] for coin in tx.inputs if self.owner_of(coin) not in own)
        rest = sum(amount for address, amount in tx.outputs if address not in own)
        strangers = [("", -given, USUAL)] if given else []
        others = [("", rest, USUAL)] if rest else []
        return Row(
            tx.hash, SUCCEEDED, tx.fee, tx.extra, tx.unlock, total=sum(self.net(tx).values()), coinbase=tx.coinbase,
            transfers=[*paid, *got, *strangers, *others],
        )  # fmt: skip

    def _inputs(self, tx: Tx) -> list[tuple[str, int, int]]:
        own = set(self.addresses)
        sums: dict[str, int] = {}
        for coin in tx.inputs:
            address, amount = self.output(coin)
            if address in own:
                sums[address] = sums.get(address, 0) - amount
        return [(address, amount, USUAL) for address, amount in sums.items()]

    def _info(self, row: Row) -> dict[str, Any]:
        return {
            "amount": row.total,
            "blockIndex": row.height,
            "extra": row.extra,
            "fee": row.fee,
            "isBase": row.coinbase,
            "paymentId": _payment_id(row),
            "state": row.state,
            "timestamp": row.time,
            "transactionHash": row.hash,
            "transfers": [{"address": a, "amount": n, "type": t} for a, n, t in row.transfers],
            "unlockTime": row.unlock,
        }

    # -- methods: the wallet --

    def get_status(self) -> dict[str, Any]:
        read = max(1, len(self.now.blocks))
        last = self.chain.blocks[min(read, len(self.chain.blocks)) - 1]
        return {
            "blockCount": read,
            "knownBlockCount": max(read, self.known_height),
            "lastBlockHash": last.hash,
            "peerCount": self.switches["peers"],
        }

    def get_addresses(self) -> dict[str, Any]:
        return {"addresses": self.addresses}

    def create_address(self, spendSecretKey: str | None, spendPublicKey: str | None) -> dict[str, Any]:
        if spendSecretKey is not None and spendPublicKey is not None:
            raise INVALID
        if spendPublicKey:
            raise DomainError("Wrong parameters passed")
        made = self._import([spendSecretKey])[0] if spendSecretKey else self.new_address()
        self._write_addresses()
        return {"address": made}

    def create_address_list(self, spendSecretKeys: list[str]) -> dict[str, Any]:
        if len(set(spendSecretKeys)) != len(spendSecretKeys):
            raise DomainError("Duplicate key")
        made = self._import(spendSecretKeys)
        self._write_addresses()
        return {"addresses": made}

    def _import(self, secrets: list[str]) -> list[str]:
        if not all(wire.is_hex64(one) for one in secrets):
            raise DomainError("Wrong key format")
        if set(secrets) & set(self.now.secrets):
            raise DomainError("Address already exists")
        made = [self.new_address(one) for one in secrets]
        self._rescan()
        return made

    def _write_addresses(self) -> None:
        self.disk.secrets = list(self.now.secrets)

    def _rescan(self) -> None:
        """The chain is read again from its first block; what was sent keeps its names."""
        self.now.blocks = [self.chain.blocks[0].hash]
        self.skip_reading = 1

    def delete_address(self, address: str) -> dict[str, Any]:
        self._mine(address)
        place = self.addresses.index(address)
        del self.now.secrets[place]
        self._write_addresses()
        rebuilt = []
        for row in self.now.rows:
            tx = self.chain.every[row.hash]
            if row.height != UNCONFIRMED and self._touches(tx, set(self.addresses)):
                fresh = self._row_from_chain(tx)
                fresh.height, fresh.time = row.height, row.time
                rebuilt.append(fresh)
        self.now.rows = rebuilt
        return {}

    def _mine(self, address: str, missing: str = "Object not found") -> str:
        if not is_address(address):
            raise DomainError("Bad address")
        if not self.owns(address):
            raise DomainError(missing)
        return address

    def get_spend_keys(self, address: str) -> dict[str, Any]:
        secret = self.now.secrets[self.addresses.index(self._mine(address))]
        return {"spendPublicKey": digest("public", secret), "spendSecretKey": secret}

    def get_view_key(self) -> dict[str, Any]:
        return {"viewSecretKey": self.view}

    def get_balance(self, address: str) -> dict[str, Any]:
        ready, locked = self.balance(self._mine(address, "Requested wallet not found") if address else "")
        return {"availableBalance": ready, "lockedAmount": locked}

    def save_wallet(self) -> dict[str, Any]:
        self.save()
        return {}

    def export(self, fileName: str) -> dict[str, Any]:
        exported = self.switches.setdefault("exported", [])
        if fileName in exported:
            raise DomainError("File exists")
        exported.append(fileName)
        return {}

    def reset(self, viewSecretKey: str) -> dict[str, Any]:
        self.now.rows, self.now.delayed, self.now.sent, self.now.seen = [], {}, {}, {}
        self._rescan()
        return {}

    # -- methods: history --

    def get_block_hashes(self, firstBlockIndex: int, blockCount: int) -> dict[str, Any]:
        return {"blockHashes": self.now.blocks[firstBlockIndex : firstBlockIndex + blockCount]}

    def _range(self, firstBlockIndex: int | None, blockHash: str | None, blockCount: int) -> range:
        if (firstBlockIndex is None) == (blockHash is None):
            raise INVALID
        if blockHash is not None and not wire.is_hex64(blockHash):
            raise DomainError("Wrong block id format")
        if blockCount == 0:
            raise DomainError("Wrong parameters passed")
        if blockHash is not None:
            if blockHash not in self.now.blocks:
                raise DomainError("Requested object not found")
            firstBlockIndex = self.now.blocks.index(blockHash)
        assert firstBlockIndex is not None
        if firstBlockIndex >= len(self.now.blocks):
            raise DomainError("Requested object not found")
        return range(firstBlockIndex, min(len(self.now.blocks), firstBlockIndex + blockCount))

    def _filtered(self, blocks: range, addresses: list[str], payment_id: str) -> Iterator[tuple[str, list[Row]]]:
        """Blocks that hold anything of ours; a filter empties them but leaves them in."""
        if any(not is_address(one) for one in addresses):
            raise DomainError("Bad address")
        if payment_id and not wire.is_hex64(payment_id):
            raise DomainError("Wrong payment id format", 2)
        by_height: dict[int, list[Row]] = {}
        for row in self.now.rows:
            if row.state == SUCCEEDED and row.height in blocks:
                by_height.setdefault(row.height, []).append(row)
        for height in sorted(by_height):
            rows = [
                row
                for row in by_height[height]
                if (not addresses or any(one[0] in addresses for one in row.transfers))
                and (not payment_id or _payment_id(row) == payment_id.lower())
            ]
            yield self.now.blocks[height], rows

    def get_transactions(
        self, firstBlockIndex: int | None, blockHash: str | None, blockCount: int, addresses: list[str], paymentId: str
    ) -> dict[str, Any]:
        found = self._filtered(self._range(firstBlockIndex, blockHash, blockCount), addresses, paymentId)
        items = [{"blockHash": block, "transactions": [self._info(row) for row in rows]} for block, rows in found]
        return {"items": items}

    def get_transaction_hashes(
        self, firstBlockIndex: int | None, blockHash: str | None, blockCount: int, addresses: list[str], paymentId: str
    ) -> dict[str, Any]:
        found = self._filtered(self._range(firstBlockIndex, blockHash, blockCount), addresses, paymentId)
        return {
            "items": [{"blockHash": block, "transactionHashes": [row.hash for row in rows]} for block, rows in found]
        }

    def get_unconfirmed(self, addresses: list[str]) -> dict[str, Any]:
        if any(not is_address(one) for one in addresses):
            raise DomainError("Bad address")
        waiting = [row for row in self.now.rows if row.state == SUCCEEDED and row.height == UNCONFIRMED]
        wanted = [row for row in waiting if not addresses or any(one[0] in addresses for one in row.transfers)]
        return {"transactionHashes": sorted(row.hash for row in wanted)}

    def get_transaction(self, transactionHash: str) -> dict[str, Any]:
        row = self._row(transactionHash, "Object not found")
        return {"transaction": self._info(row)}

    def _row(self, txid: str, missing: str) -> Row:
        if not wire.is_hex64(txid):
            raise DomainError("Wrong block id format")
        row = self.row(txid)
        if row is None:
            raise DomainError(missing)
        return row

    # -- methods: sending --

    def send_transaction(self, **given: Any) -> dict[str, Any]:
        tx, row = self._build(**given)
        self.now.rows.append(row)
        problem = self.relay(tx)
        if problem:
            row.state = FAILED
            raise DomainError(problem)
        self.now.sent[tx.hash] = tx
        return {"transactionHash": tx.hash}

    def create_delayed(self, **given: Any) -> dict[str, Any]:
        tx, row = self._build(**given)
        row.state = CREATED
        self.now.rows.append(row)
        self.now.delayed[tx.hash] = tx
        return {"transactionHash": tx.hash}

    def get_delayed(self) -> dict[str, Any]:
        return {"transactionHashes": list(self.now.delayed)}

    def send_delayed(self, transactionHash: str) -> dict[str, Any]:
        row = self._row(transactionHash, "Requested object not found")
        if row.state != CREATED:
            raise DomainError("Transaction transfer impossible")
        self.refuse_if_told()
        problem = self.relay(self.now.delayed[row.hash])
        if problem:
            raise DomainError(problem)
        row.state = SUCCEEDED
        self.now.sent[row.hash] = self.now.delayed.pop(row.hash)
        return {}

    def delete_delayed(self, transactionHash: str) -> dict[str, Any]:
        """Also of one that the daemon has: walletd does not ask."""
        row = self._row(transactionHash, "Requested object not found")
        if row.state != CREATED:
            raise DomainError("Impossible to cancel transaction")
        row.state = CANCELLED
        del self.now.delayed[row.hash]
        return {}

    def _build(
        self, transfers: list[tuple[str, int]], fee: int, anonymity: int, addresses: list[str], changeAddress: str,
        extra: str | None, paymentId: str | None, unlockTime: int,
    ) -> tuple[Tx, Row]:  # fmt: skip
        if extra is not None and paymentId is not None:
            raise INVALID
        data = self._extra(extra, paymentId)
        self.refuse_if_told()
        self._check(transfers, fee, addresses)
        change_to = self._change_address(addresses, changeAddress)
        if anonymity % 65536 > self.switches["most_mixin"]:  # it is cut to 16 bits without a word
            raise DomainError("MixIn count is too big")
        tx, change = self.build(transfers, fee, change_to, data, unlockTime, addresses)
        kept = [(change_to, change, CHANGE)] if change else []
        moves = [*((address, amount, USUAL) for address, amount in transfers), *kept, *self._inputs(tx)]
        return tx, Row(tx.hash, SUCCEEDED, fee, data, unlockTime, total=sum(self.net(tx).values()), transfers=moves)

    def _extra(self, extra: str | None, payment_id: str | None) -> str:
        if payment_id and not wire.is_hex64(payment_id):
            raise DomainError("Wrong payment id format")
        if extra and not re.fullmatch(r"[0-9a-fA-F]*", extra):
            raise DomainError("Wrong transaction extra format")
        if extra and len(extra) % 2:
            raise DomainError("Internal error occurred")
        return self.new_extra(payment_id or "") + (extra or "")

    def _check(self, transfers: list[tuple[str, int]], fee: int, sources: list[str]) -> None:
        if any(not self.owns(one) for one in sources):
            raise DomainError("Bad address")
        if any(not is_address(address) for address, _ in transfers):
            raise DomainError("Bad address")
        if not transfers or any(amount == 0 for _, amount in transfers):
            raise DomainError("The destination is empty")
        if fee < self.switches["least_fee"]:
            raise DomainError("Transaction fee is too small")
        if any(amount > LARGEST for _, amount in transfers):
            raise DomainError("Wrong amount")

    def _change_address(self, sources: list[str], given: str) -> str:
        if given:
            if not self.owns(given):
                raise DomainError("Change address not found")
            return given
        if len(sources) == 1:
            return sources[0]
        if len(self.addresses) > 1:
            raise DomainError("Change address required")
        return self.addresses[0]

    # -- methods: joining small outputs --

    def get_unspent(self, address: str) -> dict[str, Any]:
        mine = [one for one in self.coins() if one.owner == self._mine(address)]
        return {"outputs": [{"amount": one.amount, "transactionHash": one.coin[0]} for one in mine]}

    def estimate_fusion(self, threshold: int, addresses: list[str]) -> dict[str, Any]:
        ready = [one for one in self.coins() if self.is_spendable(one)]
        joinable = sum(map(len, self._heaps(threshold)))
        return {"fusionReadyCount": joinable, "totalOutputCount": len(ready)}

    def _heaps(self, threshold: int) -> list[list[Held]]:
        """Spendable outputs below the threshold, those of one number of digits together; twelve make a heap."""
        heaps: dict[int, list[Held]] = {}
        for one in self.coins():
            if self.is_spendable(one) and one.amount < threshold:
                heaps.setdefault(len(str(one.amount)), []).append(one)
        return [heap for heap in heaps.values() if len(heap) >= FEWEST_TO_JOIN]

    def send_fusion(
        self, threshold: int, anonymity: int, addresses: list[str], destinationAddress: str
    ) -> dict[str, Any]:
        if threshold < 10_000_000:
            raise DomainError("Internal error occurred")
        self.refuse_if_told()
        heap = next(iter(self._heaps(threshold)), None)
        if heap is None:
            raise DomainError("Index is out of range")
        whole = sum(one.amount for one in heap)
        data = self.new_extra("")
        joined = ((destinationAddress, whole),)
        tx = Tx(digest("tx", self.chain.number()), tuple(one.coin for one in heap), joined, 0, data, 0)
        self.chain.every[tx.hash] = tx
        row = Row(tx.hash, SUCCEEDED, 0, data, transfers=[(destinationAddress, whole, USUAL), *self._inputs(tx)])
        self.now.rows.append(row)
        problem = self.relay(tx)
        if problem:
            row.state = FAILED
            raise DomainError(problem)
        self.now.sent[tx.hash] = tx
        return {"transactionHash": tx.hash}


def _payment_id(row: Row) -> str:
    """Of `01`, a key, `022100`, a payment id: the last 64 digits."""
    return row.extra[-64:] if len(row.extra) == 136 and row.extra[66:72] == "022100" else ""


_TXID = (Param("transactionHash", wire.text),)
_ADDRESS = (Param("address", wire.text),)
_ADDRESSES = (Param("addresses", wire.texts, []),)
_RANGE = (
    Param("firstBlockIndex", wire.whole, None),
    Param("blockHash", wire.text, None),
    Param("blockCount", wire.whole),
    *_ADDRESSES,
    Param("paymentId", wire.text, ""),
)
_SEND = (
    Param("transfers", wire.transfers),
    Param("fee", wire.whole),
    Param("anonymity", wire.whole),
    *_ADDRESSES,
    Param("changeAddress", wire.text, ""),
    Param("extra", wire.text, None),
    Param("paymentId", wire.text, None),
    Param("unlockTime", wire.whole, 0),
)


def dialect(wallet: CamelWallet, *, domain_code: int = -32000, password: str = "") -> wire.Dialect:
    keys = (Param("spendSecretKey", wire.text, None), Param("spendPublicKey", wire.text, None))
    return wire.Dialect(
        "camel",
        {
            "getStatus": Method(wallet.get_status),
            "getAddresses": Method(wallet.get_addresses),
            "createAddress": Method(wallet.create_address, keys),
            "createAddressList": Method(wallet.create_address_list, (Param("spendSecretKeys", wire.texts),)),
            "deleteAddress": Method(wallet.delete_address, _ADDRESS),
            "getSpendKeys": Method(wallet.get_spend_keys, _ADDRESS),
            "getViewKey": Method(wallet.get_view_key),
            "getBalance": Method(wallet.get_balance, (Param("address", wire.text, ""),)),
            "getBlockHashes": Method(
                wallet.get_block_hashes, (Param("firstBlockIndex", wire.whole), Param("blockCount", wire.whole))
            ),
            "getTransactions": Method(wallet.get_transactions, _RANGE),
            "getTransactionHashes": Method(wallet.get_transaction_hashes, _RANGE),
            "getUnconfirmedTransactionHashes": Method(wallet.get_unconfirmed, _ADDRESSES),
            "getTransaction": Method(wallet.get_transaction, _TXID),
            "sendTransaction": Method(wallet.send_transaction, _SEND),
            "createDelayedTransaction": Method(wallet.create_delayed, _SEND),
            "getDelayedTransactionHashes": Method(wallet.get_delayed),
            "sendDelayedTransaction": Method(wallet.send_delayed, _TXID),
            "deleteDelayedTransaction": Method(wallet.delete_delayed, _TXID),
            "getUnspendOuts": Method(wallet.get_unspent, _ADDRESS),
            "estimateFusion": Method(wallet.estimate_fusion, (Param("threshold", wire.whole), *_ADDRESSES)),
            "sendFusionTransaction": Method(
                wallet.send_fusion,
                (
                    Param("threshold", wire.whole),
                    Param("anonymity", wire.whole),
                    *_ADDRESSES,
                    Param("destinationAddress", wire.text, ""),
                ),
            ),
            "save": Method(wallet.save_wallet),
            "export": Method(wallet.export, (Param("fileName", wire.text),)),
            "reset": Method(wallet.reset, (Param("viewSecretKey", wire.text, ""),)),
        },
        wire.CAMEL_CODES,
        lenient=True,
        no_method=lambda name: WireError(-3600, "Invalid Request"),
        domain_code=domain_code,
        password=password,
    )
