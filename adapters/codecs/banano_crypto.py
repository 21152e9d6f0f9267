"""Keys, addresses, signatures, block hashes and proof of work of Banano and Nano; standard library only.

Source: nano-node V24 (ed25519 with blake2b-512 in place of SHA-512; state blocks with preamble 6). PyNaCl, where it
is installed, does the curve's multiplications faster; results are equal. Python's integers take a time that depends
on the key: sign only blocks this site itself builds, never what a stranger hands in.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

ALPHABET: Final = "13456789abcdefghijkmnopqrstuwxyz"
MAX_AMOUNT: Final = (1 << 128) - 1
MAX_INDEX: Final = (1 << 32) - 1
STATE_PREAMBLE: Final = bytes(31) + b"\x06"
TRIES_PER_LOOK: Final = 1 << 16  # about 40 ms of work between two looks at the clock

_P: Final = (1 << 255) - 19
_L: Final = (1 << 252) + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT: Final = pow(2, (_P - 1) // 4, _P)  # of -1

Point = tuple[int, int, int, int]  # extended coordinates X, Y, Z, T with X*Y = Z*T


class BadAddress(ValueError):
    """Not an address; the text says why."""


# -- addresses --


def encode_address(prefix: str, key: bytes) -> str:
    """key: 32 bytes of a public key."""
    body = _base32(int.from_bytes(key, "big"), 52)
    check = _base32(int.from_bytes(_checksum(key), "big"), 8)
    return f"{prefix}{body}{check}"


def decode_address(prefix: str, text: str) -> bytes:
    """The public key, 32 bytes. Raises BadAddress: nothing but the exact form is taken, as copied from a wallet."""
    if not text.startswith(prefix):
        raise BadAddress(f"it must begin with {prefix}")
    body = text[len(prefix) :]
    if len(body) != 60:
        raise BadAddress(f"after {prefix} there must be 60 characters, here are {len(body)}")
    wrong = next((letter for letter in body if letter not in ALPHABET), None)
    if wrong is not None:
        raise BadAddress(f"the character {wrong!r} never stands in one")
    if body[0] not in "13":
        raise BadAddress(f"after {prefix} there must be a 1 or a 3")
    key = _number(body[:52]).to_bytes(32, "big")
    if _base32(int.from_bytes(_checksum(key), "big"), 8) != body[52:]:
        raise BadAddress("a character is wrong: its checksum does not fit")
    return key


def _checksum(key: bytes) -> bytes:
    return blake2b(key, digest_size=5).digest()[::-1]


def _base32(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))


def _number(text: str) -> int:
    number = 0
    for letter in text:
        number = number << 5 | ALPHABET.index(letter)
    return number


# -- keys and signatures --


def private_key(seed: bytes, index: int) -> bytes:
    """seed: 32 bytes; index: 0 to 2**32 - 1."""
    if len(seed) != 32 or not 0 <= index <= MAX_INDEX:
        raise ValueError("a seed has 32 bytes, an index 32 bits")
    return blake2b(seed + index.to_bytes(4, "big"), digest_size=32).digest()


def public_key(private: bytes) -> bytes:
    return _base_times(_secret_scalar(private))


def sign(private: bytes, message: bytes) -> bytes:
    """64 bytes, the same for the same message."""
    scalar, key = _secret_scalar(private), public_key(private)
    nonce = _digest_number(blake2b(private).digest()[32:] + message)
    point = _base_times(nonce)
    proof = nonce + _digest_number(point + key + message) * scalar
    return point + (proof % _L).to_bytes(32, "little")


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """False for anything that is not exactly right, a signature with S >= L included."""
    if len(key) != 32 or len(signature) != 64:
        return False
    proof = int.from_bytes(signature[32:], "little")
    point = _unpack(key)
    if proof >= _L or point is None:
        return False
    negative = (_P - point[0], point[1], point[2], _P - point[3])
    challenge = _digest_number(signature[:32] + key + message)
    return _pack(_add(_times_base(proof), _times(negative, challenge))) == signature[:32]


def _secret_scalar(private: bytes) -> int:
    half = bytearray(blake2b(private).digest()[:32])
    half[0] &= 248
    half[31] = half[31] & 127 | 64
    return int.from_bytes(half, "little")


def _digest_number(data: bytes) -> int:
    return int.from_bytes(blake2b(data).digest(), "little") % _L


def _base_times(scalar: int) -> bytes:
    """The packed multiple of the base point."""
    scalar %= _L
    fast = _fast_base_times()
    if fast is not None and scalar:
        return bytes(fast(scalar.to_bytes(32, "little")))
    return _pack(_times_base(scalar))


@cache
def _fast_base_times() -> Callable[[bytes], bytes] | None:
    if find_spec("nacl") is None:
        return None
    bindings: Any = import_module("nacl.bindings")
    return getattr(bindings, "crypto_scalarmult_ed25519_base_noclamp", None)


def _add(one: Point, two: Point) -> Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c = 2 * one[3] * two[3] * _D % _P
    d = 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


_NEUTRAL: Final[Point] = (0, 1, 1, 0)


def _times(point: Point, scalar: int) -> Point:
    made = _NEUTRAL
    while scalar:
        if scalar & 1:
            made = _add(made, point)
        point = _add(point, point)
        scalar >>= 1
    return made


@cache
def _base_table() -> list[list[Point]]:
    """Row r holds 0..15 times 16**r times the base point: a multiple of it is then 64 additions."""
    y = 4 * pow(5, -1, _P) % _P
    point = _unpack(y.to_bytes(32, "little"))
    assert point is not None
    table = []
    for _ in range(64):
        row = [_NEUTRAL]
        for _ in range(15):
            row.append(_add(row[-1], point))
        table.append(row)
        point = _add(row[-1], point)
    return table


def _times_base(scalar: int) -> Point:
    made = _NEUTRAL
    for row in _base_table():
        if digit := scalar & 15:
            made = _add(made, row[digit])
        scalar >>= 4
    return made


def _pack(point: Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _unpack(packed: bytes) -> Point | None:
    number = int.from_bytes(packed, "little")
    odd, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and odd):
        return None
    x = x if x & 1 == odd else _P - x
    return x, y, 1, x * y % _P


# -- blocks --


def state_hash(account: bytes, previous: bytes, representative: bytes, balance: int, link: bytes) -> bytes:
    """The 32 bytes that name a state block; neither signature nor work is part of them."""
    parts = (STATE_PREAMBLE, account, previous, representative, balance.to_bytes(16, "big"), link)
    return blake2b(b"".join(parts), digest_size=32).digest()


def open_hash(source: bytes, representative: bytes, account: bytes) -> bytes:
    """The name of a block of the oldest kind, the one each ledger begins with."""
    return blake2b(source + representative + account, digest_size=32).digest()


# -- proof of work --


def work_value(root: bytes, work: int) -> int:
    """What a threshold is compared with. root: the previous block, or the public key for an account's first block."""
    return int.from_bytes(blake2b(work.to_bytes(8, "little") + root, digest_size=8).digest(), "little")


def work_is_enough(root: bytes, work: str, threshold: int) -> bool:
    """work: 16 hex digits, as the node prints it."""
    if len(work) != 16 or any(digit not in "0123456789abcdefABCDEF" for digit in work):
        return False
    return work_value(root, int(work, 16)) >= threshold


def find_work(root: bytes, threshold: int, seconds: int) -> str | None:
    """16 hex digits, or None when the time is over. At Banano's threshold 8.4 million tries on average."""
    ends, start = time.monotonic() + seconds, secrets.randbits(63)
    while time.monotonic() < ends:
        found = _search(root, threshold, start, TRIES_PER_LOOK)
        if found is not None:
            return f"{found:016x}"
        start += TRIES_PER_LOOK
    return None


def _search(root: bytes, threshold: int, start: int, tries: int) -> int | None:
    number, hashed = int.from_bytes, blake2b
    for work in range(start, start + tries):
        if number(hashed(work.to_bytes(8, "little") + root, digest_size=8).digest(), "little") >= threshold:
            return work
    return None
