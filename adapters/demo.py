"""A simulated coin: real flows, make-believe money. The chain itself is demo_chain.py.

The switches among its options let a manager watch every state a real node can cause.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from adapters import links
from adapters.base import (
    Absent,
    AddressRequest,
    CheckedAddress,
    CoinAdapter,
    Confirmed,
    Dead,
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
    NotEnoughFunds,
    Page,
    Payment,
    Pending,
    Prepared,
    Quote,
    Refused,
    SendResult,
    Sent,
    Tried,
    Unclear,
    Understood,
    Unknown,
    Watched,
    option,
)
from adapters.codecs import bech32
from adapters.demo_chain import Banned, DemoChain, NotEnough, Tx
from adapters.rpc import coins
from adapters.understanding import OTHER, demand_same
from wallets_site.base import net

BLOB_VERSION = 1
SLOW = 60  # how many times longer a slow block takes
NOTIFY_SECONDS = 3
_TXID = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"[a-z][a-z0-9]{0,19}")


@dataclass(frozen=True)
class DemoOptions:
    """Amounts are atomic units, as whole numbers or text."""

    chain_file: str = option(help="File that holds the simulated chain; one per wallet")
    decimals: int = option(8, help="Decimal places of the coin")
    block_seconds: int = option(5, help="Seconds between blocks")
    faucet_seconds: int = option(4, help="Seconds until an address in use gets a gift; 0: no gift")
    faucet_amount: str = option("100000000", help="The gift, atomic units")
    fee: str = option("1000", help="Network fee of one payment, atomic units")
    network: str = option("demo", help="Name of the network")
    prefix: str = option("demo", help="What addresses begin with: small letters and digits")
    max_batch: int = option(10, help="How many payments one transaction may carry")
    notify_url: str = option("", help="Called when the faucet pays, as a real node calls its walletnotify")
    slow_block: bool = option(False, help="Switch: blocks take 60 times longer")
    refuse_sends: bool = option(False, help="Switch: the network refuses every payment")
    unclear_sends: bool = option(False, help="Switch: payments are made but the answer is lost")
    lose_sends: bool = option(False, help="Switch: the answer is lost and nothing was paid")
    outage: bool = option(False, help="Switch: the node does not answer")

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise ImproperlyConfigured("prefix must be 1 to 20 small letters and digits, beginning with a letter")
        for name in ("block_seconds", "max_batch"):
            if getattr(self, name) < 1:
                raise ImproperlyConfigured(f"{name} must be at least 1")
        for name in ("faucet_amount", "fee"):
            if not re.fullmatch(r"[0-9]{1,50}", str(getattr(self, name))):
                raise ImproperlyConfigured(f"{name} must be a whole number of atomic units")


# What a fee level costs, in halves of the usual fee.
FACTORS: Final = {"slow": 1, "normal": 2, "fast": 6}


class Demo(CoinAdapter):
    kind: ClassVar[str] = "demo"
    title: ClassVar[str] = "Simulated coin, for trying things out"
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.FAUCET})
    levels: ClassVar[tuple[str, ...]] = tuple(FACTORS)
    longest_call: ClassVar[int] = 30
    Options: ClassVar[type[DemoOptions]] = DemoOptions
    options: DemoOptions

    def __init__(self, options: DemoOptions) -> None:
        super().__init__(options)
        self._fee = int(options.fee)
        self._opened: DemoChain | None = None

    @property
    def chain(self) -> DemoChain:
        """The model itself, for tests and for playing the outside world."""
        if self._opened is None:
            pace = self.options.block_seconds * (SLOW if self.options.slow_block else 1)
            self._opened = DemoChain(self.options.chain_file, pace)
        return self._opened

    @property
    def max_batch(self) -> int:
        return self.options.max_batch

    def _node(self) -> DemoChain:
        if self.options.outage:
            raise NodeDown("The simulated node is switched off.")
        return self.chain

    def health(self) -> Health:
        try:
            height = self._node().height()
        except NodeDown as error:
            return Health(ok=False, reason=str(error))
        return Health(ok=True, version="simulated", network=self.options.network, height=height)

    def funds(self, watch: Sequence[Watched]) -> Funds:
        total, confirmed = self._node().balance()
        return Funds(total=total, spendable=max(0, min(total, confirmed)))

    def new_address(self, request: AddressRequest) -> NewAddress:
        chain = self._node()
        address = encode_address(self.options.prefix, chain.new_address(request.number))
        chain.adopt(address)
        return NewAddress(address, ref=str(request.number))

    def check_address(self, text: str) -> CheckedAddress:
        text, asked = text.strip(), None
        if ":" in text:
            text, fields = links.read(text, (self.options.prefix,), "payment")
            asked = links.amount(fields["amount"], self.options.decimals) if fields.get("amount") else None
        try:
            prefix, values, form = bech32.decode(text)
            data = bech32.to_bytes(values)
        except ValueError as error:
            raise InvalidAddress(f"This is not an address of this coin ({error}). Copy it again, whole.") from None
        if prefix != self.options.prefix:
            raise InvalidAddress(
                f"This address is on the network {prefix!r}; this wallet is on the network {self.options.prefix!r}."
            )
        if form != "bech32m" or len(data) != 20:
            raise InvalidAddress("This is not an address of this coin (wrong length). Copy it again, whole.")
        return CheckedAddress(text.lower(), network=self.options.network, amount=asked)

    def is_ours(self, address: str) -> bool:
        return self._node().owns(address)

    def transfers(self, cursor: str, watch: Sequence[Watched], depth: int) -> Page:
        """The cursor is a height: some blocks below the one that has `depth` confirmations, for a margin."""
        self._welcome(watch)
        start = int(cursor) if cursor.isdecimal() else 0
        changed, height = self._node().since(start)
        found = tuple(entry for tx in changed for entry in _found(tx))
        return Page(found, str(max(start, height - max(1, depth) - 2)))

    def _welcome(self, watch: Sequence[Watched]) -> None:
        """The faucet pays addresses in somebody's hands, not those that wait in a pool."""
        if self.options.faucet_seconds:
            gift = int(self.options.faucet_amount)
            self._node().welcome((one.address for one in watch), gift=gift, after=self.options.faucet_seconds)

    def transfer(self, txid: str) -> tuple[Found, ...]:
        tx = self._node().tx(txid)
        return tuple(_found(tx)) if tx is not None else ()

    def hint(self, kind: str, message: str, body: bytes) -> Hint | None:
        if kind not in ("wallet", "block") or not _TXID.fullmatch(message):
            return None
        return Hint(message if kind == "wallet" else "")

    def quote(self, payment: Payment) -> Quote:
        spendable, fee = self.funds(()).spendable, self._fee_of([payment])
        short = ("The hot wallet does not hold this much now: it must be filled first.",)
        warnings = () if spendable >= payment.amount + fee else short
        wait = _("about %(number)s seconds") % {"number": self.options.block_seconds}
        return Quote(fee, wait=wait, warnings=warnings)

    def _fee_of(self, payments: Sequence[Payment]) -> int:
        """One transaction pays for the highest level any of its payments asked for."""
        if not {one.level for one in payments} <= {"", *FACTORS}:
            raise NodeRefused("This fee level does not exist.")
        return self._fee * max(FACTORS[one.level or "normal"] for one in payments) // FACTORS["normal"]

    def prepare(self, payments: Sequence[Payment], live: Sequence[Tried]) -> Prepared:
        chain = self._node()
        for one in payments:
            if one.amount <= 0:
                raise NodeRefused("The amount must be above zero.", address=one.address)
        outputs = [(one.address, one.amount) for one in payments]
        fee = self._fee_of(payments)
        total = sum(amount for _address, amount in outputs) + fee
        promised = sum(_needs(tried.prepared) for tried in live if chain.tx(tried.prepared.id) is None)
        if self.funds(()).spendable - promised < total:
            raise NotEnoughFunds("The hot wallet cannot pay this now.")
        blob = json.dumps(
            {
                "v": BLOB_VERSION,
                "nonce": secrets.token_hex(16),
                "fee": str(fee),
                "outputs": [[address, str(amount)] for address, amount in outputs],
            }
        )
        txid = hashlib.sha256(blob.encode()).hexdigest()
        return Prepared(txid, blob, fee, slot=txid, payments=tuple(one.id for one in payments))

    def broadcast(self, prepared: Prepared) -> SendResult:
        if self.options.outage or self.options.lose_sends:
            return Unclear("The simulated node did not answer.")
        try:
            refusal = self._send(prepared)
        except NodeDown as error:
            return Unclear(str(error))
        if refusal:
            return Refused(refusal)
        if self.options.unclear_sends:
            return Unclear("The simulated node's answer was lost.")
        return Sent(prepared.id, prepared.fee)

    def _send(self, prepared: Prepared) -> str:
        """Why the network refuses, or nothing."""
        if self.options.refuse_sends:
            self.chain.ban(prepared.id)
        outputs, fee = _read_blob(prepared.blob)
        try:
            self.chain.pay(prepared.id, outputs, fee)
        except NotEnough:
            return "The simulated wallet does not hold this much."
        except Banned:
            return "The simulated network refuses this payment for good."
        return ""

    def lookup(self, tried: Tried) -> LookupResult:
        txid = tried.prepared.id
        try:
            chain = self._node()
            tx = chain.tx(txid)
            banned = chain.is_banned(txid)
        except NodeDown as error:
            return Unknown(str(error))
        if tx is None or tx.gone:
            return Dead("The simulated network refused it for good.") if banned else Absent()
        if tx.confirmations:
            return Confirmed(tx.confirmations, txid, tx.fee)
        return Pending(txid, tx.fee)

    def demand_pays(self, prepared: Prepared, payments: Sequence[Payment]) -> Understood:
        outputs, fee = _read_blob(prepared.blob)
        if hashlib.sha256(prepared.blob.encode()).hexdigest() != prepared.id or fee > self._fee_of(payments):
            raise NodeRefused(OTHER)
        demand_same(outputs, payments)
        return Understood(fee)

    def uri(self, address: str, amount: int | None, *, label: str = "") -> str:
        fields = []
        if amount is not None:
            text = coins(amount, self.options.decimals)
            fields.append(f"amount={text.rstrip('0').rstrip('.') if '.' in text else text}")
        if label:
            fields.append(f"label={quote(label, safe='')}")
        return f"{self.options.prefix}:{address}{'?' if fields else ''}{'&'.join(fields)}"

    def faucet(self, address: str, amount: int) -> str:
        chain = self._node()
        if not chain.owns(address):
            raise NodeRefused("The faucet pays only to addresses of this wallet.", address=address)
        if amount <= 0:
            raise NodeRefused("The amount must be above zero.", address=address)
        txid = chain.mint(address, amount)
        notify(self.options.notify_url, txid)
        return txid

    def setup_lines(self, notify_url: str) -> str:
        return "# A simulated node needs no setup."


def notify(url: str, txid: str) -> None:
    """As a daemon does: one call, and nobody cares whether it worked. url may hold {kind}; empty: no call."""
    if not url:
        return
    url = url if "{kind}" in url else f"{url.rstrip('/')}/{{kind}}"
    client = net.Client(largest=1 << 16)
    with contextlib.suppress(net.NetError), contextlib.closing(client):
        client.get(
            f"{url.replace('{kind}', 'wallet').rstrip('/')}/{txid}",
            read_seconds=NOTIFY_SECONDS,
            total_seconds=NOTIFY_SECONDS,
        )


def encode_address(prefix: str, data: bytes) -> str:
    """data: 20 bytes."""
    return bech32.encode(prefix, bech32.to_values(data), "bech32m")


def _found(tx: Tx) -> list[Found]:
    common: dict[str, Any] = {
        "txid": tx.txid,
        "confirmations": tx.confirmations,
        "gone": tx.gone,
        "height": tx.height or None,
        "at": tx.at,
    }
    found = []
    for one in tx.outputs:
        place: dict[str, Any] = {"output": str(one.number), "address": one.address, "amount": one.amount}
        if tx.ours:
            found.append(Found(incoming=False, fee=tx.fee, **place, **common))
        if one.received:
            found.append(Found(incoming=True, **place, **common))
    return found


def _read_blob(blob: str) -> tuple[list[tuple[str, int]], int]:
    try:
        data = json.loads(blob)
        if data["v"] != BLOB_VERSION:
            raise ValueError("version")
        return [(str(address), int(amount)) for address, amount in data["outputs"]], int(data["fee"])
    except (ValueError, TypeError, KeyError):
        raise NodeDown("The stored form of this payment cannot be read.") from None


def _needs(prepared: Prepared) -> int:
    outputs, fee = _read_blob(prepared.blob)
    return sum(amount for _, amount in outputs) + fee
