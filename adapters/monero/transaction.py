"""A signed Monero transaction read from its bytes: what can be said of it without any key.

Source: serialization of `transaction` (cryptonote_basic.h) and `rctSigBase`/`rctSigPrunable` (rctTypes.h) of monerod
0.18, RingCT type 6 (Bulletproofs+ and CLSAG), the one type the network takes today. A transaction's name is the Keccak
of three Keccaks: of its prefix, of its base and of its prunable rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters.codecs.keccak import keccak_256

VERSION: Final = 2
BULLETPROOF_PLUS: Final = 6
TO_KEY: Final = 2  # the only kind of input
KEY, TAGGED_KEY = 2, 3  # kinds of output
POINT: Final = 32  # bytes, of a point or a scalar alike
PADDING, PUBLIC, NONCE, MERGE, ADDITIONAL = 0, 1, 2, 3, 4  # what `extra` holds
ENCRYPTED_ID: Final = 1
MOST: Final = 1 << 16  # of anything: inputs, ring members, bytes of extra
MOST_OUTPUTS: Final = 16  # as a proof covers


class Unreadable(ValueError):
    """Not such a transaction."""


@dataclass(frozen=True, slots=True)
class Output:
    """key: the one-time key it is paid to. masked: the amount, hidden from all but payer and payee. commitment: what
    binds that amount."""

    key: bytes
    masked: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """hash: hex. key_images: hex, of the inputs. public: the key R of the transaction; additional: one for each output,
    where it pays several subaddresses. payment_id: 8 encrypted bytes or none. fee: atomic units."""

    hash: str
    unlock_time: int
    key_images: tuple[str, ...]
    outputs: tuple[Output, ...]
    public: bytes
    additional: tuple[bytes, ...]
    payment_id: bytes
    fee: int


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def take(self, length: int) -> bytes:
        found = self.data[self.place : self.place + length]
        if len(found) != length:
            raise Unreadable("cut off")
        self.place += length
        return found

    def number(self) -> int:
        """Seven bits a byte, the lowest first; in its one shortest form, as monerod demands."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                if (byte == 0 and shift) or value >= 1 << 64:
                    break
                return value
        raise Unreadable("a number in no proper form")

    def count(self) -> int:
        found = self.number()
        if found > MOST:
            raise Unreadable("too many")
        return found

    def point(self) -> bytes:
        return self.take(POINT)

    def demand(self, value: int, *, is_one_of: tuple[int, ...]) -> None:
        if value not in is_one_of:
            raise Unreadable(f"unknown kind {value}")


def read(data: bytes) -> Signed:
    """The transaction that these bytes begin with; what follows it is left alone. Raises Unreadable."""
    source = _Reader(data)
    source.demand(source.number(), is_one_of=(VERSION,))
    unlock_time = source.number()
    rings, images = _inputs(source)
    keys = _outputs(source)
    if len(keys) > MOST_OUTPUTS:
        raise Unreadable("too many outputs")
    extra = _Extra(source.take(source.count()))
    base = source.place
    source.demand(source.take(1)[0], is_one_of=(BULLETPROOF_PLUS,))
    fee = source.number()
    masked = [source.take(8) for _ in keys]
    commitments = [source.point() for _ in keys]
    rest = source.place
    _skip_prunable(source, rings)
    parts = data[:base], data[base:rest], data[rest : source.place]
    name = keccak_256(b"".join(keccak_256(part) for part in parts)).hex()
    outputs = tuple(Output(*each) for each in zip(keys, masked, commitments, strict=True))
    if extra.public is None or len(extra.additional) not in (0, len(outputs)):
        raise Unreadable("no key to read its outputs by")
    return Signed(name, unlock_time, images, outputs, extra.public, extra.additional, extra.payment_id, fee)


def _inputs(source: _Reader) -> tuple[list[int], tuple[str, ...]]:
    """The size of each ring, and the key images."""
    rings, images = [], []
    for _ in range(source.count()):
        source.demand(source.take(1)[0], is_one_of=(TO_KEY,))
        source.number()  # the amount: hidden, so zero
        rings.append(source.count())
        for _ in range(rings[-1]):
            source.number()
        images.append(source.point().hex())
    return rings, tuple(images)


def _outputs(source: _Reader) -> list[bytes]:
    keys = []
    for _ in range(source.count()):
        source.number()  # as of the inputs
        kind = source.take(1)[0]
        source.demand(kind, is_one_of=(KEY, TAGGED_KEY))
        keys.append(source.point())
        if kind == TAGGED_KEY:
            source.take(1)
    return keys


class _Extra:
    """The first of each kind counts, as it does for wallets; whatever cannot be read to its end is refused."""

    def __init__(self, data: bytes) -> None:
        self.public: bytes | None = None
        self.additional: tuple[bytes, ...] = ()
        self.payment_id = b""
        source = _Reader(data)
        while source.place < len(data):
            kind = source.take(1)[0]
            source.demand(kind, is_one_of=(PADDING, PUBLIC, NONCE, MERGE, ADDITIONAL))
            if kind == PADDING:
                break
            self._field(kind, source)

    def _field(self, kind: int, source: _Reader) -> None:
        if kind == PUBLIC:
            found = source.point()
            self.public = found if self.public is None else self.public
        elif kind == ADDITIONAL:
            keys = tuple(source.point() for _ in range(source.count()))
            self.additional = self.additional or keys
        else:
            held = source.take(source.count())
            if kind == NONCE and len(held) == 9 and held[0] == ENCRYPTED_ID:
                self.payment_id = self.payment_id or held[1:]


def _skip_prunable(source: _Reader, rings: list[int]) -> None:
    for _ in range(source.count()):  # proofs that no amount is negative
        source.take(6 * POINT)
        for _ in range(2):
            source.take(POINT * source.count())
    for ring in rings:  # signatures
        source.take(POINT * (ring + 2))
    source.take(POINT * len(rings))  # commitments of the inputs
