"""What walletd's error texts prove. Judged by the text: the numbers differ between versions, and 7 means both
"Bad address" and "Can't connect to daemon". Source: WalletErrors.h and NodeErrors.h of Forknote 1.0.8.3 and 2.1.2.
"""

from __future__ import annotations

from typing import Literal

from adapters.base import NodeDown, NodeError, NodeRefused, NotEnoughFunds

Verdict = Literal["refused", "short", "set-up", "unclear"]

NO_METHOD = -32601
WRONG_PASSWORD = -32604

MIXIN_TOO_BIG = "MixIn count is too big"
NOT_HERE = frozenset({"Object not found", "Requested object not found"})
NOT_OURS = frozenset({"Invalid argument", "Requested wallet not found", "Object not found", "Bad address"})
ALREADY_HANDLED = "Transaction transfer impossible"  # sendDelayedTransaction of one that is sent or cancelled

# Said before anything is built: nothing of it stands in walletd's history afterwards.
_VERDICTS: dict[str, Verdict] = {
    "Bad address": "refused",
    "Sum overflow": "refused",
    "The destination is empty": "refused",
    "Transaction fee is too small": "refused",
    MIXIN_TOO_BIG: "refused",
    "MixIn count is below the required minimum": "refused",
    "Transaction size is too big": "refused",
    "Couldn't add payment id to extra": "refused",
    "Wrong payment id format": "refused",
    "Wrong transaction extra format": "refused",
    "Wrong amount": "short",
    "Change address required": "set-up",
    "Change address not found": "set-up",
}

_SENTENCES = {
    "Bad address": "The network does not know this address.",
    "The destination is empty": "Nothing cannot be paid.",
    "Sum overflow": "The amount is larger than this network can carry.",
    "Transaction fee is too small": "The configured network fee is below what the network takes.",
    MIXIN_TOO_BIG: "The chain has too few outputs to mix in as many as configured.",
    "MixIn count is below the required minimum": "The network wants more outputs mixed in than configured.",
    "Transaction size is too big": "This payment would need too many small outputs: split the amount.",
    "Couldn't add payment id to extra": "The payment id must be 64 hex digits.",
    "Wrong payment id format": "The payment id must be 64 hex digits.",
    "Wrong amount": "The hot wallet cannot pay this now.",
    "Change address required": "Set hot_address: walletd has several addresses and must know where change goes.",
    "Change address not found": "The configured hot_address is not in this wallet.",
}


class WrongWallet(NodeDown):
    """It answers, but is not the wallet or the chain that was configured."""


class WalletdError(NodeDown):
    """walletd answered with an error object: a NodeDown, because a text nobody knows proves nothing."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(_SENTENCES.get(message, f"walletd says: {message or 'nothing'} ({code})"))
        self.code = code
        self.message = message

    @property
    def verdict(self) -> Verdict:
        return _VERDICTS.get(self.message, "unclear")


def of_prepare(error: WalletdError, *, address: str = "") -> NodeError:
    """What an error of a call that sends nothing means for the payment."""
    if error.verdict == "short":
        return NotEnoughFunds(str(error))
    if error.verdict == "refused":
        return NodeRefused(str(error), address=address)
    return error
