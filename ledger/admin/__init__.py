"""The managers' rooms: thin shells over services and queries. Books are read-only everywhere."""

from __future__ import annotations

from ledger.admin import (
    books,
    coins,
    corrections,
    decisions,
    limits,
    payouts,
    people,
    policy,
    rates,
    recovery,
    site,
    switches,
    unclear,
    wallets,
)

__all__ = [
    "books",
    "coins",
    "corrections",
    "decisions",
    "limits",
    "payouts",
    "people",
    "policy",
    "rates",
    "recovery",
    "site",
    "switches",
    "unclear",
    "wallets",
]
