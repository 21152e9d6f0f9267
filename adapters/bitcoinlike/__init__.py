"""Bitcoin and its relatives: Litecoin and others by configuration.

The node must speak the RPC of Bitcoin Core 0.19 or later; health() says so of one that does not, as
Dogecoin Core 1.14.

Calls used: getblockchaininfo, getnetworkinfo, getwalletinfo, getbalances, getnewaddress, getaddressinfo,
listsinceblock, gettransaction, getblockhash, getblockheader, estimatesmartfee, getmempoolinfo,
listlockunspent, lockunspent, createrawtransaction, fundrawtransaction, signrawtransactionwithwallet,
decoderawtransaction, testmempoolaccept, sendrawtransaction, getmempoolentry, gettxout, getrawtransaction,
listunspent, getrawchangeaddress, walletpassphrase, walletlock. Tried on litecoind 0.21.2.

The node's wallet belongs to this site alone: before each payment every coin lock that is not ours is freed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django.utils.translation import gettext as _

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
    NodeError,
    Page,
    Payment,
    Prepared,
    Quote,
    Reading,
    Refused,
    SendResult,
    Sent,
    Tried,
    Unclear,
    Understood,
    Watched,
)
from adapters.bitcoinlike import addresses, codes, explorer, fate, guide, payments, receipts, understanding
from adapters.bitcoinlike.coins import DECIMALS
from adapters.bitcoinlike.node import Node
from adapters.bitcoinlike.options import LEVELS, BitcoinOptions
from adapters.readings import EXPLORE_SECONDS
from adapters.rpc import Reply, RpcError, replies

__all__ = ["BitcoinLike", "BitcoinOptions"]

_TXID = re.compile(r"[0-9a-f]{64}")


class BitcoinLike(CoinAdapter):
    kind: ClassVar[str] = "bitcoinlike"
    title: ClassVar[str] = "Bitcoin, Litecoin and relatives"
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.LABEL, Feature.FEE_LEVELS})
    levels: ClassVar[tuple[str, ...]] = LEVELS
    Options: ClassVar[type[BitcoinOptions]] = BitcoinOptions
    options: BitcoinOptions

    def __init__(self, options: BitcoinOptions) -> None:
        super().__init__(options)
        self._coin = options.coin_facts()
        self._node = Node(options)

    @property
    def max_batch(self) -> int:
        return self.options.max_batch

    def close(self) -> None:
        self._node.close()

    @contextmanager
    def _in_time(self) -> Iterator[Node]:
        with self._node.within(self.longest_call - 5):
            yield self._node

    def health(self) -> Health:
        try:
            with self._in_time() as node:
                return self._health(node)
        except NodeDown as error:
            return Health(ok=False, reason=str(error))

    def _health(self, node: Node) -> Health:
        chain = node.chain()
        reason = node.unready(chain)
        version = Reply(node.ask("getnetworkinfo"), "getnetworkinfo").text("subversion")[:60].strip("/")
        wallet = Reply(node.ask_wallet("getwalletinfo"), "getwalletinfo")
        node.ask_wallet("getbalances")  # a node too old for it lacks the other calls we need too
        asleep = wallet.whole("unlocked_until", 1) == 0 and not self.options.passphrase_file
        height, headers = chain.whole("blocks"), chain.whole("headers")
        return Health(
            ok=not reason,
            reason=reason,
            version=version,
            network=chain.text("chain"),
            height=height,
            synced=not chain.flag("initialblockdownload") and height >= headers,
            locked=asleep or not wallet.flag("private_keys_enabled", True),
        )

    def funds(self, watch: Sequence[Watched]) -> Funds:
        """total counts unconfirmed receipts and immature block rewards too."""
        with self._in_time() as node:
            node.ready()
            mine = Reply(node.ask_wallet("getbalances"), "getbalances").part("mine")
        spendable = mine.amount("trusted", DECIMALS)
        waiting = mine.amount("untrusted_pending", DECIMALS) + mine.amount("immature", DECIMALS)
        return Funds(total=spendable + waiting, spendable=spendable, locked=waiting)

    def ready_outputs(self) -> int:
        with self._in_time() as node:
            held = replies(node.ask_wallet("listunspent", 1), "listunspent")
        return sum(part.flag("spendable") for part in held)

    def new_address(self, request: AddressRequest) -> NewAddress:
        label = request.label or f"wallets:{request.number}"
        with self._in_time() as node:
            made = self._take_address(node, label)
        try:
            address = self.check_address(made if isinstance(made, str) else "").address
        except InvalidAddress:
            raise NodeDown("The node gave an address of another coin or network than this wallet's.") from None
        return NewAddress(address, ref=address)

    def _take_address(self, node: Node, label: str) -> object:
        try:
            return node.try_wallet("getnewaddress", label, self.options.address_type)
        except RpcError as error:
            if error.code != codes.KEYPOOL_EMPTY or not self.options.passphrase_file:
                raise codes.down(error) from None
        with node.unlocked():  # an encrypted wallet makes new keys only while it is open
            return node.ask_wallet("getnewaddress", label, self.options.address_type)

    def check_address(self, text: str) -> CheckedAddress:
        return addresses.check(text, self._coin, self.options.network)

    def is_ours(self, address: str) -> bool:
        with self._in_time() as node:
            node.ready()
            info = node.address_info(address)
        return info is not None and info.flag("ismine")

    def transfers(self, cursor: str, watch: Sequence[Watched], depth: int) -> Page:
        with self._in_time() as node:
            return receipts.page(node, cursor, depth)

    def transfer(self, txid: str) -> tuple[Found, ...]:
        if not _TXID.fullmatch(txid):
            return ()
        with self._in_time() as node:
            node.ready()
            return receipts.transaction(node, txid)

    def hint(self, kind: str, message: str, body: bytes) -> Hint | None:
        """walletnotify calls with a txid, blocknotify with a block hash. The body names the wallet: every wallet of a
        node calls, and that of the payer before ours knows anything (seen on litecoind 0.21)."""
        if not _TXID.fullmatch(message) or kind not in ("wallet", "block"):
            return None
        name = body.decode(errors="replace").strip()
        if kind == "wallet" and self.options.wallet and name not in ("", "%w", self.options.wallet):
            return None
        return Hint(message if kind == "wallet" else "")

    def quote(self, payment: Payment) -> Quote:
        level = payments.level_of([payment])
        with self._in_time() as node:
            node.ready()
            fee = node.fee_rate(level) * payments.usual_size(self.options)
        spendable = self.funds(()).spendable
        short = ("The hot wallet does not hold this much now: it must be filled first.",)
        return Quote(fee, wait=self._wait(level), warnings=() if spendable >= payment.amount + fee else short)

    def _wait(self, level: str) -> str:
        minutes = max(1, self.options.target(level) * self._coin.block_seconds // 60)
        if minutes < 120:
            return _("about %(number)s minutes") % {"number": minutes}
        return _("about %(number)s hours") % {"number": minutes // 60}

    def prepare(self, payments_: Sequence[Payment], live: Sequence[Tried]) -> Prepared:
        with self._in_time() as node:
            return payments.prepare(node, self.options, payments_, live)

    def chores(self, watch: Sequence[Watched], live: Sequence[Tried]) -> Prepared | None:
        with self._in_time() as node:
            return payments.consolidate(node, self.options, live)

    def broadcast(self, prepared: Prepared) -> SendResult:
        try:
            with self._in_time() as node:
                raw = payments.Blob.read(prepared.blob).raw
                answer = node.try_wallet("sendrawtransaction", raw, read_seconds=60)
        except RpcError as error:
            if error.code in codes.SENT:
                return Sent(prepared.id, prepared.fee)
            return (Refused if error.code in codes.REFUSED else Unclear)(codes.sentence(error))
        except NodeError as error:
            return Unclear(str(error))
        if answer != prepared.id:
            return Unclear("The node answered with another transaction id.")
        return Sent(prepared.id, prepared.fee)

    def lookup(self, tried: Tried) -> LookupResult:
        with self._in_time() as node:
            return fate.look_up(node, tried, self.options.dead_after)

    def demand_pays(self, prepared: Prepared, payments_: Sequence[Payment]) -> Understood:
        with self._in_time() as node:
            return understanding.demand_pays(node, self.options, prepared, payments_)

    def uri(self, address: str, amount: int | None, *, label: str = "") -> str:
        return addresses.link(self._coin, address, amount, label)

    def readings(self) -> tuple[Reading, ...]:
        return explorer.READS

    def _read(self, reading: Reading, params: dict[str, Any]) -> Any:
        with self._node.within(EXPLORE_SECONDS):
            return explorer.read(self._node, reading, params)

    @classmethod
    def setup_steps(cls) -> tuple[str, ...]:
        return guide.steps()

    def setup_lines(self, notify_url: str) -> str:
        """notify_url may hold {kind}; else the kind and the hash are appended as path parts."""
        lines = ["server=1"]
        for kind in ("wallet", "block"):
            url = notify_url if "{kind}" in notify_url else f"{notify_url.rstrip('/')}/{{kind}}"
            # The node itself puts quotes around the name of its wallet; programs before 0.20 leave %w as it stands.
            more = "-H 'Content-Type: text/plain' -d %w " if kind == "wallet" else ""
            address = url.replace("{kind}", kind).rstrip("/")
            lines.append(f"{kind}notify=curl -sS -m 5 -o /dev/null {more}'{address}/%s'")
        return "\n".join(lines)
