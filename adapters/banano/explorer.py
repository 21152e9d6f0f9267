"""The node's reading calls, for managers to look things up. None of them takes a key or moves anything."""

from __future__ import annotations

from typing import Any, Final

from adapters.banano.node import Node, Refusal
from adapters.base import NodeRefused

# call -> its fields; lists are typed with commas between. Source: nano-node V24.
READS: Final[dict[str, tuple[str, ...]]] = {
    "account_balance": ("account", "include_only_confirmed"),
    "account_block_count": ("account",),
    "account_get": ("key",),
    "account_history": ("account", "count", "raw", "head", "offset", "reverse"),
    "account_info": ("account", "representative", "weight", "receivable", "include_confirmed"),
    "account_key": ("account",),
    "account_representative": ("account",),
    "account_weight": ("account",),
    "accounts_balances": ("accounts",),
    "accounts_frontiers": ("accounts",),
    "accounts_receivable": ("accounts", "count", "threshold", "source", "include_only_confirmed"),
    "active_difficulty": (),
    "block_count": (),
    "block_info": ("hash", "json_block"),
    "blocks_info": ("hashes", "json_block", "include_not_found"),
    "chain": ("block", "count"),
    "confirmation_quorum": (),
    "delegators": ("account",),
    "peers": (),
    "receivable": ("account", "count", "threshold", "source"),
    "receivable_exists": ("hash",),
    "representatives": ("count", "sorting"),
    "representatives_online": ("weight",),
    "successors": ("block", "count"),
    "telemetry": (),
    "uptime": (),
    "validate_account_number": ("account",),
    "version": (),
}
LISTS: Final = frozenset({"accounts", "hashes"})


def explore(node: Node, method: str, fields: dict[str, str]) -> dict[str, Any]:
    known = READS.get(method)
    if known is None:
        raise NodeRefused("This is not one of the node's reading calls.")
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise NodeRefused(f"{method} has no field {unknown[0]!r}.")
    asked = {name: _typed(name, value) for name, value in fields.items() if value}
    try:
        return node.ask(method, **asked)
    except Refusal as refusal:
        return {"error": refusal.text}


def _typed(name: str, value: str) -> Any:
    return [one.strip() for one in value.split(",")] if name in LISTS else value
