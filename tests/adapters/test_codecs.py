"""Base58Check, bech32 and bech32m, with the vectors of BIP-173 and BIP-350."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs import base58, bech32

GOOD_BECH32 = [
    "A12UEL5L",
    "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    "?1ezyfcl",
]
GOOD_BECH32M = [
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
]
BAD = [
    "\x201nwldj5",
    "\x7f1axkwrx",
    "\x801eym55h",
    "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "de1lg7wt\xff",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "au1s5cgom",
    "M1VUXWEZ",
    "16plkw9",
    "1p2gdwpf",
]
WITNESS = {
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4": "0014751e76e8199196d454941c45d1b3a323f1433bd6",
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7": (
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262"
    ),
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y": (
        "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6"
    ),
    "BC1SW50QGDZ25J": "6002751e",
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs": "5210751e76e8199196d454941c45d1b3a323",
    "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy": (
        "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433"
    ),
    "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c": (
        "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433"
    ),
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": (
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    ),
}
BAD_WITNESS = [
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",  # bech32 instead of bech32m
    "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",  # bech32m instead of bech32
    "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",  # a letter outside the alphabet
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",  # version 17
    "bc1pw5dgrnzv",  # one byte
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",  # 41 bytes
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",  # version 0 with 16 bytes
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",  # mixed case
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",  # more than 4 bits of padding
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",  # padding that is not zero
    "bc1gmk9yu",  # no data
]


@pytest.mark.parametrize("text", GOOD_BECH32)
def test_the_good_bech32_texts_of_bip_173_are_read_and_written_back(text: str):
    prefix, values, form = bech32.decode(text)

    assert form == "bech32"
    assert bech32.encode(prefix, values, form) == text.lower()


@pytest.mark.parametrize("text", GOOD_BECH32M)
def test_the_good_bech32m_texts_of_bip_350_are_read_and_written_back(text: str):
    prefix, values, form = bech32.decode(text)

    assert form == "bech32m"
    assert bech32.encode(prefix, values, form) == text.lower()


@pytest.mark.parametrize("text", BAD)
def test_the_bad_texts_of_both_are_refused(text: str):
    with pytest.raises(ValueError):
        bech32.decode(text)


@pytest.mark.parametrize("text", WITNESS)
def test_the_good_witness_addresses_of_bip_350_give_their_scripts(text: str):
    prefix, version, program = bech32.decode_witness(text)

    script = bytes([version + 0x50 if version else 0, len(program)]) + program
    assert script.hex() == WITNESS[text]
    assert bech32.encode_witness(prefix, version, program) == text.lower()


@pytest.mark.parametrize("text", BAD_WITNESS)
def test_the_bad_witness_addresses_of_bip_350_are_refused(text: str):
    with pytest.raises(ValueError):
        bech32.decode_witness(text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", ""),
        ("61", "2g"),
        ("626262", "a3gV"),
        ("73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"),
        ("00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"),
        ("10c8511e", "Rt5zm"),
        ("00000000000000000000", "1111111111"),
    ],
)
def test_base58_agrees_with_bitcoin_core(data: str, text: str):
    assert base58.encode(bytes.fromhex(data)) == text
    assert base58.decode(text).hex() == data


def test_base58check_finds_the_hash_of_a_well_known_address():
    assert base58.decode_check("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2").hex() == (
        "0077bff20c60e522dfaa3350c39b030a5d004e839a"
    )


@given(st.binary(max_size=60))
def test_base58check_reads_what_it_wrote(data: bytes):
    if data:
        assert base58.decode_check(base58.encode_check(data)) == data


@given(st.binary(min_size=2, max_size=40), st.integers(1, 16))
def test_witness_addresses_are_read_as_written(program: bytes, version: int):
    assert bech32.decode_witness(bech32.encode_witness("bc", version, program)) == ("bc", version, program)


@given(st.binary(min_size=20, max_size=20), st.integers(0, 40), st.sampled_from(bech32.ALPHABET))
def test_one_wrong_letter_never_passes(program: bytes, place: int, letter: str):
    text = bech32.encode_witness("bc", 0, program)
    place = 3 + place % (len(text) - 3)
    if text[place] != letter:
        with pytest.raises(ValueError):
            bech32.decode_witness(text[:place] + letter + text[place + 1 :])


@given(st.text(max_size=120))
def test_any_text_is_decoded_or_refused_and_nothing_else(text: str):
    for read in (bech32.decode, bech32.decode_witness, base58.decode, base58.decode_check):
        try:
            read(text)
        except ValueError:
            continue
