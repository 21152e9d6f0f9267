"""Monero and its forks, by monerod and monero-wallet-rpc.

Calls of monero-wallet-rpc: get_version, get_address, get_height, refresh, store, create_address,
get_address_index, get_balance, get_transfers, get_transfer_by_txid, incoming_transfers, transfer and sweep_all
(both only with do_not_relay), relay_tx, freeze, thaw, make_integrated_address, get_tx_key; for the signer alone
query_key (the view key). Of monerod: get_info, get_fee_estimate, /get_transactions, /is_key_image_spent. Tried on
release 0.18.0.

The wallet belongs to this site alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from adapters.base import (
    AddressRequest,
    CheckedAddress,
    CoinAdapter,
    ExtraWords,
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
    NodeRefused,
    NotEnoughFunds,
    Page,
    Payment,
    Prepared,
    Proof,
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
from adapters.monero import addresses, codes, explorer, fate, guide, payments, receipts, understanding
from adapters.monero.node import Node
from adapters.monero.options import LEVELS, MoneroOptions
from adapters.readings import EXPLORE_SECONDS
from adapters.rpc import Reply, RpcError, hex_text

__all__ = ["Monero", "MoneroOptions"]

_TXID = re.compile(r"[0-9a-f]{64}")
MOST_SKIPPED = 200  # subaddresses that one request may leave out; a wallet looks that far ahead by itself
MOST_AT_ONCE = 64  # subaddresses of one create_address: the wallet refuses more (-1, seen on 0.18)
LOCK_BLOCKS = 10  # until a received coin or change may be spent


class Monero(CoinAdapter):
    kind: ClassVar[str] = "monero"
    title: ClassVar[str] = "Monero and its forks"
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.MEMO, Feature.LABEL, Feature.FEE_LEVELS, Feature.PROOF})
    levels: ClassVar[tuple[str, ...]] = tuple(LEVELS)[1:]
    Options: ClassVar[type[MoneroOptions]] = MoneroOptions
    options: MoneroOptions

    def __init__(self, options: MoneroOptions) -> None:
        super().__init__(options)
        self._coin = options.coin_facts()
        self._network = options.network
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

    # -- the node --

    def health(self) -> Health:
        try:
            with self._in_time() as node:
                return self._health(node)
        except NodeDown as error:
            return Health(ok=False, reason=str(error))

    def _health(self, node: Node) -> Health:
        number = node.ask("get_version").whole("version")
        version = f"monero-wallet-rpc {number >> 16}.{number & 0xFFFF}"
        if number < self.options.oldest():
            oldest = self.options.oldest_version
            return Health(ok=False, reason=f"{version} is too old: this site needs {oldest} or later.", version=version)
        info = node.chain()
        reason = node.unready(info) or self._wrong_wallet(node.primary_address())
        # A wallet that cannot tell its height has no daemon or no wallet file.
        node.ask("get_height")
        syncing = info.flag("busy_syncing", False) or info.whole("height") < info.whole("target_height", 0)
        return Health(
            ok=not reason,
            reason=reason,
            version=f"{version}, monerod {info.text('version', 'of unknown version')[:40]}",
            network=self._network if not reason else info.text("nettype")[:20],
            height=info.whole("height") - 1,
            synced=info.flag("synchronized") and not syncing,
        )

    def _wrong_wallet(self, primary: str) -> str:
        try:
            self.check_address(primary)
        except InvalidAddress:
            return "The wallet belongs to another network or coin than the one configured here."
        if self.options.address not in ("", primary):
            return "Another wallet is open than the one whose primary address is configured here."
        return ""

    def funds(self, watch: Sequence[Watched]) -> Funds:
        """total counts unconfirmed receipts and change. The sums over subaddresses are the wallet's, not members'."""
        with self._in_time() as node:
            node.refresh()
            total, unlocked = node.balance()
        return Funds(total=total, spendable=unlocked, locked=total - unlocked)

    def ready_outputs(self) -> int:
        """A payment locks its change for ten blocks, so this is about how many transactions may leave until then."""
        with self._in_time() as node:
            return sum(one.unlocked and not one.frozen for one in node.outputs())

    # -- addresses --

    def new_address(self, request: AddressRequest) -> NewAddress:
        """A subaddress; with a memo of 16 hex digits, or by the option, an integrated address instead."""
        with self._in_time() as node:
            if request.memo or self.options.integrated:
                return self._new_integrated(node, request.memo)
            made = self._new_subaddress(node, request)
            # A wallet that dies without `store` hands the same subaddress out again.
            node.store()
        return made

    def _new_integrated(self, node: Node, payment_id: str) -> NewAddress:
        reason = addresses.refused_id(payment_id) if payment_id else ""
        if reason:
            raise NodeRefused(reason)
        made = node.ask("make_integrated_address", {"payment_id": payment_id} if payment_id else {})
        extra = hex_text(made.text("payment_id"), "payment_id", 16)
        return NewAddress(self._own(made.text("integrated_address")), ref=extra, extra=extra)

    def _new_subaddress(self, node: Node, request: AddressRequest) -> NewAddress:
        params = {"account_index": self.options.account, "label": request.label or f"wallets:{request.number}"}
        made = node.ask("create_address", params)
        # A wallet older than our counter (restored from a backup or its seed) would repeat itself: skip ahead.
        missing = min(request.number - made.whole("address_index"), MOST_SKIPPED)
        for done in range(0, missing, MOST_AT_ONCE):
            count = min(missing - done, MOST_AT_ONCE)
            made = node.ask("create_address", {**params, "count": count}, read_seconds=60)
        address, minor = self._last(made)
        return NewAddress(self._own(address), ref=str(minor))

    def _last(self, made: Reply) -> tuple[str, int]:
        """The highest of the subaddresses of one answer."""
        numbers, texts = made.wholes("address_indices"), made.texts("addresses")
        if not numbers or len(numbers) != len(texts):
            raise NodeDown("create_address: unexpected answer")
        return texts[-1], numbers[-1]

    def _own(self, address: str) -> str:
        try:
            return self.check_address(address).address
        except InvalidAddress:
            raise NodeDown("The wallet gave an address of another coin or network than this wallet's.") from None

    def check_address(self, text: str) -> CheckedAddress:
        return addresses.check(text, self._coin, self._network)

    @classmethod
    def extra_words(cls) -> ExtraWords | None:
        return addresses.extra_words()

    def check_extra(self, text: str) -> str:
        reason = addresses.refused_id(text)
        if reason:
            raise InvalidAddress(reason)
        return text.lower()

    def is_ours(self, address: str) -> bool:
        standard = addresses.without_id(address, self._coin, self._network)
        try:
            with self._in_time() as node:
                node.try_wallet("get_address_index", {"address": standard})
        except RpcError as error:
            if error.code == codes.WRONG_ADDRESS:
                return False
            raise codes.down(error) from None
        return True

    def uri(self, address: str, amount: int | None, *, label: str = "") -> str:
        return addresses.link(self._coin, address, amount, label)

    # -- what moved --

    def transfers(self, cursor: str, watch: Sequence[Watched], depth: int) -> Page:
        with self._in_time() as node:
            return receipts.page(node, self.options, self._coin, cursor, depth)

    def transfer(self, txid: str) -> tuple[Found, ...]:
        if not _TXID.fullmatch(txid):
            return ()
        with self._in_time() as node:
            return receipts.transaction(node, self._coin, self._network, txid)

    def hint(self, kind: str, message: str, body: bytes) -> Hint | None:
        """tx-notify calls with a txid, block-notify with a block hash."""
        if not _TXID.fullmatch(message) or kind not in ("wallet", "block"):
            return None
        return Hint(message if kind == "wallet" else "")

    # -- payments --

    def quote(self, payment: Payment) -> Quote:
        level = payment.level or self.options.level
        if level not in LEVELS:
            raise NodeRefused("This fee level does not exist.")
        with self._in_time() as node:
            fee = node.fee_per_byte(LEVELS[level]) * payments.USUAL_WEIGHT
            total, unlocked = node.balance()
        minutes = max(1, LOCK_BLOCKS * self.options.block_seconds // 60)
        wait = _("one block to arrive, %(blocks)s blocks (about %(minutes)s minutes) until it can be spent")
        wait %= {"blocks": LOCK_BLOCKS, "minutes": minutes}
        return Quote(fee, wait=wait, warnings=_warnings(payment.amount + fee, total, unlocked, minutes))

    def prepare(self, payments_: Sequence[Payment], live: Sequence[Tried]) -> Prepared:
        with self._in_time() as node:
            try:
                return payments.prepare(node, self.options, self._coin, payments_, live)
            except NotEnoughFunds:
                node.thaw_strays(payments.images_of(live))
                raise

    def chores(self, watch: Sequence[Watched], live: Sequence[Tried]) -> Prepared | None:
        with self._in_time() as node:
            return payments.chore(node, self.options, live)

    def demand_pays(self, prepared: Prepared, payments_: Sequence[Payment]) -> Understood:
        with self._in_time() as node:
            return understanding.demand_pays(node, self.options, self._coin, prepared, payments_)

    def broadcast(self, prepared: Prepared) -> SendResult:
        """Asks monerod first: relaying a payment that is mined already leaves a ghost in the wallet's balance."""
        try:
            with self._in_time() as node:
                blob = payments.Blob.read(prepared)
                if node.seen([blob.hash]):
                    return Sent(prepared.id, prepared.fee)
                answer = node.try_wallet("relay_tx", {"hex": blob.metadata}, read_seconds=60).text("tx_hash")
                with suppress(NodeError):  # it is sent; without this the wallet may forget its recipients and key
                    node.store()
        except RpcError as error:
            return (Refused if error.code in codes.RELAY_REFUSED else Unclear)(codes.sentence(error))
        except NodeError as error:
            return Unclear(str(error))
        if answer != prepared.id:
            return Unclear("The wallet answered with another transaction id.")
        return Sent(prepared.id, prepared.fee)

    def lookup(self, tried: Tried) -> LookupResult:
        with self._in_time() as node:
            return fate.look_up(node, tried, self.options.dead_after)

    def proof(self, tried: Tried) -> Proof | None:
        """The transaction key: with it and the recipient's address anybody can see what that address received."""
        try:
            key = payments.Blob.read(tried.prepared).tx_key or self._asked_key(tried.prepared.id)
        except NodeError:
            return None
        if not key:
            return None
        txid = tried.prepared.id
        text = _(
            "Give the recipient these two values together with the address you paid. In any Monero wallet the command "
            "“check_tx_key %(txid)s %(key)s ADDRESS” then shows what that address received."
        ) % {"txid": txid, "key": key}
        return Proof(text, {"txid": txid, "tx_key": key})

    def _asked_key(self, txid: str) -> str:
        with self._in_time() as node:
            return node.ask("get_tx_key", {"txid": txid}).text("tx_key")

    def readings(self) -> tuple[Reading, ...]:
        return explorer.READS

    def _read(self, reading: Reading, params: dict[str, Any]) -> Any:
        with self._node.within(EXPLORE_SECONDS):
            return explorer.read(self._node, reading, params)

    @classmethod
    def setup_steps(cls) -> tuple[str, ...]:
        return guide.steps()

    def setup_lines(self, notify_url: str) -> str:
        """notify_url may hold {kind} and %s. Monero runs these programs without a shell: absolute path, no quotes."""
        wallet, block = (_hook(notify_url, kind) for kind in ("wallet", "block"))
        return "\n".join(
            [
                "# in the configuration file of monero-wallet-rpc",
                "trusted-daemon=1",
                f"tx-notify={wallet}",
                "# in the configuration file of monerod",
                f"block-notify={block}",
            ]
        )


def _hook(notify_url: str, kind: str) -> str:
    url = notify_url if "{kind}" in notify_url else f"{notify_url.removesuffix('/%s').rstrip('/')}/{{kind}}"
    url = url.replace("{kind}", kind).removesuffix("/%s").rstrip("/")
    return f"/usr/bin/curl -sS -m 5 -o /dev/null {url}/%s"


def _warnings(needed: int, total: int, unlocked: int, minutes: int) -> tuple[str, ...]:
    if unlocked >= needed:
        return ()
    if total >= needed:
        return (f"The hot wallet's coins are locked just now: this will leave in about {minutes} minutes.",)
    return ("The hot wallet does not hold this much now: it must be filled first.",)
