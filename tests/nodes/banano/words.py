"""A request of the RPC, read as the node reads it, and the words it refuses with. Source: nano-node V24."""

from __future__ import annotations

from typing import Any

from adapters.codecs import banano_crypto as crypto

Answer = dict[str, Any]
PREFIXES = ("ban_", "nano_", "xrb_")  # the patched V24 that was recorded takes all three


class Refused(Exception):
    """Becomes {"error": text}."""


class Missing(Exception):
    """A required field is not there: the node calls that a JSON error."""


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


class Request:
    def __init__(self, fields: Answer) -> None:
        self.fields = fields

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def text(self, name: str) -> str:
        if name not in self.fields or isinstance(self.fields[name], dict | list):
            raise Missing(name)
        return text_of(self.fields[name])

    def flag(self, name: str, default: bool = False) -> bool:
        """A word it does not know is silently the default."""
        return {"true": True, "1": True, "false": False, "0": False}.get(text_of(self.fields.get(name, "")), default)

    def number(self, name: str, default: int | None = None, *, words: str = "Invalid count") -> int:
        if name not in self.fields and default is not None:
            return default
        text = self.text(name)
        if not text.isdigit():
            raise Refused(words)
        return int(text)

    def texts(self, name: str) -> list[str]:
        if name not in self.fields:
            raise Missing(name)
        return [text_of(one) for one in self.fields[name]]

    def account(self, name: str = "account") -> str:
        return account_key(self.text(name))

    def hash(self, name: str = "hash", words: str = "Invalid block hash") -> str:
        return hex_key(self.text(name), words)


def hex_key(text: str, words: str) -> str:
    """Short hex is accepted and padded, as the node does."""
    if not text or len(text) > 64 or any(digit not in "0123456789abcdefABCDEF" for digit in text):
        raise Refused(words)
    return text.upper().rjust(64, "0")


def account_key(text: str, words: str = "Bad account number") -> str:
    for prefix in PREFIXES:
        for form in (prefix, prefix.replace("_", "-")):
            if text.startswith(form):
                try:
                    return crypto.decode_address(form, text).hex().upper()
                except crypto.BadAddress:
                    raise Refused(words) from None
    raise Refused(words)


def address(key: str) -> str:
    return crypto.encode_address("ban_", bytes.fromhex(key))


def or_empty(value: Any) -> Any:
    return value if value else ""


def yes(value: bool) -> str:
    return "true" if value else "false"
