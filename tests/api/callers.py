"""Programs with a key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.test import Client

from accounts.models import ApiKey, User
from ledger.services import key_caps
from tests.support.money import fresh_key, proof_of


class Program:
    """Speaks JSON with a key in the header, and no session."""

    def __init__(self, user: User, *scopes: str, **more: Any) -> None:
        self.row, self.key = key_caps.make_key(
            user=user, name="shop", scopes=scopes or ("read",), proof=proof_of(user), key=fresh_key(), **more
        )
        self.client = Client()

    def ask(self, method: str, path: str, body: object = None, *, key: str | None = None, **headers: str) -> Any:
        """key: of idempotency; one of its own unless given."""
        said: Mapping[str, str] = {
            "Authorization": f"Bearer {self.key}", "Idempotency-Key": fresh_key() if key is None else key, **headers,
        }  # fmt: skip
        more: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.generic(method, f"/api/v1/{path}", **{"headers": said, **more})

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: object = None, *, key: str | None = None) -> Any:
        return self.ask("POST", path, {} if body is None else body, key=key)


def every_scope(user: User, **more: Any) -> Program:
    return Program(user, "read", "receive", "send", "withdraw", "manage", **more)


def latest(user: User) -> ApiKey:
    return ApiKey.objects.filter(owner=user).latest("pk")
