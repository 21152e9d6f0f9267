"""The node's reading calls, for managers to look things up. None of them takes a key or moves anything."""

from __future__ import annotations

from typing import Any, Final

from adapters.banano.node import Node, Refusal
from adapters.readings import Reading, readings

# Source: nano-node V24. A count may be -1, which stands for all, so it is text.
READS: Final = readings(
    "",
    {
        "account_balance": "account* include_only_confirmed?",
        "account_block_count": "account*",
        "account_get": "key*",
        "account_history": "account head count* raw? offset reverse?",
        "account_info": "account* representative? weight? receivable? include_confirmed?",
        "account_key": "account*",
        "account_representative": "account*",
        "account_weight": "account*",
        "accounts_balances": "accounts[]*",
        "accounts_frontiers": "accounts[]*",
        "accounts_receivable": "accounts[]* count threshold source? include_only_confirmed?",
        "active_difficulty": "",
        "available_supply": "",
        "block_count": "",
        "block_info": "hash* json_block?",
        "blocks_info": "hashes[]* json_block? include_not_found?",
        "chain": "block* count*",
        "confirmation_quorum": "",
        "delegators": "account*",
        "peers": "",
        "receivable": "account* count threshold source?",
        "receivable_exists": "hash*",
        "representatives": "count sorting?",
        "representatives_online": "weight?",
        "successors": "block* count*",
        "telemetry": "",
        "uptime": "",
        "validate_account_number": "account*",
        "version": "",
        "work_validate": "work* hash* difficulty",
    },
)


def read(node: Node, reading: Reading, params: dict[str, Any]) -> dict[str, Any]:
    """The answer as it came; a refusal of the node too. It reads truth values and numbers as text."""
    asked = {name: str(value).lower() if isinstance(value, bool) else value for name, value in params.items()}
    try:
        return node.ask(reading.method, **asked)
    except Refusal as refusal:
        return {"error": refusal.text}
