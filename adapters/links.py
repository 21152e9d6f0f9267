"""Payment links of the form scheme:address?name=value&…, taken apart and put together. BIP-21 and its relatives."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl, quote

from wallets_site.base.errors import InvalidAddress

_AMOUNT = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,30}))?")


def read(text: str, schemes: Collection[str], coin: str) -> tuple[str, dict[str, str]]:
    """The address and the fields. Raises InvalidAddress: another scheme, or something said twice."""
    scheme, _, rest = text.partition(":")
    if scheme.lower() not in schemes:
        raise InvalidAddress(f"This is not a {coin} payment link.")
    address, _, query = rest.removeprefix("//").partition("?")
    said = parse_qsl(query)
    if len(fields := dict(said)) != len(said):
        raise InvalidAddress("This payment link says one thing twice.")
    return address, fields


def amount(text: str, decimals: int) -> int:
    """An amount in coins as atomic units. Raises InvalidAddress for what is not exactly one."""
    found = _AMOUNT.fullmatch(text)
    if not found or not text.isascii() or len(found[2] or "") > decimals:
        raise InvalidAddress("The amount in this payment link cannot be read.")
    return int(found[1] + (found[2] or "").ljust(decimals, "0"))


def write(scheme: str, address: str, fields: Mapping[str, str]) -> str:
    """Empty fields are left out."""
    said = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items() if value)
    return f"{scheme}:{address}{'?' if said else ''}{said}"
