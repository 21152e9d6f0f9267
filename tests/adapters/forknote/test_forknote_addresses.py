"""Addresses, integrated ones and payment links, offline."""

from __future__ import annotations

import pytest

from adapters.base import InvalidAddress
from adapters.codecs import cryptonote_base58
from adapters.forknote import Forknote, ForknoteOptions
from adapters.forknote.addresses import integrated

ID = "ab" * 31 + "0f"
KEYS = bytes(range(64))
PLAIN = cryptonote_base58.encode_address(6, KEYS)
BOTH = integrated(PLAIN, ID)


@pytest.fixture
def adapter() -> Forknote:
    return Forknote(ForknoteOptions(url="http://127.0.0.1:9"))


def test_an_integrated_address_is_taken_apart_into_address_and_payment_id(adapter: Forknote):
    found = adapter.check_address(BOTH)

    assert (found.address, found.extra) == (PLAIN, ID)
    assert len(PLAIN) == 95
    assert len(BOTH) == 183


def test_an_integrated_address_has_the_length_that_turtlecoin_gives_its_own():
    """99 and 187 letters: WalletConfig of TurtleCoin 0.x; the number of its prefix is 3914525."""
    plain = cryptonote_base58.encode_address(3914525, KEYS)

    assert plain.startswith("TRTL")
    assert (len(plain), len(integrated(plain, ID))) == (99, 187)


@pytest.mark.parametrize(
    "built_in",
    [b"x" * 64, b"ab" * 31, b"ab" * 33, b"\xff" * 8, b"\0" * 64],
    ids=["no-hex", "too-short", "too-long", "8-bytes", "zero-bytes"],
)
def test_something_else_built_in_is_refused_in_words(adapter: Forknote, built_in: bytes):
    with pytest.raises(InvalidAddress, match="something built in"):
        adapter.check_address(cryptonote_base58.encode_address(6, built_in + KEYS))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PLAIN[:-1], "not an address of this coin"),
        (PLAIN[:-1] + ("1" if PLAIN[-1] != "1" else "2"), "not an address of this coin"),
        (PLAIN.replace(PLAIN[5], "0", 1), "cannot stand in an address"),
        (PLAIN.lower(), "not an address of this coin"),
        (PLAIN + "l", "not an address of this coin"),
        ("", "not an address of this coin"),
        ("9" * 600, "too long"),
        (cryptonote_base58.encode_address(18, KEYS), "prefix 18"),
        (BOTH[:-1], "not an address of this coin"),
        (cryptonote_base58.encode_address(6, KEYS[:-1]), "something built in"),
    ],
)
def test_an_address_that_cannot_be_is_refused_in_words(adapter: Forknote, text: str, words: str):
    with pytest.raises(InvalidAddress, match=words):
        adapter.check_address(text)


def test_a_payment_link_gives_address_payment_id_and_amount(adapter: Forknote):
    link = adapter.uri_with_extra(PLAIN, ID, 150_000_000, label="Rent & more")
    found = adapter.check_address(link)

    assert link == f"forknote:{PLAIN}?amount=1.5&payment_id={ID}&label=Rent%20%26%20more"
    assert (found.address, found.extra, found.amount, found.memo) == (PLAIN, ID, 150_000_000, "Rent & more")
    assert adapter.check_address(adapter.uri(PLAIN, None)).amount is None
    assert adapter.check_address(adapter.uri(BOTH, None)).extra == ID


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (f"bitcoin:{PLAIN}", "not a forknote payment link"),
        (f"forknote:{PLAIN}?payment_id=abc", "payment id of this link"),
        (f"forknote:{BOTH}?payment_id={ID}", "beside an address that has one built in"),
        (f"forknote:{PLAIN}?amount=1e3", "amount in this payment link"),
        (f"forknote:{PLAIN}?amount=0.123456789", "amount in this payment link"),
        (f"forknote:{PLAIN}?amount=-1", "amount in this payment link"),
        ("forknote:", "not an address of this coin"),
    ],
)
def test_a_payment_link_that_cannot_be_is_refused_in_words(adapter: Forknote, link: str, words: str):
    with pytest.raises(InvalidAddress, match=words):
        adapter.check_address(link)


@pytest.mark.parametrize("text", ["ab" * 31, "ab" * 33, "g" * 64, "ab" * 8, "0x" + "ab" * 31, "ä" * 64])
def test_a_payment_id_of_the_wrong_length_or_letters_is_refused(adapter: Forknote, text: str):
    with pytest.raises(InvalidAddress, match="64 hex digits"):
        adapter.check_extra(text)


def test_a_payment_id_is_kept_in_small_letters(adapter: Forknote):
    assert adapter.check_extra(f" {ID.upper()} ") == ID
