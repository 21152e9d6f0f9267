"""Offline check of addresses and payment links, and what is made of them.

Prefix numbers: cryptonote_config.h of monerod 0.18. Payment links: the wiki page "URI Formatting" of Monero.
A regtest network uses the addresses of the main network.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from adapters import links
from adapters.base import CheckedAddress, ExtraWords, InvalidAddress
from adapters.codecs import cryptonote_base58 as codec
from adapters.rpc import short_coins

LONGEST = 1000
KEYS, ID = 64, 8  # bytes: two public keys, a payment id
NO_ID = "0" * 16
_HEX = re.compile(r"[0-9a-fA-F]+")
NETWORK_NAMES = {"main": "main network", "test": "test network", "stage": "stage network", "regtest": "regtest network"}


@dataclass(frozen=True, slots=True)
class Prefixes:
    standard: int
    integrated: int
    subaddress: int

    def all(self) -> tuple[int, int, int]:
        return self.standard, self.integrated, self.subaddress


MONERO = {
    "main": Prefixes(18, 19, 42),
    "test": Prefixes(53, 54, 63),
    "stage": Prefixes(24, 25, 36),
    "regtest": Prefixes(18, 19, 42),
}


@dataclass(frozen=True, slots=True)
class Coin:
    name: str
    scheme: str
    decimals: int
    networks: dict[str, Prefixes]


@dataclass(frozen=True, slots=True)
class Taken:
    """An address taken apart. payment_id: 16 hex digits of an integrated one, else empty."""

    prefix: int
    keys: bytes
    payment_id: str = ""


def check(text: str, coin: Coin, network: str) -> CheckedAddress:
    """An address or payment link of this coin and network; raises InvalidAddress with a sentence."""
    text = text.strip()
    if not text:
        raise InvalidAddress("Enter an address.")
    if len(text) > LONGEST:
        raise InvalidAddress("This is too long to be an address.")
    if ":" not in text:
        return CheckedAddress(text, network, extra=take(text, coin, network).payment_id)
    address, fields = _parse_link(text, coin)
    payment_id = fields.get("tx_payment_id", "")
    address = with_id(address, payment_id, coin, network) if payment_id else address
    amount = links.amount(fields["tx_amount"], coin.decimals) if "tx_amount" in fields else None
    extra = take(address, coin, network).payment_id
    return CheckedAddress(address, network, amount=amount, extra=extra, memo=fields.get("tx_description", "")[:200])


def _parse_link(text: str, coin: Coin) -> tuple[str, dict[str, str]]:
    address, fields = links.read(text, (coin.scheme,), coin.name)
    if ";" in address:
        raise InvalidAddress("This payment link pays several people at once. Pay them one by one.")
    return address, fields


def take(text: str, coin: Coin, network: str) -> Taken:
    """Raises InvalidAddress with a sentence for all that cannot be paid here."""
    own = coin.networks[network]
    try:
        prefix, payload = codec.decode_address(text)
    except ValueError as error:
        raise InvalidAddress(_unreadable(text, coin, own, str(error))) from None
    if prefix not in own.all():
        raise InvalidAddress(_foreign(prefix, coin, network))
    wanted = KEYS + ID if prefix == own.integrated else KEYS
    if len(payload) != wanted:
        kind = "integrated address" if prefix == own.integrated else "address"
        raise InvalidAddress(f"This {kind} has the wrong length. Ask the recipient for a new one.")
    return Taken(prefix, payload[:KEYS], payload[KEYS:].hex())


def _unreadable(text: str, coin: Coin, own: Prefixes, why: str) -> str:
    if _HEX.fullmatch(text) and len(text) in (16, 64):
        return refused_id(text) if len(text) == 64 else "This is a payment id, not an address."
    if "@" in text or "." in text:
        return f"Names cannot be paid here. Enter the {coin.name} address itself."
    short, long = _lengths(own)
    if len(text) not in (short, long):
        return (
            f"This is not a {coin.name} address: one has {short} letters, an integrated one {long}, "
            f"this has {len(text)}. Copy it again, whole."
        )
    return f"This is not a {coin.name} address ({why}). Copy it again, whole."


@functools.cache
def _lengths(own: Prefixes) -> tuple[int, int]:
    standard, integrated = bytes(KEYS), bytes(KEYS + ID)
    return len(codec.encode_address(own.standard, standard)), len(codec.encode_address(own.integrated, integrated))


def _foreign(prefix: int, coin: Coin, network: str) -> str:
    here = f"this wallet is on the {coin.name} {NETWORK_NAMES[network]}"
    for name, other in coin.networks.items():
        if prefix in other.all():
            return f"This address is on the {coin.name} {NETWORK_NAMES[name]}; {here}."
    return f"This address belongs to another coin or network; {here}."


def extra_words() -> ExtraWords:
    return ExtraWords(
        name=_("Payment id"),
        help=_(
            "16 digits (0 to 9, a to f), only where the recipient gave one beside a standard address. Integrated"
            " addresses have it built in, and subaddresses need none."
        ),
        missing="",
        ours=_("The payment id is built into the address: whoever pays you needs the address alone."),
    )


def refused_id(payment_id: str) -> str:
    """Why this is not a payment id that can be used; empty for 16 hex digits."""
    if len(payment_id) == 64 and _HEX.fullmatch(payment_id):
        return (
            "Long payment ids (64 digits) are no longer used: nobody would see it. "
            "Ask the recipient for an integrated address or a subaddress."
        )
    if len(payment_id) != 16 or not _HEX.fullmatch(payment_id):
        return "A payment id has 16 digits, 0 to 9 and a to f."
    return ""


def with_id(address: str, payment_id: str, coin: Coin, network: str) -> str:
    """The integrated address of a standard address and 16 hex digits. Raises InvalidAddress where none can be."""
    reason = refused_id(payment_id)
    if reason:
        raise InvalidAddress(reason)
    taken = take(address, coin, network)
    own, payment_id = coin.networks[network], payment_id.lower()
    if taken.prefix == own.subaddress:
        raise InvalidAddress("A subaddress cannot carry a payment id. Ask the recipient for an integrated address.")
    if taken.payment_id not in ("", payment_id):
        raise InvalidAddress("This integrated address holds another payment id than the one given.")
    return codec.encode_address(own.integrated, taken.keys + bytes.fromhex(payment_id))


def without_id(address: str, coin: Coin, network: str) -> str:
    """The standard address inside an integrated one; any other as it is."""
    taken = take(address, coin, network)
    if not taken.payment_id:
        return address
    return codec.encode_address(coin.networks[network].standard, taken.keys)


def link(coin: Coin, address: str, amount: int | None, label: str) -> str:
    """A payment link; the amount in coins, exact, without needless zeros."""
    fields = {"tx_amount": short_coins(amount, coin.decimals), "recipient_name": label}
    return links.write(coin.scheme, address, fields)
