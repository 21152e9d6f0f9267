"""Bech32 (BIP-173), Bech32m (BIP-350) and the segregated witness addresses made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

Form = Literal["bech32", "bech32m"]

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
LONGEST = 90
CONSTANTS: dict[Form, int] = {"bech32": 1, "bech32m": 0x2BC830A3}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_LETTERS = frozenset(ALPHABET)
_TO_VALUES = bytes.maketrans(ALPHABET.encode(), bytes(range(32)))
_DIGITS = "0123456789abcdefghijklmnopqrstuv"  # as int() reads base 32


def _feedback(top: int) -> int:
    found = 0
    for bit in range(5):
        found ^= _GENERATOR[bit] if (top >> bit) & 1 else 0
    return found


_FEEDBACK = tuple(map(_feedback, range(32)))


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _FEEDBACK[check >> 25]
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
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a letter that cannot stand here")
    if text.lower() != text and text.upper() != text:
        raise ValueError("capital and small letters are mixed")
    prefix, mark, data = text.lower().rpartition("1")
    if not mark or not prefix or len(data) < 6:
        raise ValueError("no prefix or no checksum")
    if not _LETTERS.issuperset(data):
        raise ValueError("a letter that cannot stand here")
    values = list(data.encode().translate(_TO_VALUES))
    found = _polymod([*_expand(prefix), *values])
    for form, constant in CONSTANTS.items():
        if found == constant:
            return prefix, values[:-6], form
    raise ValueError("checksum does not fit")


def to_values(data: bytes) -> list[int]:
    """Bytes as 5-bit numbers, padded with zeros."""
    spare = -len(data) * 8 % 5
    number = int.from_bytes(data, "big") << spare
    return [number >> place & 31 for place in range(len(data) * 8 + spare - 5, -1, -5)]


def to_bytes(values: list[int]) -> bytes:
    """Raises ValueError where the padding is too long or not zero."""
    whole, spare = divmod(len(values) * 5, 8)
    number = to_number(values)
    if spare > 4 or number & (1 << spare) - 1:
        raise ValueError("wrong padding")
    return (number >> spare).to_bytes(whole, "big")


def to_number(values: Sequence[int]) -> int:
    """The 5-bit numbers as one, the first of them the highest."""
    return int("".join([_DIGITS[value] for value in values]) or "0", 32)


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
