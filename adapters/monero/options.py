from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from adapters.base import option
from adapters.monero.addresses import MONERO, Coin, Prefixes

MOST_OUTPUTS = 15  # monero-wallet-rpc 0.18 refuses a transaction with 16 destinations (-18)
# The caller's names of the four fee levels and their numbers in wallet2; "" lets the wallet choose.
LEVELS = {"": 0, "unimportant": 1, "normal": 2, "elevated": 3, "priority": 4}


@dataclass(frozen=True)
class MoneroOptions:
    """How to reach monerod and monero-wallet-rpc, and what the coin looks like. Amounts: atomic units."""

    wallet_url: str = option(help="Address of monero-wallet-rpc, e.g. http://127.0.0.1:18082")
    daemon_url: str = option(
        help="Address of monerod's RPC, e.g. http://127.0.0.1:18081; the same daemon the wallet uses"
    )
    user: str = option("", help="User name of monero-wallet-rpc's --rpc-login; empty with --disable-rpc-login")
    password: str = option("", help="Password of monero-wallet-rpc's --rpc-login", secret=True)
    daemon_user: str = option("", help="User name of monerod's --rpc-login; empty when it has none")
    daemon_password: str = option("", help="Password of monerod's --rpc-login", secret=True)
    network: str = option("main", help="Which network", choices=("main", "test", "stage", "regtest"))
    address: str = option("", help="Primary address of the wallet; when given, any other wallet is refused")
    account: int = option(0, help="Account of the wallet that this site uses")
    integrated: bool = option(False, help="Hand out integrated addresses instead of a subaddress for each member")
    level: str = option("", help="Fee level of payments that name none; empty: the wallet chooses", choices=[*LEVELS])
    max_fee: int = option(1_000_000_000_000, help="Never pay a higher network fee for one transaction")
    max_batch: int = option(MOST_OUTPUTS, help="How many payments one transaction may carry")
    dead_after: int = option(10, help="A conflicting transaction proves ours dead at this many confirmations")
    outputs_ready: int = option(
        10, help="Coins to hold ready by splitting large ones, so that payouts need not wait; 0: never"
    )
    split_least: int = option(100_000_000_000, help="Never split into coins smaller than this")
    join_at: int = option(150, help="Join small coins when there are more than this many ready; 0: never")
    scan_blocks: int = option(50_000, help="Blocks whose transfers are read in one step")
    oldest_version: str = option("1.25", help="Oldest version of the wallet RPC to work with")
    name: str = option("Monero", help="Name of the coin")
    scheme: str = option("monero", help="Scheme of payment links")
    decimals: int = option(12, help="Decimals of the coin")
    prefixes: str = option(
        "", help="Address prefixes of a fork: standard, integrated, subaddress; e.g. 4146,6810,12208"
    )
    block_seconds: int = option(120, help="Seconds between blocks")

    def __post_init__(self) -> None:
        if self.network not in ("main", "test", "stage", "regtest"):
            raise ImproperlyConfigured("network must be one of main, test, stage, regtest")
        if self.level not in LEVELS:
            raise ImproperlyConfigured(f"level must be empty or one of {', '.join(sorted(LEVELS)[1:])}")
        for name, low, high in _RANGES:
            value: Any = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}")
        self.coin_facts()
        self.oldest()

    def coin_facts(self) -> Coin:
        """Raises ImproperlyConfigured for prefixes that cannot be read."""
        networks = MONERO
        if self.prefixes:
            parts = [part.strip() for part in self.prefixes.split(",")]
            if len(parts) != 3 or not all(part.isdecimal() and len(part) < 10 for part in parts):
                raise ImproperlyConfigured("prefixes must be three numbers: standard, integrated, subaddress")
            standard, integrated, subaddress = map(int, parts)
            networks = {self.network: Prefixes(standard, integrated, subaddress)}
        return Coin(self.name, self.scheme, self.decimals, networks)

    def oldest(self) -> int:
        """The oldest version as get_version gives it: major << 16 | minor."""
        major, dot, minor = self.oldest_version.partition(".")
        if not dot or not (major + minor).isdecimal():
            raise ImproperlyConfigured("oldest_version must look like 1.25")
        return int(major) << 16 | int(minor)


_RANGES = (
    ("account", 0, 100_000),
    ("max_fee", 1, (1 << 64) - 1),
    ("max_batch", 1, MOST_OUTPUTS),
    ("dead_after", 1, 1000),
    ("outputs_ready", 0, 200),
    ("split_least", 1, (1 << 64) - 1),
    ("join_at", 0, 100_000),
    ("scan_blocks", 1, 10_000_000),
    ("decimals", 0, 24),
    ("block_seconds", 1, 86_400),
)
