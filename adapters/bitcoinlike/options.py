from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from adapters.base import option
from adapters.bitcoinlike.coins import COINS, Coin, Network

CUSTOM = "custom"
# sendrawtransaction of Bitcoin Core 0.19 and later refuses more than 0.10 coins per 1,000 vbytes.
HIGHEST_FEE_RATE = 10_000
LEVELS = ("slow", "normal", "fast")  # cheapest first; a payment that names none is a normal one
FAST_TARGET, SLOWER, LONGEST_TARGET = 2, 4, 1008


@dataclass(frozen=True)
class BitcoinOptions:
    """How to reach one node and what its coin looks like. Fee rates: atomic units per virtual byte."""

    url: str = option(help="Address of the node's RPC, e.g. http://127.0.0.1:9332")
    user: str = option("", help="rpcuser of the node")
    password: str = option("", help="rpcpassword of the node", secret=True)
    wallet: str = option("", help="Name of the node's wallet; empty when it has only one")
    coin: str = option("litecoin", help="Which coin; custom: fill in the prefixes below", choices=[*COINS, CUSTOM])
    network: str = option("main", help="Which network", choices=("main", "test", "signet", "regtest"))
    address_type: str = option("bech32", help="New addresses", choices=("bech32", "p2sh-segwit", "legacy"))
    passphrase_file: str = option("", help="File with the passphrase of an encrypted wallet; unlocked only to sign")
    conf_target: int = option(6, help="Blocks within which a payment of the normal fee level shall be confirmed")
    fallback_fee_rate: int = option(20, help="Fee rate while the node has no estimate, atomic units per vbyte")
    max_fee_rate: int = option(500, help="Never pay more than this, atomic units per vbyte")
    max_batch: int = option(100, help="How many payments one transaction may carry")
    dead_after: int = option(6, help="A conflicting transaction proves ours dead at this many confirmations")
    consolidate_at: int = option(200, help="Join small coins when there are more than this many; 0: never")
    consolidate_rate: int = option(20, help="Join them only while the fee rate is not above this")
    custom_name: str = option("", help="Custom coin: its name")
    custom_scheme: str = option("", help="Custom coin: scheme of payment links, e.g. bitcoin")
    custom_p2pkh: int = option(0, help="Custom coin: version byte of P2PKH addresses")
    custom_p2sh: int = option(5, help="Custom coin: version byte of P2SH addresses")
    custom_hrp: str = option("", help="Custom coin: bech32 prefix; empty without segregated witness")
    custom_block_seconds: int = option(600, help="Custom coin: seconds between blocks")

    def __post_init__(self) -> None:
        if self.coin != CUSTOM and self.coin not in COINS:
            raise ImproperlyConfigured(f"coin must be one of {', '.join([*COINS, CUSTOM])}")
        if self.coin != CUSTOM and self.network not in COINS[self.coin].networks:
            raise ImproperlyConfigured(f"{self.coin} has no network {self.network!r}")
        for name, low, high in _RANGES:
            value: Any = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}")
        if self.fallback_fee_rate > self.max_fee_rate:
            raise ImproperlyConfigured("fallback_fee_rate must not be above max_fee_rate")

    def target(self, level: str) -> int:
        """Within how many blocks a payment of this level shall be confirmed."""
        if level == "fast":
            return min(FAST_TARGET, self.conf_target)
        return min(self.conf_target * SLOWER, LONGEST_TARGET) if level == "slow" else self.conf_target

    def coin_facts(self) -> Coin:
        if self.coin != CUSTOM:
            return COINS[self.coin]
        network = Network(self.custom_p2pkh, self.custom_p2sh, self.custom_hrp.lower())
        name = self.custom_name or "this coin"
        return Coin(name, self.custom_scheme or name.lower(), self.custom_block_seconds, {self.network: network})


_RANGES = (
    ("conf_target", 1, 1008),
    ("fallback_fee_rate", 1, HIGHEST_FEE_RATE),
    ("max_fee_rate", 1, HIGHEST_FEE_RATE),
    ("max_batch", 1, 1000),
    ("dead_after", 1, 1000),
    ("consolidate_at", 0, 100_000),
    ("consolidate_rate", 1, HIGHEST_FEE_RATE),
    ("custom_p2pkh", 0, 255),
    ("custom_p2sh", 0, 255),
    ("custom_block_seconds", 1, 86_400),
)
