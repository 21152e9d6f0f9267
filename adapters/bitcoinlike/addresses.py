"""Offline check of addresses and payment links (BIP-21), and the links themselves."""

from __future__ import annotations

from collections.abc import Iterator

from adapters import links
from adapters.base import CheckedAddress, InvalidAddress
from adapters.bitcoinlike.coins import COINS, DECIMALS, NETWORK_NAMES, Coin, Network
from adapters.codecs import base58, bech32
from adapters.rpc import short_coins

LONGEST = 1000
_MWEB = ("ltcmweb1", "tmweb1", "tltcmweb1")


def check(text: str, coin: Coin, network: str) -> CheckedAddress:
    """An address or payment link of this coin and network; raises InvalidAddress with a sentence."""
    text = text.strip()
    if not text:
        raise InvalidAddress("Enter an address.")
    if len(text) > LONGEST:
        raise InvalidAddress("This is too long to be an address.")
    amount = None
    if ":" in text:
        text, amount = _parse_link(text, coin)
    return CheckedAddress(_normal(text, coin, network), network=network, amount=amount)


def _parse_link(text: str, coin: Coin) -> tuple[str, int | None]:
    address, fields = links.read(text, (coin.scheme,), coin.name)
    if any(key.startswith("req-") for key in fields):
        raise InvalidAddress("This payment link asks for something this wallet does not know.")
    return address, links.amount(fields["amount"], DECIMALS) if "amount" in fields else None


def _normal(text: str, coin: Coin, network: str) -> str:
    own = coin.networks[network]
    if text.lower().startswith(_MWEB):
        raise InvalidAddress("MWEB addresses cannot be paid from this wallet. Use one that begins with ltc1, L or M.")
    if own.hrp and text.lower().startswith(own.hrp + "1"):
        return _normal_segwit(text, coin)
    try:
        version, payload = _legacy(text)
    except ValueError as error:
        raise InvalidAddress(_foreign(text, coin, network) or _unreadable(coin, error)) from None
    if version in (own.p2pkh, own.p2sh):
        return text
    if version == own.retired_p2sh:
        current = base58.encode_check(bytes([own.p2sh]) + payload)
        raise InvalidAddress(
            f"This old form of a {coin.name} address looks the same on Bitcoin, so it is not accepted. "
            f"If it is surely {coin.name}, its current form is {current}."
        )
    raise InvalidAddress(_foreign(text, coin, network) or f"This is not a {coin.name} address.")


def _unreadable(coin: Coin, error: ValueError) -> str:
    return f"This is not a {coin.name} address ({error}). Copy it again, whole."


def _normal_segwit(text: str, coin: Coin) -> str:
    try:
        _, version, program = bech32.decode_witness(text)
    except ValueError as error:
        raise InvalidAddress(_unreadable(coin, error)) from None
    if version > 1 or (version == 1 and len(program) != 32):
        raise InvalidAddress("Nobody can receive on this kind of address yet.")
    return text.lower()


def _legacy(text: str) -> tuple[int, bytes]:
    data = base58.decode_check(text)
    if len(data) != 21:
        raise ValueError("wrong length")
    return data[0], data[1:]


def _foreign(text: str, coin: Coin, network: str) -> str:
    """Whose address this is, in a sentence; empty when nobody's."""
    others = sorted(COINS.values(), key=lambda other: other.name != coin.name)
    for other in others:
        for name, candidate in other.networks.items():
            if _belongs(text, candidate):
                here = f"{coin.name} {NETWORK_NAMES[network]}"
                return f"This address is on the {other.name} {NETWORK_NAMES[name]}; this wallet is on the {here}."
    return ""


def _belongs(text: str, network: Network) -> bool:
    return any(_attempts(text, network))


def _attempts(text: str, network: Network) -> Iterator[bool]:
    try:
        yield _legacy(text)[0] in (network.p2pkh, network.p2sh)
    except ValueError:
        yield False
    try:
        yield bool(network.hrp) and bech32.decode_witness(text)[0] == network.hrp
    except ValueError:
        yield False


def link(coin: Coin, address: str, amount: int | None, label: str) -> str:
    """A BIP-21 payment link; the amount in coins, exact, without needless zeros."""
    return links.write(coin.scheme, address, {"amount": short_coins(amount, DECIMALS), "label": label})
