"""Banano, and Nano by configuration: the site holds the keys, the node only reads and passes on.

Calls used: version, block_count, peers, active_difficulty, account_info, accounts_frontiers, accounts_balances,
accounts_receivable (accounts_pending before V24), account_history, block_info, blocks_info, successors, process,
block_confirm, work_generate, and in the node explorer the other reading ones. Replayed against nano-node V24.

One seed, a number for each address; number 0 is the hot account from which payments go. Deposits count from their
confirmed send block on; chores collect them and bring them to the hot account. Fees do not exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import quote

from adapters.banano import fate, payments, receipts
from adapters.banano.blocks import ZERO
from adapters.banano.explorer import READS, explore
from adapters.banano.keys import Keyring
from adapters.banano.node import Node, is_name
from adapters.banano.options import BananoOptions
from adapters.banano.pocketing import Pocketing
from adapters.banano.work import Worker
from adapters.base import (
    AddressRequest,
    CheckedAddress,
    CoinAdapter,
    Feature,
    Found,
    Funds,
    Health,
    Hint,
    InvalidAddress,
    LookupResult,
    NewAddress,
    NodeDown,
    NodeRefused,
    Page,
    Payment,
    Prepared,
    Quote,
    SendResult,
    Tried,
    Watched,
)
from adapters.codecs import banano_crypto as crypto

__all__ = ["READS", "Banano", "BananoOptions"]

# Accounts nobody holds the key of: "burn" written in zeros, and the one Banano's players throw coins at.
BURNED = frozenset({ZERO, "2778A2509F2778A2E19556146B314A8000000000000000000000000000000000"})
LONGEST_HINT = 8192


def _called_back(body: bytes) -> Hint | None:
    """nano-node V24 posts {"hash", "is_send": "true", "block": JSON as text, ...} and never repeats what was lost."""
    if len(body) > LONGEST_HINT:
        return None
    try:
        told = json.loads(body)
        block = json.loads(told["block"])
        name, address = str(told["hash"]).upper(), str(block["link_as_account"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return Hint(name, address) if told.get("is_send") == "true" and is_name(name) else None


class Banano(CoinAdapter):
    kind: ClassVar[str] = "banano"
    title: ClassVar[str] = "Banano or Nano"
    features: ClassVar[frozenset[Feature]] = frozenset()
    tidies: ClassVar[bool] = True
    Options: ClassVar[type[BananoOptions]] = BananoOptions
    options: BananoOptions

    def __init__(self, options: BananoOptions) -> None:
        super().__init__(options)
        self._facts = options.facts
        self._keys = Keyring(options.read_seed(), self._facts.prefix)
        self._node = Node(options)
        self._worker = Worker(options, self._node)
        self._pocketing = Pocketing(self._node, self._keys, self._worker, options)
        self._watched: frozenset[str] = frozenset()

    def close(self) -> None:
        self._node.close()
        self._worker.close()

    @contextmanager
    def _asking(self) -> Iterator[Node]:
        """The node, on the right network, for as long as one call may last."""
        with self._node.within(self.longest_call - 5):
            self._node.check_network()
            yield self._node

    # -- the node --

    def health(self) -> Health:
        wanted = self.options.hot_address
        if wanted and wanted != self._keys.address(0):
            return Health(ok=False, reason="The seed is not the one whose address number 0 is configured.")
        try:
            with self._node.within(self.longest_call - 5):
                return self._health(self._node)
        except NodeDown as error:
            return Health(ok=False, reason=str(error))

    def _health(self, node: Node) -> Health:
        version = node.check_network()
        count, confirmed = node.block_count()
        synced = count - confirmed <= self.options.max_backlog
        alone = self.options.min_peers and node.peers() < self.options.min_peers
        reason = "" if synced else f"The node is behind: {count - confirmed} blocks wait for their confirmation."
        if alone and not reason:
            reason = "The node has no peers: what it says is old."
        return Health(
            ok=not reason,
            reason=reason,
            version=version,
            network=self.options.network,
            height=confirmed,
            synced=synced and not alone,
        )

    def funds(self, watch: Sequence[Watched]) -> Funds:
        """total: what all our accounts hold, and the confirmed deposits they have not collected yet."""
        hot = self._keys.address(0)
        addresses = [hot, *(one.address for one in watch)]
        with self._asking() as node:
            held = node.balances(addresses)
            waiting = node.receivables(addresses, int(self.options.dust), confirmed=True)
            total = sum(held.values()) + sum(amount for _, _, amount, _ in waiting)
        return Funds(total=total, spendable=held.get(hot, 0))

    # -- addresses --

    def new_address(self, request: AddressRequest) -> NewAddress:
        """No node is asked: the address is made from the seed and the number."""
        if not 0 < request.number <= crypto.MAX_INDEX:
            raise NodeRefused("This wallet has no address of that number.")
        return NewAddress(self._keys.address(request.number), ref=str(request.number))

    def check_address(self, text: str) -> CheckedAddress:
        text = text.strip()
        try:
            key = crypto.decode_address(self._facts.prefix, text)
        except crypto.BadAddress as error:
            raise InvalidAddress(self._why_not(text, str(error))) from None
        if key.hex().upper() in BURNED:
            raise InvalidAddress("Nobody holds the key of this address: coins sent there are lost for ever.")
        return CheckedAddress(text, network=self.options.network)

    def _why_not(self, text: str, reason: str) -> str:
        for other in ("ban_", "nano_", "xrb_"):
            if text.startswith(other) and other != self._facts.prefix:
                return f"This address begins with {other}: it belongs to another network, not to this coin."
        return f"This is not an address of this coin: {reason}. Copy it again, whole."

    def is_ours(self, address: str) -> bool:
        """From the seed alone, as far as numbers were seen and a hundred beyond; the ledger knows the older ones."""
        try:
            key = crypto.decode_address(self._facts.prefix, address).hex().upper()
        except crypto.BadAddress:
            return False
        return address in self._watched or self._keys.number(key) is not None

    def uri(self, address: str, amount: int | None, *, label: str = "") -> str:
        """Amounts in payment links of this family are raw units (nano: URI scheme)."""
        fields = [f"amount={amount}"] if amount is not None else []
        fields += [f"label={quote(label, safe='')}"] if label else []
        return f"{self._facts.scheme}:{address}{'?' if fields else ''}{'&'.join(fields)}"

    # -- what comes in --

    def _sight(self, watch: Sequence[Watched]) -> receipts.Sight:
        self._watched = frozenset(one.address for one in watch) or self._watched
        return receipts.Sight(self._keys, self._watched)

    def transfers(self, cursor: str, watch: Sequence[Watched], depth: int) -> Page:
        """A confirmed block is final and counts as 1000 confirmations, an unconfirmed one as 0."""
        receipts.check_seed(self._keys, watch)
        with self._asking() as node:
            return receipts.page(node, self._sight(watch), int(self.options.dust), cursor, watch)

    def transfer(self, txid: str) -> tuple[Found, ...]:
        with self._asking() as node:
            return receipts.transfer(node, self._sight(()), txid.upper()) if is_name(txid.upper()) else ()

    def hint(self, kind: str, message: str, body: bytes) -> Hint | None:
        """Kind "callback": the node's HTTP callback, which tells of every block on the network, ours or not.

        Kind "block": a block's name in the path. Anything believed from either is read from the node.
        """
        if kind == "callback":
            return _called_back(body)
        return Hint(message.upper()) if kind == "block" and is_name(message.upper()) else None

    # -- what goes out --

    def quote(self, payment: Payment) -> Quote:
        spendable = self.funds(()).spendable
        short = ("The hot account does not hold this much now: it must be filled first.",)
        return Quote(0, wait="a few seconds", warnings=() if spendable >= payment.amount else short)

    def prepare(self, wanted: Sequence[Payment], live: Sequence[Tried]) -> Prepared:
        if len(wanted) != 1:
            raise NodeRefused("A block of this coin pays one address.")
        with self._asking() as node:
            return payments.prepare(node, self._keys, self._worker, self.options, wanted[0], live)

    def chores(self, watch: Sequence[Watched], live: Sequence[Tried]) -> Prepared | None:
        receipts.check_seed(self._keys, watch)
        with self._asking():
            return self._pocketing.next(watch, live)

    def broadcast(self, prepared: Prepared) -> SendResult:
        with self._node.within(self.longest_call - 5):
            return payments.broadcast(self._node, self._worker, prepared)

    def lookup(self, tried: Tried) -> LookupResult:
        with self._node.within(self.longest_call - 5):
            return fate.lookup(self._node, tried)

    # -- for managers --

    def explore(self, method: str, fields: dict[str, str]) -> dict[str, Any]:
        """One reading call of the node, its answer as it came. Raises NodeRefused for any other call."""
        with self._asking() as node:
            return explore(node, method, fields)

    def setup_lines(self, notify_url: str) -> str:
        """The callback part of the node's config-node.toml, and what its RPC must not be open to."""
        return "\n".join(
            (
                "# config-node.toml: tells this site of every confirmed block (a hint; polling works without it)",
                "[node.httpcallback]",
                f"# {notify_url}",
                'address = "::ffff:127.0.0.1"',
                "port = 8000",
                f'target = "{notify_url}"',
                "# config-rpc.toml: the RPC has no password, so it must listen on this machine alone",
                'address = "::1"',
                "enable_control = false",
            )
        )
