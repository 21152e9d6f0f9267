from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import InvalidAddress
from adapters.bitcoinlike import addresses
from adapters.bitcoinlike.coins import COINS
from adapters.bitcoinlike.options import BitcoinOptions
from adapters.codecs import base58, bech32

BITCOIN, LITECOIN, DOGECOIN = COINS["bitcoin"], COINS["litecoin"], COINS["dogecoin"]
HASH = bytes(range(20))


def old_style(version: int) -> str:
    return base58.encode_check(bytes([version]) + HASH)


@pytest.mark.parametrize(
    ("coin", "network", "text"),
    [
        ("bitcoin", "main", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
        ("bitcoin", "main", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
        ("bitcoin", "main", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        ("bitcoin", "main", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
        ("bitcoin", "test", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"),
        ("bitcoin", "signet", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7"),
        ("litecoin", "main", "LaMT348PWRnrqeeWArpwQPbuanpXDZGEUz"),
        ("litecoin", "main", "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"),
        ("litecoin", "test", "tltc1qw508d6qejxtdg4y5r3zarvary0c5xw7klfsuq0"),
        ("litecoin", "regtest", "mqttyTJ6doaqowFqvbZZX45d2Ku9DBWHFj"),
        ("litecoin", "regtest", "QUSj8FdAG927fGL2Gh7Weerk8vtU2zdY5j"),
        ("litecoin", "regtest", "rltc1qsh0ss6s75xjxmq5ucgyu5mpg2cvnkmtgt722t6"),
        ("dogecoin", "main", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"),
    ],
)
def test_addresses_of_each_coin_are_taken_as_they_are(coin: str, network: str, text: str):
    checked = addresses.check(text, COINS[coin], network)

    assert (checked.address, checked.network, checked.amount) == (text, network, None)


def test_the_normal_form_of_a_segwit_address_is_lower_case():
    checked = addresses.check("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", BITCOIN, "main")

    assert checked.address == "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


def test_regtest_takes_old_style_addresses_of_the_test_network_for_they_are_the_same():
    text = old_style(111)

    assert addresses.check(text, LITECOIN, "regtest").address == text
    assert addresses.check(text, LITECOIN, "test").address == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "This address is on the Bitcoin main network; this wallet is on the Litecoin main network.",
        ),
        (
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
            "This address is on the Bitcoin main network; this wallet is on the Litecoin main network.",
        ),
        (
            "tltc1qw508d6qejxtdg4y5r3zarvary0c5xw7klfsuq0",
            "This address is on the Litecoin test network; this wallet is on the Litecoin main network.",
        ),
        (
            "rltc1qsh0ss6s75xjxmq5ucgyu5mpg2cvnkmtgt722t6",
            "This address is on the Litecoin regtest network; this wallet is on the Litecoin main network.",
        ),
        (
            "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",
            "This address is on the Dogecoin main network; this wallet is on the Litecoin main network.",
        ),
        (
            "ltcmweb1qq0z0dusg8frd8yq84wgqx7qfd9ehk20ty99nfu0tj37t9svfp9hn6q74vacdwyt02pcqcpsne79un6g2rxmtz",
            "MWEB addresses cannot be paid from this wallet. Use one that begins with ltc1, L or M.",
        ),
        (
            "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n8",
            "This is not a Litecoin address (checksum does not fit). Copy it again, whole.",
        ),
        ("", "Enter an address."),
        ("bitcoin:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "This is not a Litecoin payment link."),
    ],
)
def test_what_cannot_be_paid_is_refused_in_words(text: str, sentence: str):
    with pytest.raises(InvalidAddress) as refusal:
        addresses.check(text, LITECOIN, "main")

    assert refusal.value.message == sentence


def test_an_old_litecoin_script_address_is_refused_with_its_current_form():
    with pytest.raises(InvalidAddress) as refusal:
        addresses.check(old_style(5), LITECOIN, "main")

    assert f"its current form is {old_style(50)}." in refusal.value.message


@pytest.mark.parametrize("version", [2, 16])
def test_a_witness_version_nobody_can_spend_yet_is_refused(version: int):
    with pytest.raises(InvalidAddress, match="Nobody can receive"):
        addresses.check(bech32.encode_witness("bc", version, bytes(32)), BITCOIN, "main")


def test_a_taproot_address_of_the_wrong_length_is_refused():
    with pytest.raises(InvalidAddress, match="Nobody can receive"):
        addresses.check("bc1pfeessrawgf", BITCOIN, "main")


@pytest.mark.parametrize(
    ("query", "amount"),
    [
        ("", None),
        ("?amount=1", 100_000_000),
        ("?amount=0.00000001", 1),
        ("?label=Alice&amount=20.3", 2_030_000_000),
        ("?message=hello", None),
    ],
)
def test_a_payment_link_gives_address_and_amount(query: str, amount: int | None):
    address = "LaMT348PWRnrqeeWArpwQPbuanpXDZGEUz"

    checked = addresses.check(f"LITECOIN:{address}{query}", LITECOIN, "main")

    assert (checked.address, checked.amount) == (address, amount)


@pytest.mark.parametrize(
    "query", ["amount=1e3", "amount=-1", "amount=1,5", "amount=0.000000001", "amount=١", "req-x=1"]
)
def test_a_payment_link_that_cannot_be_followed_is_refused(query: str):
    with pytest.raises(InvalidAddress, match="payment link"):
        addresses.check(f"litecoin:LaMT348PWRnrqeeWArpwQPbuanpXDZGEUz?{query}", LITECOIN, "main")


@given(st.integers(0, 21_000_000 * 10**8))
def test_a_payment_link_is_read_as_it_was_written(amount: int):
    address = "LaMT348PWRnrqeeWArpwQPbuanpXDZGEUz"

    checked = addresses.check(addresses.link(LITECOIN, address, amount, "tea & cake"), LITECOIN, "main")

    assert (checked.address, checked.amount) == (address, amount)


@given(st.text(max_size=200), st.sampled_from(["main", "test", "regtest"]))
def test_any_text_is_an_address_or_a_refusal(text: str, network: str):
    for coin in (BITCOIN, LITECOIN, DOGECOIN):
        try:
            answer = addresses.check(text, coin, network).address
        except InvalidAddress as refusal:
            answer = refusal.message
        assert answer


def test_a_custom_coin_has_the_prefixes_it_was_given():
    options = BitcoinOptions(
        url="http://127.0.0.1:1",
        coin="custom",
        network="main",
        custom_name="Vertcoin",
        custom_scheme="vertcoin",
        custom_p2pkh=71,
        custom_p2sh=5,
        custom_hrp="vtc",
    )
    vertcoin = options.coin_facts()
    address = bech32.encode_witness("vtc", 0, HASH)

    assert addresses.check(old_style(71), vertcoin, "main").address == old_style(71)
    assert addresses.check(address, vertcoin, "main").address == address
    assert addresses.link(vertcoin, address, 150_000_000, "") == f"vertcoin:{address}?amount=1.5"
    with pytest.raises(InvalidAddress, match="Vertcoin"):
        addresses.check(old_style(0), vertcoin, "main")
