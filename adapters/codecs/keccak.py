"""Keccak-256 as it was before NIST changed its padding for SHA-3: hashlib's sha3_256 gives other digests.

Source: Bertoni, Daemen, Peeters, Van Assche, "The Keccak reference", version 3.0; Keccak[r=1088, c=512].
"""

from __future__ import annotations

RATE = 136  # bytes taken in at once
_MASK = (1 << 64) - 1


def _constants() -> tuple[int, ...]:
    """The 24 round constants, from their shift register."""
    made, register = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            constant |= (register & 1) << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        made.append(constant)
    return tuple(made)


def _turns() -> tuple[tuple[int, int, int], ...]:
    """(from lane, to lane, bits to turn) of the steps rho and pi; a lane's number is x + 5y."""
    made, x, y = [(0, 0, 0)], 1, 0
    for step in range(24):
        made.append((x + 5 * y, y + 5 * ((2 * x + 3 * y) % 5), (step + 1) * (step + 2) // 2 % 64))
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(made)


_CONSTANTS, _TURNS = _constants(), _turns()


def _left(lane: int, bits: int) -> int:
    return ((lane << bits) | (lane >> (64 - bits))) & _MASK


def _permute(lanes: list[int]) -> list[int]:
    for constant in _CONSTANTS:
        sums = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        mixed = [sums[(x + 4) % 5] ^ _left(sums[(x + 1) % 5], 1) for x in range(5)]
        moved = [0] * 25
        for source, target, bits in _TURNS:
            moved[target] = _left(lanes[source] ^ mixed[source % 5], bits)
        lanes = [
            moved[place]
            ^ (~moved[place - place % 5 + (place + 1) % 5] & moved[place - place % 5 + (place + 2) % 5] & _MASK)
            for place in range(25)
        ]
        lanes[0] ^= constant
    return lanes


def keccak_256(data: bytes) -> bytes:
    """The 32-byte digest."""
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % RATE))
    padded[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), RATE):
        for place in range(RATE // 8):
            lanes[place] ^= int.from_bytes(padded[start + 8 * place : start + 8 * place + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])
