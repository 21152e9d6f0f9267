"""House-keeping: collect confirmed deposits, and bring what members' addresses hold into the hot account.

Nothing of it moves a member's money: a confirmed send to us is ours already, collected or not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from adapters.banano.blocks import ZERO, Blob, Head, read_blob, receiving, sending
from adapters.banano.keys import HOT, Keyring
from adapters.banano.node import Node
from adapters.banano.options import BananoOptions
from adapters.banano.payments import Waiting, finish, head_of
from adapters.banano.work import Worker
from adapters.base import NodeDown, Prepared, Tried, Watched

Candidate = tuple[int, str]  # number of our account; the send it may collect, or "" to empty it into the hot account


class Pocketing:
    """One chore at a time. What it remembers between two is only where to look first."""

    def __init__(self, node: Node, keys: Keyring, worker: Worker, options: BananoOptions) -> None:
        self._node = node
        self._keys = keys
        self._worker = worker
        self._options = options
        self._candidates: deque[Candidate] = deque()

    def next(self, watch: Sequence[Watched], live: Sequence[Tried]) -> Prepared | None:
        if not self._candidates:
            self._candidates = self._look(watch)
        blobs = [read_blob(tried.prepared) for tried in live]
        busy = {blob.block.link for blob in blobs if not blob.sends}
        while self._candidates:
            made = self._try(*self._candidates.popleft(), busy, live)
            if made is not None:
                return made
        self._work_ahead(live)
        return None

    def _try(self, number: int, send: str, busy: set[str], live: Sequence[Tried]) -> Prepared | None:
        try:
            return self._collect(number, send, busy, live) if send else self._sweep(number, live)
        except Waiting:
            return None  # one account that must wait holds up no other

    def _look(self, watch: Sequence[Watched]) -> deque[Candidate]:
        """First the hot account, then the richest deposits, then the addresses worth emptying."""
        numbers = {one.address: int(one.ref) for one in watch}
        hot = self._keys.address(HOT)
        listed = list(self._node.receivables([hot, *numbers], int(self._options.dust), confirmed=True))
        listed.sort(key=lambda one: (one[0] != hot, -one[2], one[1]))
        collect = [(HOT if address == hot else numbers[address], send) for address, send, _, _ in listed]
        held = self._node.balances(list(numbers)) if numbers else {}
        full = [(numbers[address], "") for address, held in held.items() if held >= int(self._options.sweep_min)]
        return deque([*collect, *full])

    def _collect(self, number: int, send: str, busy: set[str], live: Sequence[Tried]) -> Prepared | None:
        """Looked at once more by its own block: only a confirmed send to this account, not yet collected."""
        account = self._keys.public(number)
        seen = self._node.blocks([send]).get(send)
        if seen is None or send in busy or not (seen.confirmed and seen.receivable and seen.destination == account):
            return None
        head = self._head(account, live)
        blob = Blob(receiving(head, send, seen.amount), seen.amount, False, head.path)
        return finish(blob, self._keys, self._worker, number, chore="collect")

    def _sweep(self, number: int, live: Sequence[Tried]) -> Prepared | None:
        head = self._head(self._keys.public(number), live)
        if head.previous == ZERO or head.balance < int(self._options.sweep_min):
            return None
        blob = Blob(sending(head, self._keys.hot, head.balance), head.balance, True, head.path)
        return finish(blob, self._keys, self._worker, number, chore="sweep")

    def _head(self, account: str, live: Sequence[Tried]) -> Head:
        return head_of(self._node, account, live, self._node.key(self._options.voter))

    def _work_ahead(self, live: Sequence[Tried]) -> None:
        """Nothing else to do: have the work of the next payment ready."""
        try:
            head = self._head(self._keys.hot, live)
        except NodeDown:
            return
        if head.previous != ZERO:
            self._worker.prepare_for(bytes.fromhex(head.previous))
