"""Addresses, payment ids and links. Everything here works without a node."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

from django.utils.translation import gettext as _

from adapters import links
from adapters.base import CheckedAddress, ExtraWords, InvalidAddress
from adapters.codecs import cryptonote_base58
from adapters.forknote.options import HEX64, ForknoteOptions
from adapters.rpc import short_coins

KEY_BYTES = 32
KEYS = 2 * KEY_BYTES
WRONG_PAYMENT_ID: Final = "The payment id must be 64 hex digits (0-9, a-f)."
_PUBLIC_KEY, _NONCE = 1, 2
_NONCE_PAYMENT_ID = 0


def check(text: str, options: ForknoteOptions) -> CheckedAddress:
    """An address, an integrated one, or a payment link. Raises InvalidAddress in words for the sender."""
    text = text.strip()
    if ":" not in text:
        return _plain(text, options)
    address, fields = links.read(text, (options.scheme.lower(),), options.scheme)
    found = _plain(address, options)
    asked = links.amount(fields["amount"], options.decimals) if fields.get("amount") else None
    payment_id = fields.get("payment_id", "")
    if payment_id and found.extra:
        raise InvalidAddress("This link has a payment id beside an address that has one built in. Ask for another.")
    if payment_id and normal_payment_id(payment_id) is None:
        raise InvalidAddress(f"The payment id of this link cannot be used. {WRONG_PAYMENT_ID}")
    return replace(found, amount=asked, extra=found.extra or payment_id.lower(), memo=fields.get("label", "")[:200])


def _plain(text: str, options: ForknoteOptions) -> CheckedAddress:
    try:
        prefix, payload = cryptonote_base58.decode_address(text)
    except ValueError as error:
        raise InvalidAddress(f"This is not an address of this coin ({error}). Copy it again, whole.") from None
    if prefix != options.address_prefix:
        raise InvalidAddress(
            "This address is of another coin or network: it has the prefix "
            f"{prefix}, and addresses of this network have {options.address_prefix}."
        )
    payment_id, keys = payload[:-KEYS].decode("latin-1"), payload[-KEYS:]
    if len(keys) != KEYS or (payment_id and normal_payment_id(payment_id) is None):
        raise InvalidAddress(
            "This address has something built in that this wallet cannot read. "
            "Ask for the plain address and the payment id, and enter both."
        )
    address = cryptonote_base58.encode_address(prefix, keys) if payment_id else text
    return CheckedAddress(address, network=options.network, extra=payment_id.lower())


def integrated(address: str, payment_id: str) -> str:
    """One address for both, as TurtleCoin and Karbo write it: before the keys the 64 digits of the payment id."""
    prefix, keys = cryptonote_base58.decode_address(address)
    return cryptonote_base58.encode_address(prefix, payment_id.encode() + keys)


def extra_words() -> ExtraWords:
    return ExtraWords(
        name=_("Payment id"),
        help=_(
            "64 digits (0 to 9, a to f) that tell the recipient whose payment this is. Exchanges and shops give one"
            " beside their address. Leave it empty where you were given none, or where the address has it built in."
        ),
        missing=_(
            "This payment has no payment id. Exchanges and shops cannot tell whose it is without one, and may keep it."
            " Go on only if the recipient gave you none."
        ),
        ours=_(
            "Everybody here shares this address: the payment id alone tells that the coins are yours. Give both to"
            " whoever pays you, and never the address alone."
        ),
    )


def new_payment_id() -> str:
    return secrets.token_hex(KEY_BYTES)


def normal_payment_id(text: str) -> str | None:
    """Lower case, as walletd gives it back; None when it is no payment id."""
    text = text.strip().lower()
    return text if HEX64.fullmatch(text) else None


def payment_id_of(extra: str) -> str:
    """The payment id in a transaction's extra field, or nothing.

    Fields of extra: 01 and the transaction's public key; 02, a length and a nonce, which is 00 and a payment id.
    Read field by field: the same bytes may stand inside a key. Source: CryptoNote's TransactionExtra.h.
    """
    try:
        data = bytes.fromhex(extra)
    except ValueError:
        return ""
    while len(data) > 1:
        if data[0] == _PUBLIC_KEY:
            data = data[1 + KEY_BYTES :]
        elif data[0] == _NONCE:
            length, start = (data[1], 2) if data[1] < 0x80 else (data[1] & 0x7F | (data + b"\0")[2] << 7, 3)
            nonce, data = data[start : start + length], data[start + length :]
            if len(nonce) == 1 + KEY_BYTES and nonce[0] == _NONCE_PAYMENT_ID:
                return nonce[1:].hex()
        else:
            break
    return ""


def link(options: ForknoteOptions, address: str, amount: int | None, label: str, payment_id: str = "") -> str:
    fields = {"amount": short_coins(amount, options.decimals), "payment_id": payment_id, "label": label}
    return links.write(options.scheme, address, fields)
