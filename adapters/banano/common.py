"""What both ways of holding a Banano wallet share: the node's health, addresses, deposits, links, looking things up."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from adapters import links
from adapters.banano import explorer, guide, receipts
from adapters.banano.blocks import ZERO
from adapters.banano.node import Node, is_name
from adapters.banano.options import Connection
from adapters.base import (
    CheckedAddress,
    CoinAdapter,
    Feature,
    Found,
    Funds,
    Health,
    Hint,
    InvalidAddress,
    NodeDown,
    Page,
    Payment,
    Quote,
    Reading,
    Watched,
)
from adapters.codecs import banano_crypto as crypto
from adapters.readings import EXPLORE_SECONDS

# Accounts nobody holds the key of: "burn" written in zeros, and the one Banano's players throw coins at.
BURNED = frozenset({ZERO, "2778A2509F2778A2E19556146B314A8000000000000000000000000000000000"})
LONGEST_HINT = 8192


class ReaderOptions(Connection, Protocol):
    @property
    def dust(self) -> str: ...
    @property
    def sweep_min(self) -> str: ...
    @property
    def max_backlog(self) -> int: ...
    @property
    def min_peers(self) -> int: ...


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


class Reader(CoinAdapter):
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.FINAL})
    tidies: ClassVar[bool] = True
    options: ReaderOptions

    def __init__(self, options: ReaderOptions) -> None:
        super().__init__(options)
        self._facts = options.facts
        self._node = Node(options)

    def close(self) -> None:
        self._node.close()

    @abstractmethod
    def _hot(self) -> str:
        """The address payments go from."""

    @abstractmethod
    def _sight(self, watch: Sequence[Watched]) -> receipts.Sight: ...

    @contextmanager
    def _asking(self) -> Iterator[Node]:
        """The node, on the right network, for as long as one call may last."""
        with self._node.within(self.longest_call - 5):
            self._node.check_network()
            yield self._node

    # -- the node --

    def health(self) -> Health:
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
        """total: what all our accounts hold and have not collected yet: confirmed deposits, and our own sweeps."""
        with self._asking() as node:
            hot = self._hot()
            addresses = [hot, *(one.address for one in watch)]
            held = node.balances(addresses)
            dust, ours = int(self.options.dust), set(addresses)
            waiting = {name: amount for _, name, amount, _ in node.receivables(addresses, dust, confirmed=True)}
            # `held` lacks what one account of ours has just sent to another, so that counts at once.
            for _, name, amount, sender in node.receivables(addresses, dust, confirmed=False):
                waiting |= {name: amount} if sender in ours else {}
            total = sum(held.values()) + sum(waiting.values())
        return Funds(total=total, spendable=held.get(hot, 0))

    # -- addresses and links --

    def check_address(self, text: str) -> CheckedAddress:
        text, fields = text.strip(), dict[str, str]()
        if ":" in text:
            text, fields = links.read(text, self._facts.schemes, self._facts.name)
        try:
            key = crypto.decode_address(self._facts.prefix, text)
        except crypto.BadAddress as error:
            raise InvalidAddress(self._why_not(text, str(error))) from None
        if key.hex().upper() in BURNED:
            raise InvalidAddress("Nobody holds the key of this address: coins sent there are lost for ever.")
        asked = links.amount(fields["amount"], 0) if fields.get("amount") else None
        return CheckedAddress(text, network=self.options.network, amount=asked, memo=fields.get("label", "")[:200])

    def _why_not(self, text: str, reason: str) -> str:
        for other in ("ban_", "nano_", "xrb_"):
            if text.startswith(other) and other != self._facts.prefix:
                return f"This address begins with {other}: it belongs to another network, not to this coin."
        return f"This is not an address of this coin: {reason}. Copy it again, whole."

    def uri(self, address: str, amount: int | None, *, label: str = "") -> str:
        """Amounts in payment links of this family are raw units (nano: URI scheme)."""
        fields = {"amount": "" if amount is None else str(amount), "label": label}
        return links.write(self._facts.scheme, address, fields)

    # -- what comes in --

    def transfers(self, cursor: str, watch: Sequence[Watched], depth: int) -> Page:
        """A confirmed block is final and counts as 1000 confirmations, an unconfirmed one as 0."""
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

    def quote(self, payment: Payment) -> Quote:
        spendable = self.funds(()).spendable
        short = ("The hot account does not hold this much now: it must be filled first.",)
        return Quote(0, wait=_("a few seconds"), warnings=() if spendable >= payment.amount else short)

    # -- for managers --

    def readings(self) -> tuple[Reading, ...]:
        return explorer.READS

    def _read(self, reading: Reading, params: dict[str, Any]) -> Any:
        with self._node.within(EXPLORE_SECONDS):
            return explorer.read(self._node, reading, params)

    @classmethod
    def setup_steps(cls) -> tuple[str, ...]:
        return guide.steps()

    def setup_lines(self, notify_url: str) -> str:
        """notify_url may hold {kind} and %s. The node's callback speaks plain http and adds nothing to the path."""
        parts = urlsplit(notify_url.replace("{kind}", "callback").replace("%s", "node"))
        return "\n".join(
            (
                f"# the hot account, address number 0: {self._hot()}",
                "# config-node.toml: tells this site of every confirmed block; polling works without it",
                "[node.httpcallback]",
                f'address = "{parts.hostname}"',
                f"port = {parts.port or 80}",
                f'target = "{parts.path}"',
                "# config-rpc.toml: the RPC has no password, so it must listen on this machine alone",
                'address = "::1"',
            )
        )
