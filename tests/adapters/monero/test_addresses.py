"""Addresses without a node: every kind, every network, forks, payment links, and what is refused in words."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from adapters import registry
from adapters.codecs import cryptonote_base58 as codec
from adapters.codecs.keccak import keccak_256
from adapters.monero import Monero, MoneroOptions
from wallets_site.base.errors import InvalidAddress

# Made by monero-wallet-rpc 0.18, one wallet each for the main, stage and test network.
STANDARD = "45ote3kXBhPXQbxFTnjhAvLcxjRnqnSNz6p3TLbgbNQkWLmAuHtTPRXZjudgYbk1KcWjCdMPMz5eeKGkPVWSRMoLPR5xyp4"
SUBADDRESS = "85kvuk6YhD7feEfFaduRdKBrtGDQPdV5j3YMuQVvYYtQXqE2w7vZtMHjo8KcTJsFeeDMFsPEyPejBJ8kbJatz46k7LFcGL5"
INTEGRATED = (
    "4FWZera1nxuXQbxFTnjhAvLcxjRnqnSNz6p3TLbgbNQkWLmAuHtTPRXZjudgYbk1KcWjCdMPMz5eeKGkPVWSRMoLa8YCU8e1xhJTzJKcqv"
)
PAYMENT_ID = "1234567890abcdef"
LONG_ID = "1234567890123456789012345678900012345678901234567890123456789000"
STAGE = "53253sDxcNdAb84US4cLjB9AH3MSVXzZsck1UH3Sr2cgKVWVr1Mh4tU2LU38RBWNATJtc36s7JauLcVCUPD7NdMWSohq4x4"
TEST = "9th3htG3ruT7LSWfLnhsJxKTqxdH5cMjM7b3rqrnrFPkPXY8ad6KdRo9TUiuodNaca1iedZpjX7Mr76qt7VXUGpZF2ieefy"
LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def monero(**options: object) -> Monero:
    urls = {"wallet_url": "http://127.0.0.1:18082", "daemon_url": "http://127.0.0.1:18081"}
    return Monero(MoneroOptions(**{**urls, **options}))  # type: ignore[arg-type]


def refusal(text: str, **options: object) -> str:
    with pytest.raises(InvalidAddress) as refused:
        monero(**options).check_address(text)
    return refused.value.message


@pytest.mark.parametrize(
    ("text", "network", "extra"),
    [
        (STANDARD, "main", ""),
        (SUBADDRESS, "main", ""),
        (INTEGRATED, "main", PAYMENT_ID),
        (STANDARD, "regtest", ""),
        (STAGE, "stage", ""),
        (TEST, "test", ""),
    ],
)
def test_a_good_address_is_its_own_normal_form(text: str, network: str, extra: str):
    checked = monero(network=network).check_address(f"\n {text} ")

    assert (checked.address, checked.network, checked.extra, checked.amount) == (text, network, extra, None)


@pytest.mark.parametrize(
    ("text", "network", "words"),
    [
        (TEST, "main", "This address is on the Monero test network; this wallet is on the Monero main network."),
        (STAGE, "main", "This address is on the Monero stage network; this wallet is on the Monero main network."),
        (STANDARD, "test", "This address is on the Monero main network; this wallet is on the Monero test network."),
        (LONG_ID, "main", "Long payment ids (64 digits) are no longer used"),
        (PAYMENT_ID, "main", "This is a payment id, not an address."),
        (INTEGRATED[:-1], "main", "one has 95 letters, an integrated one 106, this has 105"),
        (INTEGRATED + "1", "main", "one has 95 letters, an integrated one 106, this has 107"),
        (STANDARD[:-1] + "0", "main", "'0' cannot stand in an address"),
        (STANDARD[:-1] + "5", "main", "a letter is wrong or missing"),
        ("donate@getmonero.org", "main", "Names cannot be paid here."),
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "main", "this has 34"),
        ("bitcoin:" + STANDARD, "main", "This is not a Monero payment link."),
    ],
)
def test_what_cannot_be_paid_is_refused_in_words(text: str, network: str, words: str):
    assert words in refusal(text, network=network)


def test_an_integrated_prefix_without_a_payment_id_is_refused():
    keys = codec.decode_address(STANDARD)[1]

    assert "wrong length" in refusal(codec.encode_address(19, keys))
    assert "wrong length" in refusal(codec.encode_address(18, keys + bytes(8)))
    assert "another coin" in refusal(codec.encode_address(4146, keys))


# -- payment links --


def test_a_payment_link_gives_address_amount_and_memo():
    checked = monero().check_address(f"monero:{STANDARD}?tx_amount=0.000000000001&tx_description=order%207")

    assert (checked.address, checked.amount, checked.memo) == (STANDARD, 1, "order 7")
    assert monero().check_address(f"MONERO:{STANDARD}?tx_amount=18446744.073709551615").amount == 2**64 - 1
    assert monero().check_address(f"monero:{STANDARD}?tx_payment_id={PAYMENT_ID}").address == INTEGRATED


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?tx_amount=1e3", "amount"),
        ("?tx_amount=-1", "amount"),
        ("?tx_amount=0.0000000000001", "amount"),
        ("?tx_amount=１", "amount"),
        (f"?tx_payment_id={LONG_ID}", "no longer used"),
        ("?tx_payment_id=12", "16 digits"),
        (f";{SUBADDRESS}?tx_amount=1;2", "several people"),
    ],
)
def test_a_payment_link_that_cannot_be_paid_is_refused(query: str, words: str):
    assert words in refusal(f"monero:{STANDARD}{query}")


def test_a_link_with_a_payment_id_for_a_subaddress_is_refused():
    assert "subaddress cannot" in refusal(f"monero:{SUBADDRESS}?tx_payment_id={PAYMENT_ID}")
    assert "another payment id" in refusal(f"monero:{INTEGRATED}?tx_payment_id={'0' * 15}1")


@given(amount=st.integers(0, 2**64 - 1))
def test_every_amount_survives_its_link(amount: int):
    adapter = monero()

    assert adapter.check_address(adapter.uri(STANDARD, amount)).amount == amount


# -- forks --


def test_a_fork_is_a_matter_of_options():
    keys = codec.decode_address(STANDARD)[1]
    wow = monero(name="Wownero", scheme="wownero", decimals=11, prefixes="4146,6810,12208", block_seconds=300)
    address = codec.encode_address(4146, keys)

    assert address.startswith("Wo")
    assert wow.check_address(address).address == address
    assert wow.uri(address, 150_000_000_000) == f"wownero:{address}?tx_amount=1.5"
    with pytest.raises(InvalidAddress, match="this wallet is on the Wownero main network"):
        wow.check_address(STANDARD)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"network": "mars"}, "network must be one of"),
        ({"prefixes": "18,19"}, "prefixes must be three numbers"),
        ({"prefixes": "18,19,x"}, "prefixes must be three numbers"),
        ({"level": "at once"}, "level must be empty or one of"),
        ({"max_batch": 16}, "max_batch must be a whole number from 1 to 15"),
        ({"dead_after": 0}, "dead_after must be"),
        ({"account": True}, "account must be"),
        ({"oldest_version": "1"}, "oldest_version must look like 1.25"),
        ({"colour": "red"}, "unknown option 'colour'"),
    ],
)
def test_wrong_options_are_an_error_not_a_guess(options: dict[str, object], words: str):
    urls = {"wallet_url": "http://127.0.0.1:18082", "daemon_url": "http://127.0.0.1:18081"}

    with pytest.raises(ImproperlyConfigured, match=words):
        registry.build("monero", {**urls, **options})


def test_no_password_is_ever_shown():
    adapter = monero(user="site", password="hunter2", daemon_password="hunter3")

    assert "hunter" not in repr(adapter.options)


def test_the_setup_lines_hold_the_notify_urls_without_quotes():
    lines = monero().setup_lines("https://example.org/wallets/notify/XMR/{kind}/%s").splitlines()

    curl = "/usr/bin/curl -sS -m 5 -o /dev/null https://example.org/wallets/notify/XMR"
    assert f"tx-notify={curl}/wallet/%s" in lines
    assert f"block-notify={curl}/block/%s" in lines
    assert monero().setup_lines("https://example.org/n") == monero().setup_lines("https://example.org/n/{kind}/%s")


# -- the codecs --


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (b"a" * 135, "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446"),
        (b"a" * 136, "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e"),
    ],
)
def test_keccak_gives_the_digests_of_its_reference(data: bytes, digest: str):
    assert keccak_256(data).hex() == digest


@given(data=st.binary(max_size=100))
def test_base58_in_blocks_gives_back_what_it_took(data: bytes):
    assert codec.decode(codec.encode(data)) == data


@given(prefix=st.integers(0, 2**32), payload=st.binary(max_size=80))
def test_an_address_gives_back_its_prefix_and_payload(prefix: int, payload: bytes):
    assert codec.decode_address(codec.encode_address(prefix, payload)) == (prefix, payload)


@given(place=st.integers(0, len(STANDARD) - 1), letter=st.sampled_from(LETTERS))
def test_one_wrong_letter_is_always_noticed(place: int, letter: str):
    damaged = STANDARD[:place] + letter + STANDARD[place + 1 :]

    if damaged != STANDARD:
        assert refusal(damaged)


@given(text=st.text(max_size=200))
def test_any_text_is_an_address_or_is_refused(text: str):
    with suppress(InvalidAddress):
        assert monero().check_address(text).address == text.strip()
