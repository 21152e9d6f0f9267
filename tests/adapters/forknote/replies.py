"""Recordings of real walletds on a private chain of their own, Forknote 1.0.8.3 and 2.1.2, and how to compare them.

Names of things (addresses, hashes) differ from run to run. Two answers are the same when one becomes the other by
renaming, the same way each time.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.devnet.proxy import Answered, Exchange

FOLDER = Path(__file__).parents[1] / "replies" / "forknote"
BLANKED = "REDACTED-TEST-KEY"
_ADDRESS = re.compile(r"[1-9A-HJ-NP-Za-km-z]{95}")
_HASH = re.compile(r"[0-9a-f]{64}")
_EXTRA = re.compile(r"01[0-9a-f]{64}(022100[0-9a-f]{64})?")
_GIVEN = re.compile(r"([0-9a-f])([0-9a-f])(\1\2){31}")  # payment ids somebody typed: they are what they are


def load(name: str) -> list[dict[str, Any]]:
    """Exchanges in order; notes are left out."""
    rows = [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]
    return [row for row in rows if "note" not in row]


def brought_by_strangers(name: str) -> dict[str, int]:
    """Per transaction hash, what inputs of others brought in: part of what the camel dialect shows."""
    found: dict[str, int] = {}

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if "transactionHash" in value and "transfers" in value:
                amounts = [one["amount"] for one in value["transfers"] if not one["address"] and one["amount"] < 0]
                found[value["transactionHash"]] = -sum(amounts)
            for one in value.values():
                look(one)
        elif isinstance(value, list):
            for one in value:
                look(one)

    for row in load(name):
        if row["body"].startswith("{"):
            look(json.loads(row["body"]))
    return found


class Names:
    """What a recorded name is called here."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def translate(self, text: str) -> str:
        for recorded, ours in self.known.items():
            text = text.replace(recorded, ours)
        return text

    def difference(self, recorded: Any, ours: Any, place: str = "") -> str:
        """The first place where the two differ, or nothing. Learns names on its way."""
        if type(recorded) is not type(ours):
            return f"{place}: recorded {recorded!r}, here {ours!r}"
        if isinstance(recorded, dict):
            if "transactionHash" in recorded and "transfers" in recorded and "transfers" in ours:
                # The camel dialect keeps these in an order of its own, which means nothing.
                recorded, ours = _in_order(recorded), _in_order(ours)
            if list(recorded) != list(ours):
                return f"{place}: recorded keys {list(recorded)}, here {list(ours)}"
            return self._first((recorded[key], ours[key], f"{place}.{key}") for key in recorded)
        if isinstance(recorded, list):
            if len(recorded) != len(ours):
                return f"{place}: recorded {len(recorded)} items, here {len(ours)}"
            pairs = enumerate(zip(recorded, ours, strict=True))
            return self._first((one, other, f"{place}[{at}]") for at, (one, other) in pairs)
        if place.endswith("timestamp"):
            return "" if bool(recorded) == bool(ours) else f"{place}: recorded {recorded}, here {ours}"
        return self._leaf(recorded, ours, place)

    def _first(self, pairs: Any) -> str:
        return next((found for found in (self.difference(*pair) for pair in pairs) if found), "")

    def _leaf(self, recorded: Any, ours: Any, place: str) -> str:
        if recorded in (ours, BLANKED):
            return ""
        if isinstance(recorded, str):
            for shape in (_ADDRESS, _HASH, _EXTRA):
                if shape.fullmatch(recorded) and shape.fullmatch(ours) and not _GIVEN.fullmatch(recorded):
                    if shape is _EXTRA:
                        return "" if recorded[66:] == ours[66:] else f"{place}: another payment id"
                    if self.known.setdefault(recorded, ours) == ours:
                        return ""
        return f"{place}: recorded {recorded!r}, here {ours!r}"


def _in_order(transaction: dict[str, Any]) -> dict[str, Any]:
    return {**transaction, "transfers": sorted(transaction["transfers"], key=lambda one: one["amount"])}


class Stage:
    """Recorded replies of one moment, by method and parameters. What was not asked then is a mistake, but for
    `besides`: replies to calls that the recording has elsewhere or not at all."""

    def __init__(self, rows: list[dict[str, Any]], besides: dict[str, Any]) -> None:
        self._rows = {self._key(json.loads(row["request"])): row["body"] for row in rows if row["request"]}
        self._besides = besides
        self.wrong: list[str] = []

    @staticmethod
    def _key(asked: dict[str, Any]) -> str:
        return json.dumps([asked["method"], asked.get("params", {})], sort_keys=True)

    def ask(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered:
        asked = json.loads(body)
        recorded = self._rows.get(self._key(asked))
        if recorded is not None:
            return 200, {}, json.dumps({**json.loads(recorded), "id": asked["id"]}).encode()
        if asked["method"] in self._besides:
            return 200, {}, json.dumps({"id": asked["id"], "result": self._besides[asked["method"]]}).encode()
        self.wrong.append(self._key(asked))
        return 500, {}, b"not recorded"

    def close(self) -> None:
        """A connection ends; the recording goes on."""
