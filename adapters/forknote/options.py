from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from adapters.base import option
from wallets_site.base import net

HEX64 = re.compile(r"[0-9a-f]{64}")
HIGHEST = 2**63 - 1  # walletd reads a larger number as this one
HIGHEST_MIXIN = 65_535  # a camelCase walletd cuts a larger one to 16 bits without a word
AUTO, SNAKE, CAMEL = "auto", "snake", "camel"
ADDRESSES, PAYMENT_ID = "addresses", "payment_id"


@dataclass(frozen=True)
class ForknoteOptions:
    """How to reach one walletd and what its coin looks like. Amounts are atomic units, as text."""

    url: str = option(help="Address of walletd, e.g. http://127.0.0.1:8070")
    user: str = option("", help="HTTP user, where walletd asks for one (Karbo)")
    password: str = option("", help="HTTP password, where walletd asks for one (Karbo)", secret=True)
    json_password: str = option("", help="rpc-password of walletd (TurtleCoin)", secret=True)
    dialect: str = option(
        AUTO, help="snake: up to Forknote 1.0.8.3; camel: later; auto: ask", choices=(AUTO, SNAKE, CAMEL)
    )
    daemon_url: str = option("", help="RPC of the coin daemon, e.g. http://127.0.0.1:8081; the snake dialect needs it")
    network: str = option("main", help="Name of the network; on main walletd must have peers", choices=("main", "test"))
    genesis: str = option("", help="Hash of block 0; when given, another chain closes the wallet")
    hot_address: str = option("", help="First address of the wallet, where change goes; when given, it is checked")
    address_prefix: int = option(6, help="CRYPTONOTE_PUBLIC_ADDRESS_BASE58_PREFIX of the coin; Bytecoin has 6")
    decimals: int = option(8, help="Decimal places of the coin")
    scheme: str = option("forknote", help="Scheme of payment links, e.g. bytecoin")
    block_seconds: int = option(120, help="Seconds between blocks")
    fee: str = option(
        "1000000", help="Network fee of one payment, atomic units; empty: what walletd says is its minimum"
    )
    mixin: int = option(0, help="Outputs of others mixed in with each of ours, 0 to 65535")
    lowest_mixin: int = option(-1, help="When the chain is too thin for it, pay with this one; -1: refuse instead")
    max_batch: int = option(10, help="How many payments one transaction may carry")
    receive: str = option(
        ADDRESSES, help="An address for each user, or one for all with payment ids", choices=(ADDRESSES, PAYMENT_ID)
    )
    verified_addresses: int = option(
        1, help="Snake dialect: addresses known to be in the wallet file (manage.py forknote_addresses sets it)"
    )
    addresses_ahead: int = option(0, help="Snake dialect: keep this many more made, to be verified at the next restart")
    fusion_threshold: str = option(
        "", help="camelCase: join outputs below this many atomic units while nothing is to be paid; empty: never"
    )
    fusion_outputs: int = option(50, help="camelCase: join them once so many outputs can be joined")
    quiet_seconds: int = option(
        60,
        help="A payment whose answer was lost is relayed again (camel), or counts as not made if it left no trace "
        "(snake), only after so many seconds",
    )

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value: Any = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}")
        for name, known in _CHOICES:
            if getattr(self, name) not in known:
                raise ImproperlyConfigured(f"{name} must be one of {', '.join(known)}")
        if self.lowest_mixin > self.mixin:
            raise ImproperlyConfigured("lowest_mixin must not be above mixin")
        threshold = self.fusion_threshold
        if threshold and not (re.fullmatch(r"[0-9]{1,19}", threshold) and 0 < int(threshold) <= HIGHEST):
            raise ImproperlyConfigured("fusion_threshold must be a whole number of atomic units above zero, or empty")
        if self.fee and not (re.fullmatch(r"[0-9]{1,19}", self.fee) and 0 < int(self.fee) <= HIGHEST):
            raise ImproperlyConfigured("fee must be a whole number of atomic units above zero, or empty")
        if self.genesis and not HEX64.fullmatch(self.genesis):
            raise ImproperlyConfigured("genesis must be the 64 hex digits of a block hash")
        if not re.fullmatch(r"[a-z][a-z0-9+.-]{0,19}", self.scheme):
            raise ImproperlyConfigured("scheme must be small letters and digits, beginning with a letter")
        for url in filter(None, (self.url, self.daemon_url)):
            self._check_private(url)

    def _check_private(self, url: str) -> None:
        """Whoever reaches walletd can spend: without TLS or a login it must not be on the public internet."""
        try:
            host = urlsplit(url).hostname or ""
            public = net.is_public(host)
        except ValueError:
            return  # a name: what it means is the business of the machine's resolver
        if public and not self.user and not url.startswith("https:"):
            raise ImproperlyConfigured("walletd on a public address needs https or a user and password")

    def mixins(self) -> tuple[int, ...]:
        """In the order to try them: a lower one only where a manager allowed it."""
        return (self.mixin,) if self.lowest_mixin in (-1, self.mixin) else (self.mixin, self.lowest_mixin)


_RANGES = (
    ("address_prefix", 0, 2**63 - 1),
    ("decimals", 0, 18),
    ("block_seconds", 1, 86_400),
    ("mixin", 0, HIGHEST_MIXIN),
    ("lowest_mixin", -1, HIGHEST_MIXIN),
    ("max_batch", 1, 100),
    ("verified_addresses", 0, 10_000_000),
    ("addresses_ahead", 0, 100_000),
    ("quiet_seconds", 0, 86_400),
    ("fusion_outputs", 2, 100_000),
)
_CHOICES = (
    ("dialect", (AUTO, SNAKE, CAMEL)),
    ("network", ("main", "test")),
    ("receive", (ADDRESSES, PAYMENT_ID)),
)
