"""JSON as our own API takes it: small, shallow, no duplicate keys, no floating-point numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_BYTES: Final = 65_536
MAX_DEPTH: Final = 8
MAX_INTEGER: Final = 18  # digits; more belongs into a string


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    return found


def _no_float(text: str) -> Any:
    raise ValueError("write decimal numbers as strings")


def _bounded(text: str) -> int:
    if len(text.lstrip("-")) > MAX_INTEGER:
        raise ValueError("write large numbers as strings")
    return int(text)


def _depth(value: Any, level: int = 1) -> None:
    if level > MAX_DEPTH:
        raise ValueError("nested too deeply")
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        _depth(child, level + 1)


def load(raw: bytes) -> Any:
    """The value in these bytes; raises ValueError with a sentence for anything we do not take."""
    if len(raw) > MAX_BYTES:
        raise ValueError("the request is too large")
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_float=_no_float, parse_constant=_no_float,
            parse_int=_bounded,
        )  # fmt: skip
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    _depth(value)
    return value


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return load(stream.read(MAX_BYTES + 1))
        except ValueError as error:
            raise ParseError(f"The request is not JSON as this API takes it: {error}.") from error
