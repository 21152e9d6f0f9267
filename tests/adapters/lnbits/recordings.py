"""Exchanges of real servers, 0.9.7 and 1.6.2 on make-believe money, played back to the adapter.

A call that differs from what was recorded (method, path, body, or the wallet its key belongs to) is noted as wrong.
"""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from tests.lnbits.front import Answered, Call
from tests.lnbits.server import Keys

REPLIES = Path(__file__).parent / "replies"
# What the servers called them: wallet id, admin key, invoice key.
OLD = {
    "manager": Keys(
        "284efaa3473647e7bcbfa49529b156a7", "87a49f6de1734a6a82f532f299fc1c44", "613d8ffda5d64732864a7dfedba46e96"
    ),
    "user": Keys(
        "79e1e8e30f43466c89874187af150825", "297a07c57fab454eb8d126b855e41f07", "2eb9cce360fa4c14b4ec537427681884"
    ),
}


def new_keys() -> dict[str, Keys]:
    """alice pays, bob is paid."""
    found = {}
    for line in (REPLIES / "lnbits-1.6.2.jsonl").read_text().splitlines():
        one = json.loads(line)
        if one["name"] == "GET wallet admin key":
            alice = one["key"], one["response"]["id"]
        if one["name"] == "GET wallet invoice key":
            invoice = one["key"]
        if one["name"] == "invoice minimal seed body":
            bob = one["key"], one["response"]["wallet_id"]
        if one["name"] == "pay insufficient internal":
            found["bob"] = Keys(bob[1], one["key"], bob[0])
    found["alice"] = Keys(alice[1], alice[0], invoice)
    return found


class Recording:
    def __init__(self, version: str, wallets: dict[str, Keys]) -> None:
        lines = (REPLIES / f"lnbits-{version}.jsonl").read_text().splitlines()
        self._all: list[dict[str, Any]] = [json.loads(line) for line in lines]
        self._wallets = {key: one.id for one in wallets.values() for key in (one.admin, one.invoice)}
        self._place = 0
        self.wrong: list[str] = []

    def at(self, name: str) -> dict[str, Any]:
        """Stands before the exchange of this name: the next request must be this one."""
        self._place = next(number for number, one in enumerate(self._all) if one["name"] == name)
        return self._all[self._place]

    def moment(self, name: str) -> datetime:
        return parsedate_to_datetime(self.at(name)["date"])

    def __call__(self, call: Call) -> Answered:
        found = self._request(call) if call.method == "POST" else self._question(call)
        if found is None:
            self.wrong.append(f"{call.method} {call.path} {call.body}")
            return 599, b"not recorded"
        body = json.dumps(found["response"]) if found["response"] != "" else ""
        return int(found["status"]), body.encode()

    def _request(self, call: Call) -> dict[str, Any] | None:
        one = self._all[self._place]
        if (call.method, call.path, call.key) != (one["method"], one["path"], one["key"]):
            return None
        asked, recorded = dict(call.body), dict(one["body"])
        if call.pays:
            return one if asked == recorded else None
        # The one who recorded asked for less, or for more (labels): what both say must agree.
        return one if all(asked[name] == value for name, value in recorded.items() if name in asked) else None

    def _question(self, call: Call) -> dict[str, Any] | None:
        """The answer of that moment: the next one recorded, or the last before. A hash never asked for is unknown."""
        same = [number for number, one in enumerate(self._all) if self._is(one, call)]
        later = [number for number in same if number >= self._place]
        if same:
            return self._all[later[0] if later else same[-1]]
        if call.path.startswith("/api/v1/payments/"):
            return next(one for one in self._all if one["name"] == "GET payment unknown")
        return None

    def _is(self, one: dict[str, Any], call: Call) -> bool:
        if (one["method"], one["path"]) != (call.method, call.path):
            return False
        if call.path == "/api/v1/wallet":  # tells the wallet's id to its admin key only
            return bool(one["key"] == call.key)
        known = self._wallets.get(call.key)
        return bool(one["key"] == call.key) or (known is not None and self._wallets.get(one["key"]) == known)
