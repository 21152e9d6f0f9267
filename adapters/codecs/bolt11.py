"""Lightning invoices (BOLT #11): read with their signature checked, and written.

Amounts are millisatoshi, moments are seconds since 1970.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.codecs import bech32, secp256k1

LONGEST: Final = 4096
DEFAULT_EXPIRY: Final = 3600
LONGEST_EXPIRY: Final = 100 * 365 * 86_400
USUAL_FINAL_BLOCKS: Final = 18
MOST_FINAL_BLOCKS: Final = 2**31
LONGEST_DESCRIPTION: Final = 639  # bytes that fit a tagged field
SIGNATURE: Final = 104  # 5-bit groups
TIMESTAMP: Final = 7
HASH: Final = 52
KEY: Final = 53
# Bits that a payer must understand: variable onion, payment secret, multi-part, blinded routes, metadata. Not
# AMP (30): such an invoice is paid many times, each under another hash.
KNOWN_FEATURES: Final = frozenset({8, 14, 16, 24, 48})
USUAL_FEATURES: Final = 1 << 9 | 1 << 14  # variable onion offered, payment secret required
_PICO: Final = {"": 10**12, "m": 10**9, "u": 10**6, "n": 10**3, "p": 1}
_PREFIX: Final = re.compile(r"ln([a-z]+?)(?:([0-9]{1,20})([munp]?))?")


@dataclass(frozen=True, slots=True)
class Invoice:
    """text: lower case. amount: None where the payer may choose. Hashes, secret and payee are hex, "" where absent."""

    text: str
    currency: str  # bc, tb, tbs, bcrt
    amount: int | None
    timestamp: int
    expiry: int
    payment_hash: str
    payee: str
    secret: str = ""
    description: str = ""
    description_hash: str = ""
    features: int = 0
    final_blocks: int = USUAL_FINAL_BLOCKS  # for the last hop (min_final_cltv_expiry)

    @property
    def expires(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.timestamp + self.expiry)


def decode(text: str) -> Invoice:
    """Raises ValueError with what is wrong, in words."""
    prefix, values, form = bech32.decode(text, longest=LONGEST)
    if form != "bech32":
        raise ValueError("checksum does not fit")
    if len(values) < TIMESTAMP + SIGNATURE:
        raise ValueError("too short")
    currency, amount = _read_prefix(prefix)
    fields = _fields(values[TIMESTAMP:-SIGNATURE])
    payment_hash = fields.get("p")
    if payment_hash is None:
        raise ValueError("no payment hash")
    return Invoice(
        text=text.lower(),
        currency=currency,
        amount=amount,
        timestamp=bech32.to_number(values[:TIMESTAMP]),
        expiry=min(bech32.to_number(fields["x"]), LONGEST_EXPIRY) if "x" in fields else DEFAULT_EXPIRY,
        payment_hash=_bytes(payment_hash).hex(),
        payee=_payee(prefix, values, fields).hex(),
        secret=_bytes(fields.get("s", [])).hex(),
        description=_text(fields.get("d", [])),
        description_hash=_bytes(fields.get("h", [])).hex(),
        features=_features(fields.get("9", [])),
        final_blocks=min(bech32.to_number(fields["c"]), MOST_FINAL_BLOCKS) if "c" in fields else USUAL_FINAL_BLOCKS,
    )


def made_at(text: str) -> int:
    """The timestamp alone, read without checking anything else. Raises ValueError where there is none."""
    letters = text.lower().rpartition("1")[2][:TIMESTAMP]
    if len(letters) < TIMESTAMP or any(letter not in bech32.ALPHABET for letter in letters):
        raise ValueError("no timestamp")
    return bech32.to_number([bech32.ALPHABET.index(letter) for letter in letters])


def _read_prefix(prefix: str) -> tuple[str, int | None]:
    found = _PREFIX.fullmatch(prefix)
    if found is None:
        raise ValueError("not a Lightning invoice")
    currency, digits, unit = found.groups()
    if digits is None:
        return currency, None
    pico = int(digits) * _PICO[unit]
    if pico % 10:
        raise ValueError("the amount is finer than a millisatoshi")
    return currency, pico // 10 or None


def _fields(values: list[int]) -> dict[str, list[int]]:
    """The first field of each kind; those of a wrong length are skipped, as BOLT #11 demands."""
    lengths = {"p": HASH, "h": HASH, "s": HASH, "n": KEY}
    found: dict[str, list[int]] = {}
    place = 0
    while place < len(values):
        if place + 3 > len(values):
            raise ValueError("a field is cut off")
        kind = bech32.ALPHABET[values[place]]
        length = values[place + 1] * 32 + values[place + 2]
        data = values[place + 3 : place + 3 + length]
        if len(data) < length:
            raise ValueError("a field is cut off")
        place += 3 + length
        if lengths.get(kind, length) == length:
            found.setdefault(kind, data)
    return found


def _bytes(values: list[int]) -> bytes:
    """The whole bytes in it; what is left over is padding."""
    spare = len(values) * 5 % 8
    return (bech32.to_number(values) >> spare).to_bytes(len(values) * 5 // 8, "big")


def _text(values: list[int]) -> str:
    try:
        return _bytes(values).decode()
    except UnicodeDecodeError:
        raise ValueError("the description is not text") from None


def _features(values: list[int]) -> int:
    bits = bech32.to_number(values)
    for bit in range(0, bits.bit_length(), 2):
        if bits >> bit & 1 and bit not in KNOWN_FEATURES:
            raise ValueError(f"it asks for feature {bit}, which is not known here")
    return bits


def _digest(prefix: str, values: list[int]) -> bytes:
    """What is signed: the prefix as text, the data as bits padded with zeros to whole bytes."""
    spare = -len(values) * 5 % 8
    data = (bech32.to_number(values) << spare).to_bytes((len(values) * 5 + spare) // 8, "big")
    return hashlib.sha256(prefix.encode() + data).digest()


def _payee(prefix: str, values: list[int], fields: dict[str, list[int]]) -> bytes:
    digest, signature = _digest(prefix, values[:-SIGNATURE]), _bytes(values[-SIGNATURE:])
    if "n" not in fields:
        try:
            return secp256k1.recover(digest, signature)
        except ValueError:
            raise ValueError("the signature does not fit") from None
    payee = _bytes(fields["n"])
    if not secp256k1.verify(digest, signature, payee):
        raise ValueError("the signature does not fit")
    return payee


# -- writing --


def encode(
    key: bytes,
    *,
    currency: str,
    amount: int | None,
    timestamp: int,
    payment_hash: bytes,
    secret: bytes = b"",
    description: str = "",
    description_hash: bytes = b"",
    expiry: int | None = None,
    features: int = USUAL_FEATURES,
) -> str:
    """An invoice signed with the node key of 32 bytes. Raises ValueError where a part has a wrong length.

    With a description_hash the description itself stays out. features are written with a secret only.
    """
    if len(payment_hash) != 32 or len(secret) not in (0, 32) or len(description_hash) not in (0, 32):
        raise ValueError("hashes and secrets have 32 bytes")
    if len(description.encode()) > LONGEST_DESCRIPTION:
        raise ValueError("the description is too long")
    prefix = f"ln{currency}{_amount_text(amount)}"
    values = [(timestamp >> 5 * (TIMESTAMP - 1 - place)) & 31 for place in range(TIMESTAMP)]
    values += _field("p", bech32.to_values(payment_hash))
    if description_hash:
        values += _field("h", bech32.to_values(description_hash))
    else:
        values += _field("d", bech32.to_values(description.encode()))
    if secret:
        values += _field("s", bech32.to_values(secret))
    if expiry is not None:
        values += _field("x", _digits(expiry))
    if secret:
        values += _field("9", _digits(features))
    signature = secp256k1.sign(_digest(prefix, values), key)
    return bech32.encode(prefix, values + bech32.to_values(signature), "bech32")


def _field(kind: str, data: list[int]) -> list[int]:
    return [bech32.ALPHABET.index(kind), len(data) // 32, len(data) % 32, *data]


def _digits(number: int) -> list[int]:
    """A whole number, base 32, without leading zeros."""
    digits: list[int] = []
    while number:
        digits.insert(0, number & 31)
        number >>= 5
    return digits


def _amount_text(amount: int | None) -> str:
    """The shortest form BOLT #11 knows. Raises ValueError for an amount that is not above zero."""
    if amount is None:
        return ""
    if amount <= 0:
        raise ValueError("the amount must be above zero")
    unit, worth = next((unit, worth) for unit, worth in _PICO.items() if amount * 10 % worth == 0)
    return f"{amount * 10 // worth}{unit}"
