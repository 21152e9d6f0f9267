"""Invoices by the examples of BOLT #11, signatures beside an independent implementation."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.codecs import bech32, bolt11, secp256k1

VECTORS = json.loads((Path(__file__).parent / "bolt11.json").read_text())
KEY, HASH = bytes.fromhex(VECTORS["key"]), bytes.fromhex(VECTORS["hash"])
MADE = 1496314658
ECDSA = ec.ECDSA(Prehashed(hashes.SHA256()))


def bits(numbers: list[int]) -> int:
    return sum(1 << number for number in numbers)


def made(**parts: Any) -> str:
    for name in ("secret", "description_hash"):
        if name in parts:
            parts[name] = bytes.fromhex(parts[name])
    if "features" in parts:
        parts["features"] = bits(parts["features"])
    settings = {"currency": "bc", "amount": 1000, "timestamp": MADE, "payment_hash": HASH}
    return bolt11.encode(KEY, **{**settings, **parts})


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda vector: vector["text"][:40])
def test_it_reads_the_examples_of_the_standard(vector: dict[str, Any]):
    invoice = bolt11.decode(vector["text"])

    assert (invoice.currency, invoice.amount) == (vector.get("currency", "bc"), vector["amount"])
    assert invoice.payment_hash == vector.get("payment_hash", VECTORS["hash"])
    assert (invoice.timestamp, invoice.expiry) == (vector.get("timestamp", MADE), vector.get("expiry", 3600))
    assert invoice.description == vector.get("description", "")
    assert invoice.description_hash == vector.get("description_hash", "")
    assert (invoice.secret, invoice.features) == (vector.get("secret", ""), bits(vector.get("features", [])))
    assert invoice.final_blocks == vector.get("final_blocks", 18)
    if "timestamp" not in vector:  # that one is another node's
        assert invoice.payee == VECTORS["payee"]
    assert bolt11.decode(vector["text"].upper()) == invoice
    assert bolt11.made_at(vector["text"]) == invoice.timestamp


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: vector["why"])
def test_it_refuses_the_bad_examples_of_the_standard(vector: dict[str, Any]):
    with pytest.raises(ValueError, match=vector["why"]):
        bolt11.decode(vector["text"])


@pytest.mark.parametrize("vector", [one for one in VECTORS["good"] if "made_by_us" in one])
def test_it_writes_the_examples_of_the_standard_letter_by_letter(vector: dict[str, Any]):
    assert made(**vector["made_by_us"]) == vector["text"]


@given(
    amount=st.integers(1, 21 * 10**17),
    description=st.text(max_size=150).filter(lambda text: text.isprintable()),
    expiry=st.integers(1, 10**9),
    currency=st.sampled_from(["bc", "tb", "tbs", "bcrt"]),
)
@settings(max_examples=40, deadline=None)
def test_what_it_writes_it_reads_again(amount: int, description: str, expiry: int, currency: str):
    text = made(amount=amount, description=description, expiry=expiry, currency=currency, secret="22" * 32)

    invoice = bolt11.decode(text)

    assert (invoice.amount, invoice.description, invoice.currency) == (amount, description, currency)
    assert (invoice.expiry, invoice.secret, invoice.payee) == (expiry, "22" * 32, VECTORS["payee"])
    assert invoice.features == bits([9, 14])


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1, "10p"), (99, "990p"), (100, "1n"), (1000, "10n"), (10**8, "1m"), (10**11, "1"), (21 * 10**11, "21")],
)
def test_an_amount_is_written_in_its_shortest_form(amount: int, text: str):
    assert made(amount=amount).startswith(f"lnbc{text}1pvjluez")


@pytest.mark.parametrize(
    "parts",
    [
        {"amount": 0},
        {"amount": -1},
        {"payment_hash": b"\x00" * 31},
        {"secret": "22" * 31},
        {"description_hash": "22" * 33},
        {"description": "₿" * 214},
    ],
)
def test_it_writes_no_invoice_that_nobody_can_read(parts: dict[str, Any]):
    with pytest.raises(ValueError):
        made(**parts)


def test_an_invoice_for_nothing_names_no_amount():
    """As 0.9.7 makes it for an amount of 0."""
    values = bech32.decode(made(amount=1000), longest=4096)[1][: -bolt11.SIGNATURE]
    signature = secp256k1.sign(bolt11._digest("lnbc0n", values), KEY)
    text = bech32.encode("lnbc0n", values + bech32.to_values(signature), "bech32")

    assert bolt11.decode(text).amount is None


def test_an_expiry_beyond_all_calendars_is_cut():
    invoice = bolt11.decode(made(expiry=2**200))

    assert invoice.expires == datetime(2117, 5, 8, 10, 57, 38, tzinfo=UTC)


def test_an_invoice_changed_on_its_way_names_another_payee():
    values = bech32.decode(made(amount=1000), longest=4096)[1]
    forged = bech32.encode("lnbc20n", values, "bech32")

    assert bolt11.decode(forged).amount == 2000
    assert bolt11.decode(forged).payee != VECTORS["payee"]


def test_an_invoice_that_names_its_payee_must_be_signed_by_that_one():
    plain = bech32.decode(made(amount=1000), longest=4096)[1][: -bolt11.SIGNATURE]
    for key, good in ((KEY, True), (b"\x07" * 32, False)):
        values = plain + bolt11._field("n", bech32.to_values(secp256k1.public_key(KEY)))
        signature = secp256k1.sign(bolt11._digest("lnbc10n", values), key)
        text = bech32.encode("lnbc10n", values + bech32.to_values(signature), "bech32")
        if good:
            assert bolt11.decode(text).payee == VECTORS["payee"]
        else:
            with pytest.raises(ValueError, match="signature"):
                bolt11.decode(text)


@given(st.text(max_size=300) | st.text("lnbc1qpzry9x8gf2tvdw0s3jn54khce6mua7l", max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_is_an_invoice_or_a_value_error(text: str):
    with pytest.raises(ValueError):
        bolt11.decode(text)


# -- signatures --


def test_it_signs_as_the_known_example_of_rfc_6979_does():
    """Key 1, SHA-256 of "Satoshi Nakamoto": the example Bitcoin libraries share."""
    signature = secp256k1.sign(hashlib.sha256(b"Satoshi Nakamoto").digest(), (1).to_bytes(32, "big"))

    assert signature[:64].hex() == (
        "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
        "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"
    )


@given(st.integers(1, secp256k1.N - 1), st.binary(min_size=32, max_size=32))
@settings(max_examples=25, deadline=None)
def test_signatures_agree_with_an_independent_implementation(number: int, digest: bytes):
    key = number.to_bytes(32, "big")
    other = ec.derive_private_key(number, ec.SECP256K1())
    ours = secp256k1.sign(digest, key)
    r, s = int.from_bytes(ours[:32], "big"), int.from_bytes(ours[32:64], "big")
    other.public_key().verify(encode_dss_signature(r, s), digest, ECDSA)
    theirs = decode_dss_signature(other.sign(digest, ECDSA))
    packed = theirs[0].to_bytes(32, "big") + theirs[1].to_bytes(32, "big")
    public = secp256k1.public_key(key)

    assert s <= secp256k1.N // 2
    assert secp256k1.recover(digest, ours) == public
    assert secp256k1.verify(digest, packed + b"\x00", public)
    assert not secp256k1.verify(hashlib.sha256(digest).digest(), ours, public)
    assert public in {secp256k1.recover(digest, packed + bytes([flag])) for flag in (0, 1)}
    with pytest.raises(InvalidSignature):
        other.public_key().verify(encode_dss_signature(r, s), hashlib.sha256(digest).digest(), ECDSA)


@pytest.mark.parametrize("key", [b"", b"\x00" * 32, b"\xff" * 32, secp256k1.N.to_bytes(32, "big"), b"\x01" * 31])
def test_what_is_no_private_key_is_refused(key: bytes):
    with pytest.raises(ValueError):
        secp256k1.public_key(key)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\x01" * 64,
        bytes(65),
        b"\x01" * 64 + b"\x04",
        secp256k1.N.to_bytes(32, "big") + b"\x01" * 32 + b"\x00",
        b"\x01" * 32 + secp256k1.N.to_bytes(32, "big") + b"\x00",
        b"\xff" * 31 + b"\x00" + b"\x01" * 32 + b"\x02",
    ],
)
def test_what_is_no_signature_is_refused(signature: bytes):
    with pytest.raises(ValueError):
        secp256k1.recover(b"\x05" * 32, signature)
    assert not secp256k1.verify(b"\x05" * 32, signature, secp256k1.public_key(KEY))


@pytest.mark.parametrize("key", [b"", b"\x04" + b"\x01" * 32, b"\x02" + b"\xff" * 32, b"\x02" * 65])
def test_what_is_no_public_key_verifies_nothing(key: bytes):
    assert not secp256k1.verify(b"\x05" * 32, secp256k1.sign(b"\x05" * 32, KEY), key)
