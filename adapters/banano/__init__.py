"""Banano, and Nano by configuration: the site holds the keys, the node only reads and passes on.

Calls used: version, block_count, peers, active_difficulty, account_info, accounts_frontiers, accounts_balances,
accounts_receivable (accounts_pending before V24), account_history, block_info, blocks_info, successors, process,
block_confirm, work_generate, and in the node explorer the other reading ones. Replayed against nano-node V24.

One seed, a number for each address; number 0 is the hot account from which payments go. Deposits count from their
confirmed send block on; chores collect them and bring them to the hot account. Fees do not exist.
node_wallet.py is the other way, for development: the node keeps the keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from adapters.banano import fate, payments, receipts
from adapters.banano.common import Reader
from adapters.banano.keys import Keyring
from adapters.banano.options import BananoOptions
from adapters.banano.pocketing import Pocketing
from adapters.banano.work import Worker
from adapters.base import (
    AddressRequest,
    Health,
    LookupResult,
    NewAddress,
    NodeRefused,
    Page,
    Payment,
    Prepared,
    SendResult,
    Tried,
    Understood,
    Watched,
)
from adapters.codecs import banano_crypto as crypto

__all__ = ["Banano", "BananoOptions"]


class Banano(Reader):
    kind: ClassVar[str] = "banano"
    title: ClassVar[str] = "Banano or Nano"
    Options: ClassVar[type[BananoOptions]] = BananoOptions
    options: BananoOptions

    def __init__(self, options: BananoOptions) -> None:
        super().__init__(options)
        self._keys = Keyring(options.read_seed(), self._facts.prefix)
        self._worker = Worker(options, self._node)
        self._pocketing = Pocketing(self._node, self._keys, self._worker, options)
        self._watched: frozenset[str] = frozenset()

    def close(self) -> None:
        super().close()
        self._worker.close()

    def _hot(self) -> str:
        return self._keys.address(0)

    def health(self) -> Health:
        if self.options.hot_address not in ("", self._hot()):
            return Health(ok=False, reason="The seed is not the one whose address number 0 is configured.")
        return super().health()

    def new_address(self, request: AddressRequest) -> NewAddress:
        """No node is asked: the address is made from the seed and the number."""
        if not 0 < request.number <= crypto.MAX_INDEX:
            raise NodeRefused("This wallet has no address of that number.")
        return NewAddress(self._keys.address(request.number), ref=str(request.number))

    def is_ours(self, address: str) -> bool:
        """From the seed alone, as far as numbers were seen and a hundred beyond; the ledger knows the older ones."""
        try:
            key = crypto.decode_address(self._facts.prefix, address).hex().upper()
        except crypto.BadAddress:
            return False
        return address in self._watched or self._keys.number(key) is not None

    def _sight(self, watch: Sequence[Watched]) -> receipts.Sight:
        self._watched = frozenset(one.address for one in watch) or self._watched
        return receipts.Sight(self._hot(), self._watched, self._keys.knows)

    def transfers(self, cursor: str, watch: Sequence[Watched], depth: int) -> Page:
        receipts.check_seed(self._keys, watch)
        return super().transfers(cursor, watch, depth)

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

    def demand_pays(self, prepared: Prepared, wanted: Sequence[Payment]) -> Understood:
        with self._asking() as node:
            return payments.demand_pays(node, self._keys, self._facts.prefix, prepared, wanted)
