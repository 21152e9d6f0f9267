"""A client of the plugin: cookies or a key, the query form, and JSON that keeps every digit."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts import keys
from accounts.models import User
from tests.support.factories import PASSWORD


class Plugin:
    def __init__(self, **headers: str) -> None:
        self.client = Client(headers=headers)

    def sign_in(self, user: User) -> Plugin:
        """By the plugin's own door."""
        answer = self.client.post(reverse("wp-login"), {"log": user.username, "pwd": PASSWORD})
        assert answer.status_code == 302, answer.content
        return self

    def get(self, action: str, *, path: str = "/", version: str = "3", **values: str) -> Any:
        return self.client.get(path, self._query(action, version, values))

    def post(self, action: str, *, version: str = "3", **values: str) -> Any:
        return self.client.post("/", self._query(action, version, values))

    def ask(self, action: str, **values: str) -> dict[str, Any]:
        """The answer's JSON, its numbers as they were written."""
        return read(self.get(action, **values))

    def act(self, action: str, **values: str) -> dict[str, Any]:
        """With the nonce of the action, as a page of the plugin does it."""
        return self.ask(action, _wpnonce=self.nonce(action), **values)

    def nonce(self, action: str) -> str:
        return str(self.ask("get_nonces")["nonces"][action])

    def move(self, to: str, amount: str, symbol: str = "TST", **more: str) -> dict[str, Any]:
        return self.act("do_move", symbol=symbol, move_toaccount=to, move_amount=amount, **more)

    def withdraw(self, address: str, amount: str, symbol: str = "TST", **more: str) -> dict[str, Any]:
        return self.act("do_withdraw", symbol=symbol, withdraw_address=address, withdraw_amount=amount, **more)

    def transactions(self, symbol: str = "TST", count: str = "10", first: str = "0") -> list[dict[str, Any]]:
        answer = self.ask("get_transactions", symbol=symbol, tx_count=count, tx_from=first)
        return list(answer["transactions"])

    def coin(self, symbol: str = "TST") -> dict[str, Any]:
        return dict(self.ask("get_coins_info")["coins"][symbol])

    def _query(self, action: str, version: str, values: dict[str, str]) -> dict[str, str]:
        query = {"__wallets_apiversion": version, "__wallets_action": action}
        return query | {name if name[0] == "_" else f"__wallets_{name}": text for name, text in values.items()}


def with_key(user: User) -> Plugin:
    return Plugin(authorization=f"Bearer {keys.show_key(user, keys.PLUGIN_API)}")


def read(answer: Any) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8", answer.content[:300]
    return dict(json.loads(answer.content, parse_float=str, parse_int=str))
