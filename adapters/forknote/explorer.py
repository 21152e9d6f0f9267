"""walletd's reading calls, for managers to look things up. None of them shows a key, makes or moves anything."""

from __future__ import annotations

from typing import Any, Final

from adapters.forknote.client import Client
from adapters.forknote.options import CAMEL, SNAKE
from adapters.forknote.verdicts import WalletdError
from adapters.readings import Reading, readings

DAEMON: Final = "daemon"
_RANGE: Final = "firstBlockIndex# blockHash blockCount#* addresses[] paymentId"

# Source: Forknote 1.0.8.3 (snake_case) and 2.1.2 (camelCase).
_SNAKE: Final = readings(
    SNAKE,
    {
        "get_address": "index#",
        "get_address_count": "",
        "get_actual_balance": "address",
        "get_pending_balance": "address",
        "get_transactions_count": "",
        "get_transfers_count": "",
        "get_transaction_id_by_transfer_id": "transfer_id#*",
        "get_transaction": "transaction_id#*",
        "get_transfer": "transfer_id#*",
        "get_incoming_payments": "payments[]*",
        "list_transactions": "starting_transaction_id#* max_transaction_count#*",
    },
)
_CAMEL: Final = readings(
    CAMEL,
    {
        "getStatus": "",
        "getAddresses": "",
        "getBalance": "address",
        "getBlockHashes": "firstBlockIndex#* blockCount#*",
        "getTransactions": _RANGE,
        "getTransactionHashes": _RANGE,
        "getUnconfirmedTransactionHashes": "addresses[]",
        "getTransaction": "transactionHash*",
        "getDelayedTransactionHashes": "",
        "getUnspendOuts": "address*",
        "estimateFusion": "threshold#* addresses[]",
    },
)
_DAEMON: Final = readings(DAEMON, {"getblockcount": "", "on_getblockhash": "height#*", "getlastblockheader": ""})
# The only ones where an empty field means "all" and must be sent.
_EMPTY_IS_ALL: Final = frozenset({"get_actual_balance", "get_pending_balance", "getBalance"})


def known(spoken: str, *, has_daemon: bool) -> tuple[Reading, ...]:
    """spoken: the dialect, or "" while nobody has asked: then both are offered."""
    dialects = {SNAKE: _SNAKE, CAMEL: _CAMEL, "": _SNAKE + _CAMEL}
    return dialects[spoken] + (_DAEMON if has_daemon else ())


def read(client: Client, reading: Reading, params: dict[str, Any]) -> Any:
    """The `result` as it came, or the error object."""
    if reading.method in _EMPTY_IS_ALL:
        params = {"address": "", **params}
    try:
        if reading.program == DAEMON:
            return client.ask_daemon(reading.method, list(params.values()))
        return client.raw(reading.method, params)
    except WalletdError as error:
        return {"error": {"code": error.code, "message": error.message}}
