"""ECDSA on secp256k1 with recovery of the public key: what signs and proves Lightning invoices.

Not in constant time: for invoices of simulated networks, and for checking what others signed. Deterministic
nonces as in RFC 6979, low s as in BIP-62. Curve: SEC 2, section 2.4.1.
"""

from __future__ import annotations

import functools
import hashlib
import hmac

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

Affine = tuple[int, int]
Point = tuple[int, int, int]  # Jacobian: x / z^2, y / z^3; z = 0 is the point at infinity
NOWHERE: Point = (0, 1, 0)
_WINDOWS = 64  # of four bits each


def _double(point: Point) -> Point:
    x, y, z = point
    if z == 0 or y == 0:
        return NOWHERE
    square = y * y % P
    s = 4 * x * square % P
    m = 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * square * square) % P, 2 * y * z % P


def _add(one: Point, other: Point) -> Point:
    if one[2] == 0:
        return other
    if other[2] == 0:
        return one
    (x1, y1, z1), (x2, y2, z2) = one, other
    zz1, zz2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * zz2 % P, x2 * zz1 % P
    s1, s2 = y1 * zz2 * z2 % P, y2 * zz1 * z1 % P
    if u1 == u2:
        return _double(one) if s1 == s2 else NOWHERE
    h, r = u2 - u1, s2 - s1
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, h * z1 * z2 % P


def _affine(point: Point) -> Affine:
    """Raises ValueError for the point at infinity."""
    x, y, z = point
    if z == 0:
        raise ValueError("no such point")
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P


def _multiples(point: Point) -> list[Point]:
    """0 to 15 times the point."""
    found = [NOWHERE, point]
    for _ in range(14):
        found.append(_add(found[-1], point))
    return found


@functools.cache
def _table() -> list[list[Point]]:
    """For each four bits of a factor, the sixteen multiples of G at that place."""
    rows, base = [], (*G, 1)
    for _ in range(_WINDOWS):
        row = [NOWHERE] + [(*_affine(point), 1) for point in _multiples(base)[1:]]
        rows.append(row)
        base = _add(row[15], base)
    return rows


def _times_g(factor: int) -> Point:
    found = NOWHERE
    for place, row in enumerate(_table()):
        found = _add(found, row[(factor >> 4 * place) & 15])
    return found


def _times(factor: int, point: Affine) -> Point:
    row, found = _multiples((*point, 1)), NOWHERE
    for place in reversed(range(_WINDOWS)):
        for _ in range(4):
            found = _double(found)
        found = _add(found, row[(factor >> 4 * place) & 15])
    return found


def _lift(x: int, odd: int) -> Affine:
    """The point with this x and the parity of y. Raises ValueError when there is none."""
    if not 0 < x < P:
        raise ValueError("no such point")
    square = (x * x * x + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        raise ValueError("no such point")
    return x, y if y & 1 == odd else P - y


def _compressed(point: Affine) -> bytes:
    return bytes([2 + (point[1] & 1)]) + point[0].to_bytes(32, "big")


def public_key(key: bytes) -> bytes:
    """33 bytes, compressed. Raises ValueError for a key that is no number from 1 to N - 1."""
    return _compressed(_affine(_times_g(_secret(key))))


def _secret(key: bytes) -> int:
    number = int.from_bytes(key, "big")
    if len(key) != 32 or not 0 < number < N:
        raise ValueError("not a private key")
    return number


def _nonces(key: bytes, digest: bytes) -> list[int]:
    """The first few candidates of RFC 6979, section 3.2, with HMAC-SHA256."""
    z = (int.from_bytes(digest, "big") % N).to_bytes(32, "big")
    mac, value = b"\x00" * 32, b"\x01" * 32
    for mark in (b"\x00", b"\x01"):
        mac = _hmac(mac, value + mark + key + z)
        value = _hmac(mac, value)
    found = []
    for _ in range(4):
        value = _hmac(mac, value)
        found.append(int.from_bytes(value, "big"))
        mac = _hmac(mac, value + b"\x00")
        value = _hmac(mac, value)
    return [nonce for nonce in found if 0 < nonce < N]


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def sign(digest: bytes, key: bytes) -> bytes:
    """65 bytes: r, s and the recovery flag. digest: 32 bytes."""
    secret, z = _secret(key), int.from_bytes(digest, "big")
    for nonce in _nonces(key, digest):
        x, y = _affine(_times_g(nonce))
        r = x % N
        s = pow(nonce, -1, N) * (z + r * secret) % N
        if not r or not s:
            continue
        flag = (y & 1) | (2 if x >= N else 0)
        if s > N // 2:
            s, flag = N - s, flag ^ 1
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([flag])
    raise ValueError("this digest cannot be signed with this key")


def _parts(signature: bytes) -> tuple[int, int, int]:
    if len(signature) != 65 or signature[64] > 3:
        raise ValueError("not a signature")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not (0 < r < N and 0 < s < N):
        raise ValueError("not a signature")
    return r, s, signature[64]


def recover(digest: bytes, signature: bytes) -> bytes:
    """The public key (33 bytes) that made this signature of 65 bytes. Raises ValueError when there is none."""
    r, s, flag = _parts(signature)
    point = _lift(r + N if flag & 2 else r, flag & 1)
    z, inverse = int.from_bytes(digest, "big"), pow(r, -1, N)
    return _compressed(_affine(_add(_times_g(-z * inverse % N), _times(s * inverse % N, point))))


def verify(digest: bytes, signature: bytes, key: bytes) -> bool:
    """Whether the owner of this public key (33 bytes) made the signature, whatever its recovery flag."""
    try:
        r, s, _ = _parts(signature)
        if len(key) != 33 or key[0] not in (2, 3):
            return False
        point = _lift(int.from_bytes(key[1:], "big"), key[0] & 1)
        z, inverse = int.from_bytes(digest, "big"), pow(s, -1, N)
        x, _ = _affine(_add(_times_g(z * inverse % N), _times(r * inverse % N, point)))
    except ValueError:
        return False
    return x % N == r
