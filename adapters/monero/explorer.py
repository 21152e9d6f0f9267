"""Reading calls of monero-wallet-rpc and monerod, for managers to look things up.

None of them shows a key, makes or moves anything. Left out of the reading ones: query_key and get_tx_key (secrets),
sign and get_*_proof (what a key signs), export_* (large, and of use to nobody else), refresh (it writes).
"""

from __future__ import annotations

from typing import Any, Final

from adapters.monero.node import Node
from adapters.readings import Reading, readings
from adapters.rpc import RpcError

WALLET, DAEMON = "monero-wallet-rpc", "monerod"

# Source: monero-wallet-rpc and monerod 0.18.
READS: Final = readings(
    WALLET,
    {
        "get_balance": "account_index# address_indices[#] all_accounts? strict?",
        "get_address": "account_index# address_index[#]",
        "get_address_index": "address*",
        "get_accounts": "tag strict_balances?",
        "get_account_tags": "",
        "get_height": "",
        "get_transfers": "in? out? pending? failed? pool? filter_by_height? min_height# max_height# account_index#",
        "get_transfer_by_txid": "txid* account_index#",
        "get_payments": "payment_id*",
        "get_bulk_payments": "payment_ids[]* min_block_height#",
        "incoming_transfers": "transfer_type* account_index# subaddr_indices[#]",
        "get_tx_notes": "txids[]*",
        "get_attribute": "key*",
        "get_address_book": "entries[#]",
        "frozen": "key_image*",
        "is_multisig": "",
        "get_languages": "",
        "get_version": "",
        "validate_address": "address* any_net_type? allow_openalias?",
        "make_integrated_address": "standard_address payment_id",
        "split_integrated_address": "integrated_address*",
        "make_uri": "address* amount# payment_id recipient_name tx_description",
        "parse_uri": "uri*",
        "check_tx_proof": "txid* address* message signature*",
        "check_reserve_proof": "address* message signature*",
        "verify": "data* address* signature*",
    },
) + readings(
    DAEMON,
    {
        "get_info": "",
        "get_block_count": "",
        "on_get_block_hash": "height#*",
        "get_last_block_header": "",
        "get_block_header_by_hash": "hash*",
        "get_block_header_by_height": "height#*",
        "get_block": "height# hash",
        "hard_fork_info": "",
        "get_fee_estimate": "grace_blocks#",
        "get_version": "",
        "sync_info": "",
        "get_txpool_backlog": "",
        "/get_transactions": "txs_hashes[]* decode_as_json? prune?",
        "/is_key_image_spent": "key_images[]*",
        "/get_transaction_pool_stats": "",
    },
)


def read(node: Node, reading: Reading, params: dict[str, Any]) -> Any:
    """The `result` as it came, or the error object. A method that begins with a slash is a path of monerod."""
    asked: Any = list(params.values()) if reading.method == "on_get_block_hash" else params
    try:
        return node.read(reading.method, asked, of_daemon=reading.program == DAEMON)
    except RpcError as error:
        return {"error": {"code": error.code, "message": error.message}}
