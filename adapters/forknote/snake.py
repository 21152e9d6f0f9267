"""The snake_case dialect: Bytecoin and Forknote up to 1.0.8.3. Tried on Forknote 1.0.8.3.

It has no height, no save, no delayed transactions: heights come from the daemon, addresses are given away only
once they are known to be in the wallet file, and a payment is found again by a payment id of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

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
    NotEnoughFunds,
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
from adapters.forknote.addresses import new_payment_id
from adapters.forknote.client import Client
from adapters.forknote.history import ROWS_A_CALL, SPENDABLE_AT, History
from adapters.forknote.moves import COINBASE_DEPTH, FAILED, SUCCEEDED, Tx, found
from adapters.forknote.options import SNAKE, ForknoteOptions
from adapters.forknote.orders import Order, new_order
from adapters.forknote.status import Status
from adapters.forknote.verdicts import MIXIN_TOO_BIG, NOT_OURS, WalletdError, WrongWallet
from adapters.rpc import Reply

TAIL = 20  # newest hashes kept with a prepared payment
FINAL_AT = 10  # confirmations after which a row is not looked at again, if the ledger does not want more
KEPT_ROWS = 1000  # a failed or cancelled row this far back is not looked at again
FIRST_LOOK = 2000  # rows to search for a payment that was never tried
ADDRESSES_A_SCAN = 200
MADE_AT_ONCE = 20
SEND_SECONDS = 60
MOST_COMBINED = 12  # deposits of one address that are combined to find out which are locked


@dataclass(frozen=True, slots=True)
class Place:
    """next: the row where the next page begins, hash: of the row before it. floor: in the middle of a round, the
    lowest row that may still change, where the round after it begins."""

    next: int = 0
    hash: str = ""
    floor: int = -1
    floor_hash: str = ""

    @classmethod
    def read(cls, text: str) -> Place:
        try:
            data = json.loads(text)
            return cls(int(data["next"]), str(data["hash"]), int(data["floor"]), str(data["floor_hash"]))
        except (ValueError, TypeError, KeyError):
            return cls()

    def text(self) -> str:
        return json.dumps({"next": self.next, "hash": self.hash, "floor": self.floor, "floor_hash": self.floor_hash})


class Snake:
    name = SNAKE

    def __init__(self, client: Client, options: ForknoteOptions) -> None:
        self._client = client
        self._options = options
        self._history = History(client)
        self._checked = 0  # addresses compared with the ledger's so far, in this round

    # -- the wallet --

    def status(self) -> Status:
        self._client.ask("get_address_count")
        height = Reply(self._client.ask_daemon("getblockcount"), "getblockcount").whole("count")
        return Status(height, "" if height > 0 else "The coin daemon has no blocks.", "walletd, snake_case")

    def genesis(self) -> str:
        said = self._client.ask_daemon("on_getblockhash", [0])
        return said if isinstance(said, str) else ""

    def hot(self) -> str:
        """walletd always sends change to the first address."""
        first = self._address(0)
        if self._options.hot_address not in ("", first):
            raise WrongWallet("This is another wallet, or its first address was deleted: it is not the hot_address.")
        return first

    def _address(self, index: int) -> str:
        return self._client.ask("get_address", {"index": index}).text("address")

    def _address_count(self) -> int:
        return self._client.ask("get_address_count").whole("count")

    def funds(self) -> Funds:
        actual = self._history.actual("")
        return Funds(total=actual + self._history.pending(""), spendable=actual)

    def least_fee(self) -> int | None:
        return None

    def new_address(self, request: AddressRequest) -> NewAddress:
        """Number n is walletd's address n; number 0 is kept for change. walletd writes new addresses to its file only
        when it is stopped gracefully, and a crash before that loses them with their keys."""
        if not self.has_address_for(request.number):
            raise NodeDown("No verified address is left: make more with manage.py forknote_addresses and verify them.")
        if request.number >= self._address_count():
            raise NodeDown(f"walletd has lost addresses: it should hold {self._options.verified_addresses}.")
        return NewAddress(self._address(request.number), ref=str(request.number))

    def has_address_for(self, number: int) -> bool:
        return 0 < number < self._options.verified_addresses

    def make_ahead(self) -> None:
        """A few addresses more, for the next restart to verify."""
        wanted = self._options.verified_addresses + self._options.addresses_ahead
        missing = wanted - self._address_count() if self._options.addresses_ahead else 0
        for _ in range(min(missing, MADE_AT_ONCE)):
            self.create_address()

    def create_address(self) -> str:
        """At the end of walletd's list; not in its file before a graceful stop."""
        return self._client.ask("create_address").text("address")

    def delete_address(self, address: str) -> None:
        """For tests and people at a console: no flow calls it, because the addresses behind it move up, and change
        would go to a user's address if the first one were deleted."""
        self._client.ask("delete_address", {"address": address})

    def addresses(self) -> list[str]:
        return [self._address(index) for index in range(self._address_count())]

    def is_ours(self, address: str) -> bool:
        try:
            self._history.actual(address)
        except WalletdError as error:
            if error.message in NOT_OURS:
                return False
            raise
        return True

    def lost(self, watch: Sequence[Watched]) -> tuple[str, ...]:
        """The highest address and the next two hundred; a scan later the ones after them."""
        if not watch:
            return ()
        count = self._address_count()
        if self._checked >= len(watch):
            self._checked = 0
        part = list(watch[self._checked : self._checked + ADDRESSES_A_SCAN])
        self._checked += len(part)
        beyond = [one for one in watch if one.ref.isdecimal() and int(one.ref) >= count]
        suspects = {one.address for one in [*beyond, *part]}
        return tuple(sorted(one for one in suspects if not self.is_ours(one)))

    # -- what moved --

    def page(self, cursor: str, depth: int, tip: int, hot: str) -> Page:
        place, rows = self._rows_from(Place.read(cursor))
        count = self._history.count()
        after = place.next + len(rows)
        more = bool(rows) and after < count
        unsettled = next(
            (at for at, tx in enumerate(rows) if self._may_change(tx, tip, depth, place.next + at, count)), None
        )
        place = self._onward(place, rows, unsettled, more)
        moves = self._found(rows, tip, hot)
        return Page(tuple(moves), place.text(), more)

    def _rows_from(self, place: Place) -> tuple[Place, list[Tx]]:
        """The page's rows; from the beginning when the row before them is another one than it was."""
        count = self._history.count()
        if 0 < place.next <= count:
            rows = self._history.rows(place.next - 1, ROWS_A_CALL + 1)
            if rows and rows[0].hash == place.hash:
                return place, rows[1:]
        return Place(), self._history.rows(0, ROWS_A_CALL)

    @staticmethod
    def _may_change(tx: Tx, tip: int, depth: int, number: int, count: int) -> bool:
        if tx.state != SUCCEEDED:
            return number >= count - KEPT_ROWS
        return tx.confirmations(tip) < max(depth, FINAL_AT)

    @staticmethod
    def _onward(place: Place, rows: list[Tx], unsettled: int | None, more: bool) -> Place:
        floor, floor_hash = place.floor, place.floor_hash
        if floor < 0 and unsettled is not None:
            floor = place.next + unsettled
            floor_hash = rows[unsettled - 1].hash if unsettled else place.hash
        after, after_hash = place.next + len(rows), rows[-1].hash if rows else place.hash
        if more:
            return Place(after, after_hash, floor, floor_hash)
        return Place(floor, floor_hash) if floor >= 0 else Place(after, after_hash)

    def transfer(self, txid: str, tip: int, hot: str) -> tuple[Found, ...]:
        tx = self._history.find(txid)
        return tuple(self._found([tx], tip, hot)) if tx is not None else ()

    def _found(self, rows: list[Tx], tip: int, hot: str) -> list[Found]:
        """A sender can lock what he sends. The dialect tells so only of transactions with a payment id; of the others,
        what should be spendable by its depth and still is pending is locked."""
        receive = self._options.receive
        deep = [tx for tx in rows if self._is_deep(tx, tip) and tx.deposits(hot, receive)]
        unlocks = self._history.unlocks({tx.payment_id for tx in deep if tx.payment_id})
        untold = {tx.hash for tx in deep if tx.hash not in unlocks}
        if untold and not self._history.pending(""):
            untold = set()
        newest = self._history.newest(ROWS_A_CALL) if untold else []
        pending: dict[str, int] = {}
        made = []
        for tx in rows:
            known = replace(tx, unlock=unlocks.get(tx.hash, 0))
            suspects = tx.deposits(hot, receive) if tx.hash in untold else ()
            locked = frozenset(one for one in suspects if self._is_stuck(tx, one, tip, newest, pending))
            made += found(known, tip, hot, receive, locked)
        return made

    @staticmethod
    def _is_deep(tx: Tx, tip: int) -> bool:
        least = COINBASE_DEPTH if tx.coinbase else SPENDABLE_AT
        return tx.state == SUCCEEDED and tx.confirmations(tip) >= least

    def _is_stuck(self, tx: Tx, address: str, tip: int, newest: list[Tx], pending: dict[str, int]) -> bool:
        """Whether this deposit is part of what is pending at its address though it is deep enough. Where the deposits
        there leave it open which of them are, all of them are taken to be. pending: asked once for each address."""
        if address not in pending:
            pending[address] = self._history.pending(address)
        stuck, others = pending[address], []
        for other in newest if stuck else []:
            amount = other.received.get(address, 0) if other.state == SUCCEEDED else 0
            if not self._is_deep(other, tip):
                stuck -= amount
            elif amount and other.hash != tx.hash:
                others.append(amount)
        mine, sums = tx.received[address], {0}
        for amount in others[-MOST_COMBINED:]:
            sums |= {one + amount for one in sums}
        return stuck >= mine and (stuck - mine in sums or stuck not in sums)

    # -- paying --

    def prepare(self, payments: Sequence[Payment], live: Sequence[Tried], fee: int, hot: str) -> Prepared:
        order = new_order(self.name, payments, fee, self._options.mixin)
        self._refuse_to_overtake(order, live)
        self._check_funds(order, live)
        count = self._history.count()
        order = self._with_history(order, count)
        name = order.payment_id if order.is_marker else new_payment_id()
        return Prepared(name, order.text(), fee, slot=name, payments=tuple(one.id for one in payments))

    def _refuse_to_overtake(self, order: Order, live: Sequence[Tried]) -> None:
        """One at a time: what was sent without an answer is told from the next payment by being the only one."""
        for one in live:
            if one.attempts and one.outcome != "sent":
                raise NotEnoughFunds("An earlier payment is not yet known to be made; nothing overtakes it.")
            if not order.is_marker and Order.read(one.prepared.blob).payment_id == order.payment_id:
                raise NotEnoughFunds("An earlier payment with the same payment id is not yet final.")

    def _check_funds(self, order: Order, live: Sequence[Tried]) -> None:
        promised = sum(Order.read(one.prepared.blob).needs for one in live if not one.attempts)
        funds = self.funds()
        if funds.spendable - promised >= order.needs:
            return
        if funds.total - promised >= order.needs:
            raise NotEnoughFunds("The hot wallet waits for its change, which the next blocks bring.")
        raise NotEnoughFunds("The hot wallet cannot pay this now.")

    def _with_history(self, order: Order, count: int) -> Order:
        known: tuple[str, ...] = ()
        if not order.is_marker:
            known = tuple(tx.hash for tx in self._history.backwards() if tx.payment_id == order.payment_id)
        tail = tuple(tx.hash for tx in self._history.newest(TAIL))
        return replace(order, count=count, tail=tail, known=known)

    def chore(self, tip: int) -> None:
        """This dialect cannot join outputs."""

    def broadcast(self, prepared: Prepared) -> SendResult:
        order = Order.read(prepared.blob)
        made = self._already_made(order)
        if made is not None:
            return made
        params = {
            "destinations": [{"address": address, "amount": amount} for address, amount in order.outputs],
            "fee": order.fee,
            "unlock_time": 0,
            "payment_id": order.payment_id,
        }
        mixins = self._options.mixins()
        for mixin in mixins:
            try:
                said = self._client.ask("send_transaction", {**params, "mixin": mixin}, read_seconds=SEND_SECONDS)
            except WalletdError as error:
                # The one refusal that a manager may have answered beforehand. It leaves nothing behind.
                if error.message == MIXIN_TOO_BIG and mixin != mixins[-1]:
                    continue
                return Refused(str(error)) if error.verdict in ("refused", "short") else Unclear(str(error))
            return self._sent(order, said.whole("transaction_id"))
        return Unclear("no mixin is configured")

    def _already_made(self, order: Order) -> SendResult | None:
        """send_transaction pays again each time it is called, so the newest rows are read before it is."""
        least = max(0, min(order.count, self._history.count()) - TAIL)
        for tx in self._history.backwards(least):
            if tx.payment_id == order.payment_id and tx.hash not in order.known and (order.is_marker or tx.ours):
                if tx.state == SUCCEEDED:
                    return Sent(tx.hash, order.fee)
                return Unclear(f"It was made already and stands in walletd in state {tx.state}.")
        return None

    def _sent(self, order: Order, number: int) -> SendResult:
        try:
            row = self._history.row(number)
        except NodeError as error:
            return Unclear(f"It was sent, but its hash could not be read: {error}")
        if row.payment_id != order.payment_id:
            return Unclear("It was sent, but walletd shows another transaction under its number.")
        return Sent(row.hash, order.fee)

    def lookup(self, tried: Tried, tip: int) -> LookupResult:
        order = Order.read(tried.prepared.blob)
        rows = self._search(order, tried)
        mine = [tx for tx in rows if tx.payment_id == order.payment_id]
        mine = [tx for tx in mine if tx.hash not in order.known]
        if not order.is_marker:
            doubtful = [tx for tx in mine if not tx.ours]
            mine = [tx for tx in mine if tx.ours]
            if doubtful and not mine and tried.attempts:
                return Unknown(f"It may be {doubtful[0].hash}, which carries its payment id: a person must decide.")
        if not mine:
            return self._not_found(tried, order, rows)
        if len({tx.hash for tx in mine}) > 1:
            return Unknown(f"Several transactions carry its payment id: {', '.join(tx.hash for tx in mine)[:150]}.")
        return self._judge(mine[0], order, tip)

    def _search(self, order: Order, tried: Tried) -> list[Tx]:
        """The rows that can be it. What was never tried is looked for only among the newest."""
        if tried.attempts == 0:
            count = self._history.count()
            return list(self._history.backwards(max(0, min(order.count, count) - FIRST_LOOK)))
        rows = []
        for tx in self._history.backwards():
            rows.append(tx)
            if order.is_marker and tx.payment_id == order.payment_id:
                break
        return rows

    def _judge(self, tx: Tx, order: Order, tip: int) -> LookupResult:
        fee = tx.fee if tx.fee > 0 else order.fee
        if tx.state == FAILED:
            return Unknown("The daemon did not confirm that it took this payment; it may have it all the same.")
        if tx.state != SUCCEEDED:
            return Unknown(f"walletd shows this payment in state {tx.state}, which does not rule out that it is paid.")
        if tx.height is None:
            return Pending(tx.hash, fee)
        return Confirmed(max(1, tx.confirmations(tip)), tx.hash, fee)

    def _not_found(self, tried: Tried, order: Order, rows: list[Tx]) -> LookupResult:
        if tried.attempts == 0:
            return Absent()
        if tried.outcome == "sent":
            return Unknown("walletd took this payment but does not list it now.")
        if tried.outcome != "refused":
            return self._never_made(tried, order, rows)
        # An earlier try without an answer must be proven never made too.
        earlier = self._never_made(tried, order, rows) if tried.attempts > 1 else Absent()
        return Dead("walletd refused this payment before it made anything of it.") if earlier == Absent() else earlier

    def _never_made(self, tried: Tried, order: Order, rows: list[Tx]) -> LookupResult:
        """No trace of a try without an answer. A walletd that crashed lists less than it did until it has read the
        chain again, and one that is busy may make the payment yet: neither may be taken for "never made"."""
        if not {tx.hash for tx in rows}.issuperset(order.tail):
            return Unknown("walletd lists less than when this payment was prepared: it is reading the chain again.")
        quiet = self._options.quiet_seconds
        if quiet and self._client.answering_seconds < quiet:
            return Unknown(f"No trace of this payment; certain once walletd has answered for {quiet} s.")
        if tried.attempted_at is not None and (datetime.now(UTC) - tried.attempted_at).total_seconds() < quiet:
            return Unknown(f"No trace of this payment; certain {quiet} s after it was tried.")
        return Absent()
