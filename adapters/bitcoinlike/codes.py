"""Error codes of Bitcoin Core's RPC (rpc/protocol.h), seen on litecoind 0.21, and what each one proves.

definite: this request can never work. retry: it may work later. unknown: the code proves nothing; the
message may. All of this is about calls that send nothing; sendrawtransaction has its own two sets.
"""

from __future__ import annotations

from typing import Literal

from adapters.base import NodeDown, NodeError, NodeRefused, NotEnoughFunds
from adapters.rpc import RpcError

Verdict = Literal["definite", "retry", "unknown"]

TYPE_ERROR, WALLET_ERROR, UNKNOWN_THING, NO_FUNDS, BAD_PARAMETER = -1, -4, -5, -6, -8
KEYPOOL_EMPTY, LOCKED, WRONG_PASSPHRASE, WRONG_ENCRYPTION_STATE = -12, -13, -14, -15
NO_SUCH_WALLET, WALLET_NOT_NAMED, ALREADY_MINED, WARMING_UP = -18, -19, -27, -28
NO_SUCH_METHOD = -32601

VERDICTS: dict[int, Verdict] = {
    TYPE_ERROR: "unknown",
    -3: "definite",  # amount invalid, negative or over the cap
    WALLET_ERROR: "unknown",
    UNKNOWN_THING: "definite",
    NO_FUNDS: "retry",
    BAD_PARAMETER: "definite",
    -11: "unknown",  # no such label
    KEYPOOL_EMPTY: "retry",
    LOCKED: "retry",
    WRONG_PASSPHRASE: "retry",
    WRONG_ENCRYPTION_STATE: "retry",
    NO_SUCH_WALLET: "retry",
    WALLET_NOT_NAMED: "retry",
    -20: "retry",  # database error
    -22: "definite",  # cannot be decoded
    -25: "unknown",  # inputs missing or spent
    -26: "unknown",  # refused by the rules of the mempool
    ALREADY_MINED: "unknown",
    WARMING_UP: "retry",
    -32600: "unknown",
    NO_SUCH_METHOD: "unknown",
    -32603: "unknown",
    -32700: "unknown",
}

SENT = frozenset({ALREADY_MINED})
REFUSED = frozenset({-25, -26})

_DUST = ("amount too small", "too small to pay the fee", "dust")
_FUNDS = ("insufficient funds", "too large", "too-long mempool chain", "long of a mempool chain")

_SENTENCES = {
    WARMING_UP: "The node is starting: {message}",
    LOCKED: "The node's wallet is locked and no passphrase file is configured.",
    WRONG_PASSPHRASE: "The node refuses the passphrase in the passphrase file.",
    WRONG_ENCRYPTION_STATE: "A passphrase file is configured but the node's wallet is not encrypted.",
    KEYPOOL_EMPTY: "The locked wallet has no addresses left: unlock it once, or configure a passphrase file.",
    NO_SUCH_WALLET: "The node has no wallet of this name loaded: load it, or correct the name.",
    WALLET_NOT_NAMED: "The node has several wallets loaded: name one of them here.",
    NO_SUCH_METHOD: "The node does not know a call this wallet needs: it is too old, or has no wallet.",
}


def sentence(error: RpcError) -> str:
    """What to tell a manager."""
    template = _SENTENCES.get(error.code, "The node says: {message} ({code})")
    return template.format(message=error.message or "no reason given", code=error.code)


def down(error: RpcError) -> NodeDown:
    return NodeDown(sentence(error))


def of_prepare(error: RpcError, *, address: str = "") -> NodeError:
    """What an error of createraw-, fundraw- or signrawtransaction means. address: the smallest payment's."""
    message = error.message.lower()
    if error.code in (WALLET_ERROR, NO_FUNDS):
        if any(words in message for words in _DUST):
            return NodeRefused("The network does not carry such a small amount.", address=address)
        if any(words in message for words in _FUNDS):
            return NotEnoughFunds(f"The hot wallet cannot pay this now: {error.message}")
    if VERDICTS.get(error.code) == "definite":
        return NodeRefused(sentence(error), address=address)
    return down(error)
