"""The other way to hold a wallet: the node keeps the keys, makes the work and collects deposits. For development.

Each payment is named by the `id` of the node's `send` call: a repeat with the same id answers with the first block and
pays nothing more, whatever is asked for then. That memory lives in the node's wallet file alone; so before a repeat the
account's chain is searched too. Source: nano-node V24.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from adapters.banano import receipts
from adapters.banano.blocks import ZERO
from adapters.banano.common import Reader
from adapters.banano.fate import CONFIRMATIONS
from adapters.banano.node import Node, Refusal, hex_name, listing, number, truth
from adapters.banano.options import BananoNodeOptions
from adapters.base import (
    Absent,
    AddressRequest,
    Confirmed,
    Dead,
    Health,
    LookupResult,
    NewAddress,
    NodeDown,
    NodeRefused,
    NotEnoughFunds,
    Payment,
    Pending,
    Prepared,
    Refused,
    SendResult,
    Sent,
    Tried,
    Unclear,
    Understood,
    Unknown,
    Watched,
)
from adapters.codecs import banano_crypto as crypto
from adapters.understanding import OTHER, demand_same

BLOB_VERSION: Final = 1
DEFINITE: Final = frozenset(
    {
        "Account not found",
        "Account not found in wallet",
        "Bad destination account",
        "Insufficient balance",
        "Invalid amount number",
    }
)


@dataclass(frozen=True, slots=True)
class Order:
    """What one `send` is asked to do. base: the newest confirmed block of the source when it was written."""

    id: str
    source: str  # addresses
    destination: str
    amount: int
    base: str

    def text(self) -> str:
        return json.dumps({"v": BLOB_VERSION, **{name: str(getattr(self, name)) for name in Order.__slots__}})

    def like(self, other: Order) -> bool:
        return (self.source, self.destination, self.amount) == (other.source, other.destination, other.amount)


def read_order(prepared: Prepared) -> Order:
    """Raises NodeDown when it cannot be read."""
    try:
        data = json.loads(prepared.blob)
        if data["v"] != BLOB_VERSION or data["id"] != prepared.id:
            raise ValueError("version")
        fields = {name: str(data[name]) for name in Order.__slots__}
        amount = int(fields.pop("amount"))
        return Order(amount=amount, **fields)
    except (ValueError, TypeError, KeyError):
        raise NodeDown("the stored form of this payment cannot be read") from None


class BananoNodeWallet(Reader):
    kind: ClassVar[str] = "banano_node"
    title: ClassVar[str] = "Banano or Nano, keys kept by the node (development)"
    Options: ClassVar[type[BananoNodeOptions]] = BananoNodeOptions
    options: BananoNodeOptions

    def __init__(self, options: BananoNodeOptions) -> None:
        super().__init__(options)
        self._address_of_hot = ""

    def _hot(self) -> str:
        if not self._address_of_hot:
            self._address_of_hot = self._account(0)
        return self._address_of_hot

    def _account(self, wanted: int) -> str:
        """The same number gives the same address each time."""
        self._unlock(self._node)
        answer = self._node.ask("account_create", wallet=self.options.wallet, index=str(wanted), work="false")
        return self._node.address(self._node.key(answer.get("account")))

    def _locked(self, node: Node) -> bool:
        return truth(node.ask("wallet_locked", wallet=self.options.wallet).get("locked"))

    def _unlock(self, node: Node) -> None:
        if not self._locked(node):
            return
        if not self.options.wallet_password:
            raise NodeDown("The node's wallet is locked and no password is configured.")
        answer = node.ask("password_enter", wallet=self.options.wallet, password=self.options.wallet_password)
        if not truth(answer.get("valid")):
            raise NodeDown("The node's wallet does not take the configured password.")

    def _sight(self, watch: Sequence[Watched]) -> receipts.Sight:
        listed = listing(self._node.ask("account_list", wallet=self.options.wallet).get("accounts"))
        held = {self._node.key(one) for one in listed}
        return receipts.Sight(self._hot(), frozenset(one.address for one in watch), held.__contains__)

    def _health(self, node: Node) -> Health:
        found = super()._health(node)
        return replace(found, locked=self._locked(node) and not self.options.wallet_password)

    def new_address(self, request: AddressRequest) -> NewAddress:
        if not 0 < request.number <= crypto.MAX_INDEX:
            raise NodeRefused("This wallet has no address of that number.")
        with self._asking():
            return NewAddress(self._account(request.number), ref=str(request.number))

    def is_ours(self, address: str) -> bool:
        with self._asking() as node:
            answer = node.ask("wallet_contains", wallet=self.options.wallet, account=address)
            return truth(answer.get("exists"))

    # -- what goes out --

    def prepare(self, wanted: Sequence[Payment], live: Sequence[Tried]) -> Prepared:
        if len(wanted) != 1:
            raise NodeRefused("A block of this coin pays one address.")
        (payment,) = wanted
        with self._asking() as node:
            hot = self._hot()
            if not 0 < payment.amount <= crypto.MAX_AMOUNT or self._is_nobodys(payment.address, hot):
                raise NodeRefused("This amount or this address cannot be paid.", address=payment.address)
            order = self._order(node, hot, payment.address, payment.amount, f"{payment.id}-", live)
        return Prepared(order.id, order.text(), 0, slot=order.id, payments=(payment.id,))

    def _is_nobodys(self, address: str, hot: str) -> bool:
        try:
            key = crypto.decode_address(self._facts.prefix, address).hex().upper()
        except crypto.BadAddress:
            return True
        return key == ZERO or address == hot

    def _order(self, node: Node, source: str, destination: str, amount: int, name: str, live: Sequence[Tried]) -> Order:
        """Raises NotEnoughFunds, also while an equal payment is under way: the chain could not tell the two apart."""
        seen = node.account(node.key(source))
        taken = [(tried, read_order(tried.prepared)) for tried in live]
        waiting = sum(one.amount for tried, one in taken if tried.outcome != "sent" and one.source == source)
        if seen is None or seen.confirmed == ZERO or seen.balance - waiting < amount:
            raise NotEnoughFunds("The account does not hold this much now.")
        order = Order(f"{name}{secrets.token_hex(16)}", source, destination, amount, seen.confirmed)
        if any(order.like(one) for _, one in taken) or self._matches(node, order):
            raise NotEnoughFunds("An equal payment to the same address is still under way.")
        return order

    def chores(self, watch: Sequence[Watched], live: Sequence[Tried]) -> Prepared | None:
        """The node collects by itself what it heard of; what it missed it is told to look for. Then emptying."""
        with self._asking() as node:
            self._unlock(node)
            hot, members = self._hot(), [one.address for one in watch]
            if any(True for _ in node.receivables([hot, *members], int(self.options.dust), confirmed=True)):
                node.ask("search_receivable", wallet=self.options.wallet)
            for source, held in node.balances(members).items() if members else ():
                if held >= int(self.options.sweep_min) and (made := self._sweep(node, source, hot, held, live)):
                    return made
        return None

    def _sweep(self, node: Node, source: str, hot: str, amount: int, live: Sequence[Tried]) -> Prepared | None:
        try:
            order = self._order(node, source, hot, amount, "sweep-", live)
        except NotEnoughFunds:
            return None
        return Prepared(order.id, order.text(), 0, slot=f"{source}:{order.base}", chore="sweep")

    def broadcast(self, prepared: Prepared) -> SendResult:
        try:
            order = read_order(prepared)
            with self._ready() as node:
                return self._send(node, order)
        except NodeDown as error:
            return Unclear(str(error))

    def demand_pays(self, prepared: Prepared, wanted: Sequence[Payment]) -> Understood:
        """The order itself is what the node is given."""
        order = read_order(prepared)
        with self._asking():
            hot = self._hot()
        pays = [] if order.destination == hot else [(order.destination, order.amount)]
        if wanted and order.source != hot:
            raise NodeRefused(OTHER)
        demand_same(pays, wanted)
        return Understood(0)

    @contextmanager
    def _ready(self) -> Iterator[Node]:
        with self._asking() as node:
            self._unlock(node)
            yield node

    def _send(self, node: Node, order: Order) -> SendResult:
        fields = {"source": order.source, "destination": order.destination, "amount": str(order.amount)}
        try:
            answer = node.ask("send", wallet=self.options.wallet, id=order.id, **fields)
        except Refusal as refusal:
            return Refused(refusal.text) if refusal.text in DEFINITE else Unclear(str(refusal))
        name = hex_name(answer.get("block"))
        seen = node.block(name)
        made = (node.address(seen.destination), seen.amount) if seen and seen.destination else None
        if made != (order.destination, order.amount):
            return Unclear(f"the node answered with block {name}, which is another payment")
        return Sent(name, 0)

    def lookup(self, tried: Tried) -> LookupResult:
        try:
            order = read_order(tried.prepared)
            with self._asking() as node:
                return self._judge(node, tried, order)
        except NodeDown as error:
            return Unknown(str(error))

    def _judge(self, node: Node, tried: Tried, order: Order) -> LookupResult:
        if tried.attempts == 0:
            return Absent()
        found = self._matches(node, order)
        if len(found) > 1:
            return Unknown("two equal payments left the account: a person must tell which is which")
        if found:
            (name, confirmed) = found[0]
            return Confirmed(CONFIRMATIONS, name, 0) if confirmed else Pending(name, 0)
        if tried.outcome == "refused":
            if tried.attempts == 1:
                return Dead("The node refused it, and it never left the account.")
            return Unknown("the node refused it after an earlier try that proved nothing")
        return Absent()  # the same id pays once, and nothing of it stands in the chain

    def _matches(self, node: Node, order: Order) -> list[tuple[str, bool]]:
        """Equal sends above the base: name, and whether confirmed. Raises NodeDown when the base is not found."""
        found: list[tuple[str, bool]] = []
        head, link = "", node.key(order.destination)
        while True:
            entries, head = node.history(order.source, receipts.FIRST_ENTRIES, head)
            for entry in entries:
                name = hex_name(entry.get("hash"))
                if name == order.base:
                    return found
                if _is(entry, link, order.amount):
                    found.append((name, truth(entry.get("confirmed"))))
            if not head:
                raise NodeDown("the node does not know the account as it was: it is behind, or was cut short")


def _is(entry: dict[str, Any], link: str, amount: int) -> bool:
    return receipts.kind_of(entry) == "send" and entry.get("link") == link and number(entry.get("amount")) == amount
