"""The camelCase dialect: Bytecoin and Forknote from 1.0.9 on, Karbo, TurtleCoin to 0.28. Tried on Forknote 2.1.2.

A payment is made as a delayed transaction: signed, saved in the wallet file, recorded by us, and only then
relayed. What may have been relayed is never deleted: walletd deletes what the network already holds without a
word, calls it cancelled, and finds it confirmed later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.base import (
    Absent,
    AddressRequest,
    Confirmed,
    Dead,
    Found,
    Funds,
    LookupResult,
    NewAddress,
    NodeDown,
    NodeError,
    Page,
    Payment,
    Pending,
    Prepared,
    Refused,
    SendResult,
    Sent,
    Tried,
    Unclear,
    Unknown,
    Watched,
)
from adapters.forknote import fusion
from adapters.forknote.client import Client
from adapters.forknote.moves import CANCELLED, CREATED, SUCCEEDED, Tx, found, height_of, moment
from adapters.forknote.options import CAMEL, ForknoteOptions
from adapters.forknote.orders import Order, new_order
from adapters.forknote.status import Status
from adapters.forknote.verdicts import (
    ALREADY_HANDLED,
    MIXIN_TOO_BIG,
    NO_METHOD,
    NOT_HERE,
    NOT_OURS,
    WalletdError,
    WrongWallet,
    of_prepare,
)
from adapters.rpc import Reply

BLOCKS_A_PAGE = 1000
STEP_BACK = 100  # blocks, when the block of the cursor is not in the chain any more
CHANGE_TYPE = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next page begins; the hash of that block tells whether the chain is still the same."""

    block: int = 0
    hash: str = ""

    @classmethod
    def read(cls, text: str) -> Place:
        try:
            data = json.loads(text)
            return cls(max(0, int(data["block"])), str(data["hash"]))
        except (ValueError, TypeError, KeyError):
            return cls()

    def text(self) -> str:
        return json.dumps({"block": self.block, "hash": self.hash})


class Camel:
    name = CAMEL

    def __init__(self, client: Client, options: ForknoteOptions) -> None:
        self._client = client
        self._options = options

    # -- the wallet --

    def status(self) -> Status:
        said = self._client.ask("getStatus")
        height, known = said.whole("blockCount"), said.whole("knownBlockCount")
        reason = ""
        if known - height > 1:
            reason = f"walletd has read {height} of {known} blocks."
        elif self._options.network == "main" and said.whole("peerCount", 1) == 0:
            reason = "The coin daemon has no peers."
        version = said.text("version", "")
        return Status(height, reason, f"walletd {version}, camelCase".replace(" ,", ","))

    def genesis(self) -> str:
        hashes = self._client.ask("getBlockHashes", {"firstBlockIndex": 0, "blockCount": 1}).texts("blockHashes")
        return hashes[0] if hashes else ""

    def addresses(self) -> list[str]:
        return self._client.ask("getAddresses").texts("addresses")

    def hot(self) -> str:
        held = self.addresses()
        wanted = self._options.hot_address or (held[0] if held else "")
        if wanted not in held:
            raise WrongWallet("This is another wallet: it does not hold the configured hot_address.")
        return wanted

    def funds(self) -> Funds:
        """A prepared payment that was not relayed is still ours: walletd already took it off both its balances."""
        said = self._client.ask("getBalance", {"address": ""})
        spendable = said.whole("availableBalance")
        waiting = [self._raw(one) for one in self._delayed()]
        held = sum(max(0, -one.whole("amount")) for one in waiting if one is not None)
        return Funds(total=spendable + said.whole("lockedAmount") + held, spendable=spendable)

    def least_fee(self) -> int | None:
        said = self._client.ask("getStatus")
        return said.whole("minimalFee") if "minimalFee" in said else None

    def new_address(self, request: AddressRequest) -> NewAddress:
        """Saved before it is given away, so that a crash of walletd cannot lose its key."""
        made = self._client.ask("createAddress").text("address")
        self._save()
        return NewAddress(made, ref=made)

    def has_address_for(self, number: int) -> bool:
        return True

    def make_ahead(self) -> None:
        """Not needed: each address is in the wallet file before it is given away."""

    def _save(self) -> None:
        try:
            self._client.ask("save")
        except WalletdError as error:
            if error.code != NO_METHOD:
                raise
            raise NodeDown("This walletd cannot save when asked (1.0.9): use 1.0.10 or later.") from None

    def is_ours(self, address: str) -> bool:
        try:
            self._client.ask("getBalance", {"address": address})
        except WalletdError as error:
            if error.message in NOT_OURS:
                return False
            raise
        return True

    def delete_address(self, address: str) -> None:
        """For tests and people at a console: no flow calls it, because walletd rewrites its history."""
        self._client.ask("deleteAddress", {"address": address})

    def lost(self, watch: Sequence[Watched]) -> tuple[str, ...]:
        held = set(self.addresses())
        return tuple(sorted({one.address for one in watch} - held))

    # -- what moved --

    def page(self, cursor: str, depth: int, tip: int, hot: str) -> Page:
        place = self._start(Place.read(cursor), tip, depth)
        size = max(BLOCKS_A_PAGE, 2 * depth)
        own = set(self.addresses())
        txs = list(self._mined(place.block, size, own)) if place.block < tip else []
        more = place.block + size < tip
        if not more:
            txs += self._in_pool(own)
        after = max(0, min(place.block + size, tip - max(1, depth) - 1))
        moves = [one for tx in txs for one in found(tx, tip, hot, self._options.receive)]
        return Page(tuple(moves), Place(after, self._hash_at(after)).text(), more)

    def _start(self, place: Place, tip: int, depth: int) -> Place:
        if place.block >= tip and place.block:
            raise NodeDown(f"walletd is reading the chain anew: {tip} blocks, and we were at {place.block}.")
        if place.hash and self._hash_at(place.block) != place.hash:
            return Place(max(0, place.block - max(STEP_BACK, 10 * depth)))
        return place

    def _hash_at(self, block: int) -> str:
        hashes = self._client.ask("getBlockHashes", {"firstBlockIndex": block, "blockCount": 1}).texts("blockHashes")
        return hashes[0] if hashes else ""

    def _mined(self, first: int, size: int, own: set[str]) -> Iterator[Tx]:
        said = self._client.ask("getTransactions", {"firstBlockIndex": first, "blockCount": size})
        for item in said.parts("items"):
            for part in item.parts("transactions"):
                yield read_transaction(part, own)

    def _in_pool(self, own: set[str]) -> list[Tx]:
        hashes = self._client.ask("getUnconfirmedTransactionHashes").texts("transactionHashes")
        return [tx for tx in (self._find(one, own) for one in hashes) if tx is not None]

    def transfer(self, txid: str, tip: int, hot: str) -> tuple[Found, ...]:
        tx = self._find(txid, set(self.addresses()))
        return tuple(found(tx, tip, hot, self._options.receive)) if tx is not None else ()

    def _raw(self, txid: str) -> Reply | None:
        try:
            return self._client.ask("getTransaction", {"transactionHash": txid}).part("transaction")
        except WalletdError as error:
            if error.message in NOT_HERE:
                return None
            raise

    def _find(self, txid: str, own: set[str]) -> Tx | None:
        raw = self._raw(txid)
        return read_transaction(raw, own) if raw is not None else None

    def _delayed(self) -> list[str]:
        return self._client.ask("getDelayedTransactionHashes").texts("transactionHashes")

    # -- paying --

    def prepare(self, payments: Sequence[Payment], live: Sequence[Tried], fee: int, hot: str) -> Prepared:
        order = new_order(self.name, payments, fee, self._options.mixin)
        self._drop_leftovers(live)
        only = payments[0].address if len(payments) == 1 else ""
        txid = self._create(order, hot, only)
        self._save()
        return Prepared(txid, order.text(), fee, slot=txid, payments=tuple(one.id for one in payments))

    def _drop_leftovers(self, live: Sequence[Tried]) -> None:
        """What was made but never recorded was never relayed: it only keeps coins locked."""
        recorded = {one.prepared.id for one in live}
        for txid in self._delayed():
            if txid not in recorded:
                self._client.ask("deleteDelayedTransaction", {"transactionHash": txid})

    def _create(self, order: Order, hot: str, only: str) -> str:
        params: dict[str, Any] = {
            "transfers": [{"address": address, "amount": amount} for address, amount in order.outputs],
            "fee": order.fee,
            "changeAddress": hot,
            "paymentId": order.payment_id,
            "unlockTime": 0,
        }
        mixins = self._options.mixins()
        for mixin in mixins:
            try:
                said = self._client.ask("createDelayedTransaction", {**params, "anonymity": mixin})
            except WalletdError as error:
                if error.message == MIXIN_TOO_BIG and mixin != mixins[-1]:
                    continue
                raise of_prepare(error, address=only) from None
            return said.text("transactionHash")
        raise NodeDown("no mixin is configured")

    def chore(self, tip: int) -> Prepared | None:
        if not fusion.wanted(self._client, self._options):
            return None
        return fusion.prepare(self._options, tip, tuple(tx.hash for tx in self._in_pool(set(self.addresses()))))

    def _look_up_fusion(self, tried: Tried, wanted: fusion.Fusion, tip: int) -> LookupResult:
        if tried.attempts == 0:
            return Absent()
        own = set(self.addresses())
        mined = self._mined(wanted.since, max(BLOCKS_A_PAGE, tip - wanted.since), own) if wanted.since < tip else ()
        for tx in (*mined, *self._in_pool(own)):
            if tx.merges and tx.hash not in wanted.known:
                return Confirmed(tx.confirmations(tip), tx.hash, 0) if tx.height is not None else Pending(tx.hash, 0)
        return fusion.without_a_trace(tried)

    def broadcast(self, prepared: Prepared) -> SendResult:
        joining = fusion.Fusion.read(prepared.blob)
        if joining is not None:
            return fusion.broadcast(self._client, joining, self.hot())
        order = Order.read(prepared.blob)
        try:
            self._client.ask("sendDelayedTransaction", {"transactionHash": prepared.id})
        except WalletdError as error:
            return self._after_refusal(prepared, order, error)
        return Sent(prepared.id, order.fee)

    def _after_refusal(self, prepared: Prepared, order: Order, error: WalletdError) -> SendResult:
        try:
            raw = self._raw(prepared.id)
        except NodeError:
            return Unclear(str(error))
        state = raw.whole("state") if raw is not None else None
        if state == SUCCEEDED:
            return Sent(prepared.id, order.fee)
        if state == CANCELLED and error.message == ALREADY_HANDLED:
            return Refused("walletd cancelled this payment before it was relayed.")
        if state is None and error.message in NOT_HERE:
            return Refused("walletd does not hold this payment any more.")
        return Unclear(str(error))

    def lookup(self, tried: Tried, tip: int) -> LookupResult:
        joining = fusion.Fusion.read(tried.prepared.blob)
        if joining is not None:
            return self._look_up_fusion(tried, joining, tip)
        order = Order.read(tried.prepared.blob)
        raw = self._raw(tried.prepared.id)
        never_relayed = tried.attempts == 0 or (tried.attempts == 1 and tried.outcome == "refused")
        if raw is None:
            if never_relayed:
                return Dead("walletd lost this payment before it was relayed, in a crash.")
            return Unknown("walletd does not know this payment any more; the network may.")
        state, height = raw.whole("state"), height_of(raw.whole("blockIndex"))
        if state == SUCCEEDED and height is None:
            return Pending(tried.prepared.id, order.fee)
        if state == SUCCEEDED and height is not None:
            return Confirmed(max(1, tip - height), tried.prepared.id, order.fee)
        if state == CREATED:
            return self._not_relayed(tried)
        if state == CANCELLED and never_relayed:
            return Dead("This payment was cancelled in walletd before it was relayed.")
        return Unknown(f"walletd shows this payment in state {state}, which does not rule out that it is paid.")

    def _not_relayed(self, tried: Tried) -> LookupResult:
        """Relaying the same transaction again is safe. After a lost answer of the daemon walletd says "created" until
        it is in a block, so once in a while is enough."""
        if tried.outcome == "unclear" and tried.attempted_at is not None:
            waited = (datetime.now(UTC) - tried.attempted_at).total_seconds()
            if waited < self._options.quiet_seconds:
                return Unknown("The daemon's answer was lost; it is asked again soon, or found in a block.")
        return Absent()


def read_transaction(part: Reply, own: set[str]) -> Tx:
    """Outputs are positive, inputs negative; who is not known has the address ""."""
    received: dict[str, int] = {}
    sent: list[tuple[str, int]] = []
    ours = False
    for one in part.parts("transfers"):
        address, amount = one.text("address"), one.whole("amount")
        if amount < 0:
            ours = ours or address in own
        elif address not in own:
            sent.append((address, amount))
        elif one.whole("type", 0) != CHANGE_TYPE:
            received[address] = received.get(address, 0) + amount
    return Tx(
        hash=part.text("transactionHash"),
        state=part.whole("state"),
        height=height_of(part.whole("blockIndex")),
        at=moment(part.whole("timestamp")),
        fee=part.whole("fee"),
        payment_id=part.text("paymentId", "").lower(),
        ours=ours,
        sent=tuple(sent) if ours else (),
        received=received,
        unlock=part.whole("unlockTime", 0),
        coinbase=part.flag("isBase", False),
        merges=ours and not sent and part.whole("amount") == 0 and part.whole("fee") == 0,
    )
