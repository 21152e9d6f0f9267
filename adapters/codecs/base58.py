"""Base58Check as Bitcoin defines it: version and payload, then the first 4 bytes of double SHA-256."""

from __future__ import annotations

import hashlib

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LONGEST = 128  # characters; decoding time grows with the square
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    letters = ""
    while number:
        number, digit = divmod(number, 58)
        letters = ALPHABET[digit] + letters
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + letters


def decode(text: str) -> bytes:
    """Raises ValueError for a letter outside the alphabet or a text that is too long."""
    if len(text) > LONGEST:
        raise ValueError("too long")
    number = 0
    for letter in text:
        if letter not in _VALUES:
            raise ValueError(f"{letter!r} is not a base58 letter")
        number = number * 58 + _VALUES[letter]
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]


def encode_check(data: bytes) -> str:
    return encode(data + _checksum(data))


def decode_check(text: str) -> bytes:
    """The bytes without their checksum. Raises ValueError where it does not fit."""
    data = decode(text)
    if len(data) < 5 or _checksum(data[:-4]) != data[-4:]:
        raise ValueError("checksum does not fit")
    return data[:-4]
