"""What the worker and the signer say to each other over a Unix socket: one line of JSON each way."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.models import Dispatch
from wallets_site.base import crypto

LONGEST_LINE: Final = 4096
PURPOSE: Final = "wallets dispatch 1"


def message_of(row: Dispatch) -> bytes:
    """What is signed: this dispatch, of this wallet, by this name, with exactly these bytes."""
    said: dict[str, Any] = {
        "purpose": PURPOSE, "dispatch": row.pk, "wallet": row.wallet_id, "coin": row.coin_id, "ident": row.ident,
        "blob": hashlib.sha256(row.blob.encode()).hexdigest(),
    }  # fmt: skip
    return crypto.canonical(said)


def is_signed(row: Dispatch, signature: str, public_key: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(public_key, validate=True))
        key.verify(b64decode(signature, validate=True), message_of(row))
    except (ValueError, InvalidSignature):
        return False
    return True
