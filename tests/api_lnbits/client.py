"""A program that talks to our LNbits API with one key."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from accounts import keys
from accounts.models import User
from ledger.models import Purse
from ledger.services import purses


class Program:
    """key: sent in X-Api-Key; empty: none is sent."""

    def __init__(self, key: str = "") -> None:
        self.key = key
        self.client = Client(enforce_csrf_checks=True)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        if self.key:
            headers.setdefault("X-Api-Key", self.key)
        kind = headers.pop("Content-Type", "application/json")
        return self.client.generic(method, f"/lnbits{path}", raw, content_type=kind, headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def ok(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self.call(method, path, body)
        assert answer.status_code == status, (method, path, answer.status_code, answer.content)
        assert answer["Content-Type"] == "application/json"
        return answer.json()


def refused(answer: Any, status: int, words: str = "", *, fate: str = "failed") -> None:
    """One JSON error with the three names clients look for."""
    said = answer.json()
    assert answer.status_code == status, (answer.status_code, said)
    assert answer["Content-Type"] == "application/json"
    assert set(said) == {"detail", "message", "status"}
    assert said["detail"] == said["message"]
    assert said["status"] == fate
    assert words in said["detail"], said


def keys_of(purse: Purse, user: User) -> tuple[str, str]:
    """(admin key, invoice key)."""
    found = keys.purse_keys({purse.ident: user})[purse.ident]
    return found[keys.PURSE_ADMIN], found[keys.PURSE_INVOICE]


def purse_of(user: User, name: str = "shop") -> Purse:
    return purses.open_purse(user=user, name=name)


def admin_of(purse: Purse, user: User) -> Program:
    return Program(keys_of(purse, user)[0])


def cashier_of(purse: Purse, user: User) -> Program:
    return Program(keys_of(purse, user)[1])
