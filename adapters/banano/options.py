"""What a manager fills in for a Banano or Nano wallet, and what the two coins differ in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from django.core.exceptions import ImproperlyConfigured

from adapters.base import option
from adapters.codecs.banano_crypto import MAX_AMOUNT, BadAddress, decode_address


@dataclass(frozen=True, slots=True)
class CoinFacts:
    """genesis: the name of the ledger's first block, which `version` calls network_identifier (nano-node V24)."""

    name: str
    prefix: str
    schemes: tuple[str, ...]  # of payment links, ours first
    decimals: int
    genesis: str
    send_work: int  # thresholds of the live network
    receive_work: int
    representative: str

    @property
    def scheme(self) -> str:
        return self.schemes[0]


# Banano V20 source: one threshold for every kind of block. Nano: send and change blocks need eight times more.
COINS: Final[dict[str, CoinFacts]] = {
    "banano": CoinFacts(
        "Banano",
        "ban_",
        ("ban", "banano"),
        29,
        "F61A79F286ABC5CC01D3D09686F0567812B889A5C63ADE0E82DD30F3B2D96463",
        0xFFFFFE0000000000,
        0xFFFFFE0000000000,
        "ban_1bananobh5rat99qfgt1ptpieie5swmoth87thi74qgbfrij7dcgjiij94xr",
    ),
    "nano": CoinFacts(
        "Nano",
        "nano_",
        ("nano",),
        30,
        "991CF190094C00F0B68E2E5F75F6BEE95A2E0BD93CEAA4A6734DB9F19B728948",
        0xFFFFFFF800000000,
        0xFFFFFE0000000000,
        "nano_3t6k35gi95xu6tergt6p69ck76ogmitsa8mnijtpxm9fkcm736xtoncuohr3",
    ),
}

_HEX64: Final = re.compile(r"[0-9a-fA-F]{64}")
_HEX16: Final = re.compile(r"[0-9a-fA-F]{16}")


class Connection(Protocol):
    """What it takes to speak to a node."""

    @property
    def url(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def facts(self) -> CoinFacts: ...
    @property
    def network(self) -> str: ...


@dataclass(frozen=True)
class BananoOptions:
    """Amounts are raw units, as text: 1 BAN is 10**29 raw."""

    url: str = option(help="URL of the node's RPC, for example http://127.0.0.1:7072; never a public node")
    seed: str = option("", secret=True, help="64 hex digits from which every key is made; keep a copy on paper")
    seed_file: str = option("", help="File that holds the seed instead, readable by the site alone")
    user: str = option("", help="User name, when a proxy in front of the node asks for one")
    password: str = option("", secret=True, help="Password for that proxy")
    coin: str = option("banano", choices=tuple(COINS), help="Which coin the node serves")
    network_identifier: str = option("", help="Genesis hash of a network other than the coin's live one (tests)")
    hot_address: str = option("", help="Address number 0 of the seed; when filled in, another seed closes the wallet")
    representative: str = option("", help="Who votes with the site's coins; empty: the coin's first representative")
    dust: str = option("1000000000000000000000000000", help="Deposits below this are neither shown nor collected (raw)")
    sweep_min: str = option(
        "100000000000000000000000000000", help="A member's address is emptied into the hot account from here (raw)"
    )
    work: str = option("node", choices=("node", "own"), help="Who computes proof of work first; the other one helps")
    work_url: str = option("", help="A work server that answers work_generate, asked before everybody else")
    work_threshold: str = option("", help="16 hex digits instead of the coin's own threshold (tests)")
    work_file: str = option("", help="File that keeps work computed ahead over restarts; losing it costs only time")
    max_backlog: int = option(1000, help="Blocks not yet confirmed above which the node counts as behind")
    min_peers: int = option(1, help="Peers below which the node counts as alone; 0: do not ask")

    def __post_init__(self) -> None:
        check_names(self)
        if bool(self.seed) == bool(self.seed_file):
            raise ImproperlyConfigured("fill in either seed or seed_file")
        if self.seed and not _HEX64.fullmatch(self.seed):
            raise ImproperlyConfigured("the seed must be 64 hex digits")

    @property
    def facts(self) -> CoinFacts:
        return COINS[self.coin]

    @property
    def network(self) -> str:
        return (self.network_identifier or self.facts.genesis).upper()

    @property
    def voter(self) -> str:
        return self.representative or self.facts.representative

    def threshold(self, sends: bool) -> int:
        if self.work_threshold:
            return int(self.work_threshold, 16)
        return self.facts.send_work if sends else self.facts.receive_work

    def read_seed(self) -> bytes:
        """32 bytes. Raises ImproperlyConfigured with no part of the seed in its text."""
        if self.seed:
            return bytes.fromhex(self.seed)
        try:
            text = Path(self.seed_file).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            raise ImproperlyConfigured("the seed file cannot be read") from None
        if not _HEX64.fullmatch(text):
            raise ImproperlyConfigured("the seed file must hold 64 hex digits")
        return bytes.fromhex(text)


@dataclass(frozen=True)
class BananoNodeOptions:
    """The node keeps the keys. Amounts are raw units, as text."""

    url: str = option(help="URL of the node's RPC with enable_control, for example http://127.0.0.1:7072")
    wallet: str = option(secret=True, help="Id of the node's wallet, 64 hex digits; whoever knows it can spend")
    wallet_password: str = option("", secret=True, help="Password of the node's wallet, when it has one")
    user: str = option("", help="User name, when a proxy in front of the node asks for one")
    password: str = option("", secret=True, help="Password for that proxy")
    coin: str = option("banano", choices=tuple(COINS), help="Which coin the node serves")
    network_identifier: str = option("", help="Genesis hash of a network other than the coin's live one (tests)")
    dust: str = option("1000000000000000000000000000", help="Deposits below this are not shown (raw)")
    sweep_min: str = option(
        "100000000000000000000000000000", help="A member's address is emptied into the hot account from here (raw)"
    )
    max_backlog: int = option(1000, help="Blocks not yet confirmed above which the node counts as behind")
    min_peers: int = option(1, help="Peers below which the node counts as alone; 0: do not ask")

    def __post_init__(self) -> None:
        check_names(self)
        if not _HEX64.fullmatch(self.wallet):
            raise ImproperlyConfigured("the wallet's id must be 64 hex digits")

    @property
    def facts(self) -> CoinFacts:
        return COINS[self.coin]

    @property
    def network(self) -> str:
        return (self.network_identifier or self.facts.genesis).upper()


def check_names(options: BananoOptions | BananoNodeOptions) -> None:
    """Raises ImproperlyConfigured for the first field that cannot be right."""
    if options.coin not in COINS:
        raise ImproperlyConfigured(f"coin must be one of {', '.join(COINS)}")
    for name, form in (("network_identifier", _HEX64), ("work_threshold", _HEX16)):
        if (text := getattr(options, name, "")) and not form.fullmatch(text):
            raise ImproperlyConfigured(f"{name} must be hex digits of the right number")
    for name in ("hot_address", "representative"):
        try:
            _ = (text := getattr(options, name, "")) and decode_address(options.facts.prefix, text)
        except BadAddress as error:
            raise ImproperlyConfigured(f"{name} is not an address: {error}") from None
    for name in ("dust", "sweep_min"):
        text = str(getattr(options, name))
        if not re.fullmatch(r"[0-9]{1,39}", text) or not 0 < int(text) <= MAX_AMOUNT:
            raise ImproperlyConfigured(f"{name} must be a whole number of raw units above zero")
    for name in ("max_backlog", "min_peers"):
        if getattr(options, name) < 0:
            raise ImproperlyConfigured(f"{name} must not be below zero")
