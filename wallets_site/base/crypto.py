"""The one place that encrypts, signs and digests."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.utils.encoding import force_bytes


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(force_bytes(key)) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured("WALLETS_FIELD_KEYS must hold Fernet keys (32 bytes, base64)") from error


def encrypt(text: str) -> str:
    return _fernet(tuple(settings.WALLETS_FIELD_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text that was encrypted, by the first or any older field key.

    Raises ImproperlyConfigured when no configured key opens it.
    """
    try:
        return _fernet(tuple(settings.WALLETS_FIELD_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise ImproperlyConfigured("no key in WALLETS_FIELD_KEYS opens a stored secret") from error


def renewed(token: str) -> str | None:
    """The same text encrypted anew by the first field key; None where that one made the token already.

    Raises ImproperlyConfigured when no configured key opens it.
    """
    first, *_ = settings.WALLETS_FIELD_KEYS
    try:
        _fernet((first,)).decrypt(token.encode())
    except InvalidToken:
        return encrypt(decrypt(token))
    return None


def sign(payload: dict[str, Any], *, salt: str) -> str:
    return signing.dumps(payload, salt=salt, compress=True)


def unsign(token: str, *, salt: str, max_age: int) -> dict[str, Any]:
    """Raises django.core.signing.BadSignature (SignatureExpired when older than max_age seconds)."""
    try:
        return dict(signing.loads(token, salt=salt, max_age=max_age))
    except UnicodeError as error:  # half a surrogate pair
        raise signing.BadSignature("no text of ours") from error


def canonical(payload: dict[str, Any]) -> bytes:
    """One byte form per request body: sorted keys, no spaces, everything as text."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), default=str).encode()


def digest(payload: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(payload)).hexdigest()
