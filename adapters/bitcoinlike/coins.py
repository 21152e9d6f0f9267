"""What differs between the coins that speak Bitcoin Core's RPC: address prefixes, URI scheme, pace.

Prefixes are those of chainparams.cpp in Bitcoin Core, Litecoin Core and Dogecoin Core. Test network and
regtest share the prefixes of old-style addresses, so those cannot be told apart by anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

DECIMALS = 8


@dataclass(frozen=True, slots=True)
class Network:
    """p2pkh, p2sh: version bytes. retired_p2sh: an older version byte that Bitcoin uses too. hrp: "" without segwit."""

    p2pkh: int
    p2sh: int
    hrp: str = ""
    retired_p2sh: int | None = None


@dataclass(frozen=True, slots=True)
class Coin:
    """block_seconds: the average pace, for saying in words when a payment should confirm."""

    name: str
    scheme: str
    block_seconds: int
    networks: dict[str, Network]


NETWORK_NAMES = {"main": "main network", "test": "test network", "signet": "signet", "regtest": "regtest network"}

COINS = {
    "bitcoin": Coin(
        "Bitcoin",
        "bitcoin",
        600,
        {
            "main": Network(0, 5, "bc"),
            "test": Network(111, 196, "tb"),
            "signet": Network(111, 196, "tb"),
            "regtest": Network(111, 196, "bcrt"),
        },
    ),
    "litecoin": Coin(
        "Litecoin",
        "litecoin",
        150,
        {
            "main": Network(48, 50, "ltc", retired_p2sh=5),
            "test": Network(111, 58, "tltc", retired_p2sh=196),
            "regtest": Network(111, 58, "rltc", retired_p2sh=196),
        },
    ),
    "dogecoin": Coin(
        "Dogecoin",
        "dogecoin",
        60,
        {"main": Network(30, 22), "test": Network(113, 196), "regtest": Network(111, 196)},
    ),
}
