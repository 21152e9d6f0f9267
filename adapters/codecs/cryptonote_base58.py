"""Addresses of the CryptoNote family: base58 in blocks of 8 bytes, a prefix number, 4 bytes of Keccak-256.

Source: CryptoNote Standard 007 and base58.cpp of monerod 0.18. Unlike Bitcoin's base58, each block of 8 bytes
becomes 11 letters by itself, so all addresses of one kind are equally long.
"""

from __future__ import annotations

from adapters.codecs.base58 import ALPHABET
from adapters.codecs.keccak import keccak_256

LONGEST = 512  # letters
CHECKSUM = 4  # bytes
_BLOCK, _LETTERS = 8, 11
_SIZES = (0, 2, 3, 5, 6, 7, 9, 10, 11)  # letters of a block of that many bytes
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    return "".join(_encode_block(data[start : start + _BLOCK]) for start in range(0, len(data), _BLOCK))


def _encode_block(block: bytes) -> str:
    number, letters = int.from_bytes(block, "big"), ""
    for _ in range(_SIZES[len(block)]):
        number, digit = divmod(number, 58)
        letters = ALPHABET[digit] + letters
    return letters


def decode(text: str) -> bytes:
    """Raises ValueError with what is wrong, in words a user understands."""
    if len(text) > LONGEST:
        raise ValueError("too long")
    return b"".join(_decode_block(text[start : start + _LETTERS]) for start in range(0, len(text), _LETTERS))


def _decode_block(letters: str) -> bytes:
    if len(letters) not in _SIZES:
        raise ValueError("wrong length")
    number, size = 0, _SIZES.index(len(letters))
    for letter in letters:
        if letter not in _VALUES:
            raise ValueError(f"{letter!r} cannot stand in an address")
        number = number * 58 + _VALUES[letter]
    if number >> (8 * size):
        raise ValueError("letters that cannot stand together")
    return number.to_bytes(size, "big")


def encode_address(prefix: int, payload: bytes) -> str:
    """prefix: the number that names coin, network and kind. payload: public keys, and a payment id if any."""
    data = _varint(prefix) + payload
    return encode(data + keccak_256(data)[:CHECKSUM])


def decode_address(text: str) -> tuple[int, bytes]:
    """Prefix and payload. Raises ValueError with what is wrong."""
    data = decode(text)
    body, checksum = data[:-CHECKSUM], data[-CHECKSUM:]
    if not body or keccak_256(body)[:CHECKSUM] != checksum:
        raise ValueError("a letter is wrong or missing")
    return _split(body)


def _varint(number: int) -> bytes:
    made = bytearray()
    while number >= 0x80:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def _split(body: bytes) -> tuple[int, bytes]:
    number = 0
    for place, byte in enumerate(body[:10]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if place and not byte:
                raise ValueError("its beginning is written in a roundabout way")
            return number, body[place + 1 :]
    raise ValueError("its beginning cannot be read")
