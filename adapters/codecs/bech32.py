"""Bech32 (BIP-173), Bech32m (BIP-350) and the segregated witness addresses made of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Form = Literal["bech32", "bech32m"]

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
LONGEST = 90
CONSTANTS: dict[Form, int] = {"bech32": 1, "bech32m": 0x2BC830A3}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit in range(5):
            check ^= _GENERATOR[bit] if (top >> bit) & 1 else 0
    return check


def _expand(prefix: str) -> list[int]:
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def encode(prefix: str, values: list[int], form: Form) -> str:
    """prefix: lower case; values: 5-bit numbers."""
    check = _polymod([*_expand(prefix), *values, 0, 0, 0, 0, 0, 0]) ^ CONSTANTS[form]
    checksum = [(check >> 5 * (5 - place)) & 31 for place in range(6)]
    return f"{prefix}1{''.join(ALPHABET[value] for value in [*values, *checksum])}"


def decode(text: str, *, longest: int = LONGEST) -> tuple[str, list[int], Form]:
    """Prefix, 5-bit numbers and which of the two forms. Raises ValueError with what is wrong."""
    if len(text) > longest:
        raise ValueError("too long")
    if any(not 33 <= ord(letter) <= 126 for letter in text):
        raise ValueError("a letter that cannot stand here")
    if text.lower() != text and text.upper() != text:
        raise ValueError("capital and small letters are mixed")
    prefix, mark, data = text.lower().rpartition("1")
    if not mark or not prefix or len(data) < 6:
        raise ValueError("no prefix or no checksum")
    if any(letter not in _VALUES for letter in data):
        raise ValueError("a letter that cannot stand here")
    values = [_VALUES[letter] for letter in data]
    found = _polymod([*_expand(prefix), *values])
    for form, constant in CONSTANTS.items():
        if found == constant:
            return prefix, values[:-6], form
    raise ValueError("checksum does not fit")


def to_values(data: bytes) -> list[int]:
    """Bytes as 5-bit numbers, padded with zeros."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[place : place + 5], 2) for place in range(0, len(bits), 5)]


def to_bytes(values: list[int]) -> bytes:
    """Raises ValueError where the padding is too long or not zero."""
    bits = "".join(f"{value:05b}" for value in values)
    spare = len(bits) % 8
    if spare > 4 or "1" in bits[len(bits) - spare :]:
        raise ValueError("wrong padding")
    return bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits) - spare, 8))


def encode_witness(prefix: str, version: int, program: bytes) -> str:
    form: Form = "bech32" if version == 0 else "bech32m"
    return encode(prefix, [version, *to_values(program)], form)


def decode_witness(text: str) -> tuple[str, int, bytes]:
    """Prefix, witness version and program. Raises ValueError with what is wrong (rules of BIP-350)."""
    prefix, values, form = decode(text)
    if not values or values[0] > 16:
        raise ValueError("unknown version")
    version, program = values[0], to_bytes(values[1:])
    if not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        raise ValueError("wrong length")
    if (form == "bech32") != (version == 0):
        raise ValueError("checksum does not fit")
    return prefix, version, program
