"""Error codes of monero-wallet-rpc (wallet_rpc_server_error_codes.h), seen on 0.18, and what each one proves.

definite: this request can never work. retry: it may work later. unknown: the code proves nothing. All of
this is about calls that send nothing; relay_tx has a set of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from adapters.base import NodeDown, NodeError, NodeRefused, NotEnoughFunds
from adapters.rpc import RpcError

Verdict = Literal["definite", "retry", "unknown"]

NOT_KNOWN, UNKNOWN_ERROR, WRONG_ADDRESS, BUSY, TRANSFER_FAILED, WRONG_ID = 0, -1, -2, -3, -4, -5
RESTRICTED, NO_SUCH_TX, NO_WALLET, NO_ACCOUNT = -7, -8, -13, -14
NOT_POSSIBLE, TOO_LITTLE, TOO_LARGE, NO_DECOYS, NO_TX_KEY, BAD_HEX, BAD_METADATA = -16, -17, -18, -19, -24, -26, -27
WATCH_ONLY, LOCKED, NO_DAEMON, NO_SUCH_METHOD = -29, -37, -38, -32601

VERDICTS: dict[int, Verdict] = {
    NOT_KNOWN: "unknown",  # the wallet's daemon does not answer; the message is empty
    UNKNOWN_ERROR: "unknown",
    WRONG_ADDRESS: "definite",
    BUSY: "retry",
    TRANSFER_FAILED: "unknown",  # a conflict, a daemon that is down, a payment id beside a subaddress …
    WRONG_ID: "definite",
    -6: "unknown",  # unknown transfer type
    RESTRICTED: "retry",
    NO_SUCH_TX: "unknown",
    NO_WALLET: "retry",
    NO_ACCOUNT: "retry",
    -15: "unknown",  # no such subaddress
    NOT_POSSIBLE: "retry",  # the fee does not fit
    TOO_LITTLE: "retry",
    TOO_LARGE: "retry",
    NO_DECOYS: "retry",
    -20: "definite",  # no destination
    -21: "unknown",  # wallet exists
    NO_TX_KEY: "unknown",
    BAD_HEX: "definite",
    BAD_METADATA: "definite",
    WATCH_ONLY: "retry",
    LOCKED: "retry",
    NO_DAEMON: "retry",
    -45: "unknown",  # no such attribute
    -46: "definite",  # amount 0
    NO_SUCH_METHOD: "unknown",
    -32602: "unknown",  # wrong type: we never send one, so the program is another than we think
    -32700: "unknown",
}

# relay_tx: these two are said before anything can have been sent.
RELAY_REFUSED = frozenset({BAD_HEX, BAD_METADATA})

_SENTENCES = {
    NOT_KNOWN: "The wallet cannot reach its daemon.",
    NO_DAEMON: "The wallet cannot reach its daemon.",
    WRONG_ADDRESS: "The wallet does not accept this address.",
    WRONG_ID: "The wallet does not accept this payment id.",
    BUSY: "The wallet's daemon is still catching up.",
    RESTRICTED: "monero-wallet-rpc runs with --restricted-rpc: start it without.",
    NO_WALLET: "monero-wallet-rpc has no wallet open: start it with --wallet-file.",
    NO_ACCOUNT: "The wallet has no account of this number: create it, or correct the number.",
    WATCH_ONLY: "This is a view-only wallet: it cannot pay.",
    NO_SUCH_METHOD: "monero-wallet-rpc does not know a call this site needs: it is too old.",
}

_SHORT = {
    TOO_LITTLE: "The hot wallet does not hold enough.",
    NOT_POSSIBLE: "The hot wallet does not hold enough for the network fee on top.",
    LOCKED: (
        "The hot wallet holds enough, but it is locked: received coins and change may be spent after 10 blocks, "
        "about 20 minutes. It goes on by itself."
    ),
    TOO_LARGE: "The hot wallet's coins are too small to pay this at once; they are being joined.",
}


def sentence(error: RpcError) -> str:
    """What to tell a manager."""
    template = _SENTENCES.get(error.code, "The wallet says: {message} ({code})")
    return template.format(message=error.message or "no reason given", code=error.code)


def down(error: RpcError) -> NodeDown:
    return NodeDown(sentence(error))


def of_prepare(error: RpcError, addresses: Iterable[str]) -> NodeError:
    """What an error of `transfer` with do_not_relay means. addresses: whom it should pay."""
    if error.code in _SHORT:
        return NotEnoughFunds(_SHORT[error.code])
    if VERDICTS.get(error.code) != "definite":
        return down(error)
    known = list(addresses)
    guilty = next((one for one in known if one in error.message), known[0] if len(known) == 1 else "")
    return NodeRefused(sentence(error), address=guilty)
