"""A node's reading calls: their names, their fields, and how what a manager types becomes a parameter.

A family lists its calls as text, one line each: "blockhash* verbosity#". A star marks a field the node insists on,
# a whole number, ? yes or no, [] a list of texts, [#] a list of whole numbers; the others are text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from adapters.shapes import NodeRefused

Kind = Literal["text", "whole", "flag", "texts", "wholes"]

LONGEST_FIELD: Final = 20_000  # letters; a raw transaction is long
HIGHEST: Final = 2**63 - 1
EXPLORE_SECONDS: Final = 20  # a manager waits for the page
HIDDEN: Final = "(not shown)"
SHORTEST_SECRET: Final = 8  # letters; a shorter one would blank out ordinary words
_FIELD: Final = re.compile(r"(\w+)(#|\?|\[\]|\[#\])?(\*)?")
_KINDS: Final[dict[str, Kind]] = {"": "text", "#": "whole", "?": "flag", "[]": "texts", "[#]": "wholes"}


@dataclass(frozen=True, slots=True)
class ReadingField:
    name: str
    kind: Kind
    required: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """program: who is asked, where a family has several programs or dialects; part of what managers see."""

    method: str
    fields: tuple[ReadingField, ...]
    program: str = ""


def readings(program: str, calls: Mapping[str, str]) -> tuple[Reading, ...]:
    """calls: method -> its fields, as this module's docstring says."""
    return tuple(Reading(method, tuple(map(_field, text.split())), program) for method, text in calls.items())


def _field(text: str) -> ReadingField:
    found = _FIELD.fullmatch(text)
    if found is None:
        raise ValueError(f"not a field: {text!r}")
    return ReadingField(found[1], _KINDS[found[2] or ""], bool(found[3]))


def params_of(reading: Reading, typed: Mapping[str, str]) -> dict[str, Any]:
    """What to ask; empty fields are left out. Raises NodeRefused for an unknown, missing or unreadable one."""
    known = {field.name for field in reading.fields}
    unknown = sorted(set(typed) - known)
    if unknown:
        raise NodeRefused(f"{reading.method} has no field {unknown[0]!r}.")
    asked = {}
    for field in reading.fields:
        text = typed.get(field.name, "").strip()
        if len(text) > LONGEST_FIELD:
            raise NodeRefused(f"{field.name} is too long.")
        if text:
            asked[field.name] = _value(field, text)
        elif field.required:
            raise NodeRefused(f"{reading.method} needs {field.name}.")
    return asked


def _value(field: ReadingField, text: str) -> Any:
    if field.kind == "whole":
        return _whole(text)
    if field.kind == "flag":
        if text not in ("true", "false"):
            raise NodeRefused(f"{field.name} is yes or no.")
        return text == "true"
    if field.kind in ("texts", "wholes"):
        items = [one for one in re.split(r"[\s,]+", text) if one]
        return [_whole(one) for one in items] if field.kind == "wholes" else items
    return text


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > HIGHEST:
        raise NodeRefused(f"{text[:40]!r} is not a whole number that the node can read.")
    return int(text)


# Names of fields that no node should answer to these calls, small letters, without "_". An invoice's preimage pays it;
# `admin` is the login of an LNbits manager.
_SECRET_NAMES: Final = frozenset(
    {
        *("adminkey", "inkey", "invoicekey", "admin", "preimage", "accesstoken", "password", "passphrase"),
        *("seed", "mnemonic", "mnemonicseed", "privkey", "privatekey", "txkey"),
        *("spendsecretkey", "viewsecretkey", "spendkey", "viewkey"),
    }
)


def blanked(answer: Any, secrets: Sequence[str]) -> Any:
    """The answer with what is secret by its name, and our own secrets wherever they stand, blanked out."""
    if isinstance(answer, dict):
        return {name: _blanked_field(str(name), value, secrets) for name, value in answer.items()}
    if isinstance(answer, list):
        return [blanked(one, secrets) for one in answer]
    if isinstance(answer, str):
        for secret in secrets:
            if len(secret) >= SHORTEST_SECRET:
                answer = answer.replace(secret, HIDDEN)
    return answer


def _blanked_field(name: str, value: Any, secrets: Sequence[str]) -> Any:
    is_secret = name.lower().replace("_", "") in _SECRET_NAMES
    return HIDDEN if is_secret and isinstance(value, str) and value else blanked(value, secrets)
