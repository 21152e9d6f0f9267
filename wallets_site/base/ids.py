from __future__ import annotations

import secrets
import uuid


def new_key() -> str:
    """A fresh idempotency key for a form or a task: 32 hex digits."""
    return uuid.uuid4().hex


def new_token(bytes_of_entropy: int = 16) -> str:
    return secrets.token_urlsafe(bytes_of_entropy)
