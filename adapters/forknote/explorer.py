"""walletd's reading calls, for managers to look things up. None of them shows a key, makes or moves anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters.base import NodeRefused
from adapters.forknote.options import CAMEL, HIGHEST, SNAKE

Read = Callable[[str], Any]


def _whole(text: str) -> int:
    if not text.strip().isdecimal() or len(text.strip()) > 19 or int(text) > HIGHEST:
        raise NodeRefused(f"{text!r} is not a whole number that walletd can read.")
    return int(text)


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


_ADDRESS: Final[dict[str, Read]] = {"address": str}
_RANGE: Final[dict[str, Read]] = {
    "firstBlockIndex": _whole,
    "blockHash": str,
    "blockCount": _whole,
    "addresses": _list,
    "paymentId": str,
}

# dialect -> call -> its fields; lists are typed with commas between. Source: Forknote 1.0.8.3 and 2.1.2.
READS: Final[dict[str, dict[str, dict[str, Read]]]] = {
    SNAKE: {
        "get_address": {"index": _whole},
        "get_address_count": {},
        "get_actual_balance": _ADDRESS,
        "get_pending_balance": _ADDRESS,
        "get_transactions_count": {},
        "get_transfers_count": {},
        "get_transaction_id_by_transfer_id": {"transfer_id": _whole},
        "get_transaction": {"transaction_id": _whole},
        "get_transfer": {"transfer_id": _whole},
        "get_incoming_payments": {"payments": _list},
        "list_transactions": {"starting_transaction_id": _whole, "max_transaction_count": _whole},
    },
    CAMEL: {
        "getStatus": {},
        "getAddresses": {},
        "getBalance": _ADDRESS,
        "getBlockHashes": {"firstBlockIndex": _whole, "blockCount": _whole},
        "getTransactions": _RANGE,
        "getTransactionHashes": _RANGE,
        "getUnconfirmedTransactionHashes": {"addresses": _list},
        "getTransaction": {"transactionHash": str},
        "getDelayedTransactionHashes": {},
        "getUnspendOuts": _ADDRESS,
        "estimateFusion": {"threshold": _whole, "addresses": _list},
    },
}
# The only ones where an empty field means "all" and must be sent.
_EMPTY_IS_ALL: Final = frozenset({"get_actual_balance", "get_pending_balance", "getBalance"})


def params_of(dialect: str, method: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """What to ask, from a form. Raises NodeRefused for another call, another field, or what is no number."""
    known = READS[dialect].get(method)
    if known is None:
        raise NodeRefused("This is not one of walletd's reading calls.")
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise NodeRefused(f"{method} has no field {unknown[0]!r}.")
    asked = {name: known[name](text) for name, text in fields.items() if text.strip()}
    return {"address": "", **asked} if method in _EMPTY_IS_ALL else asked
