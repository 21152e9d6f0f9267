"""Addresses, payment ids and links. Everything here works without a node."""

from __future__ import annotations

import secrets
from urllib.parse import quote

from adapters.base import CheckedAddress, InvalidAddress
from adapters.codecs import cryptonote_base58
from adapters.forknote.options import HEX64, ForknoteOptions
from adapters.rpc import coins

KEY_BYTES = 32
_PUBLIC_KEY, _NONCE = 1, 2
_NONCE_PAYMENT_ID = 0


def check(text: str, options: ForknoteOptions) -> CheckedAddress:
    """Raises InvalidAddress in words for the sender."""
    text = text.strip()
    try:
        prefix, payload = cryptonote_base58.decode_address(text)
    except ValueError as error:
        raise InvalidAddress(f"This is not an address of this coin ({error}). Copy it again, whole.") from None
    if prefix != options.address_prefix:
        raise InvalidAddress(
            "This address is of another coin or network: it has the prefix "
            f"{prefix}, and addresses of this network have {options.address_prefix}."
        )
    if len(payload) != 2 * KEY_BYTES:
        raise InvalidAddress(
            "This address has a payment id built in, which this wallet cannot pay to. "
            "Ask for the plain address and the payment id, and enter both."
        )
    return CheckedAddress(text, network=options.network)


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
    fields = []
    if amount is not None:
        text = coins(amount, options.decimals)
        fields.append(f"amount={text.rstrip('0').rstrip('.') if '.' in text else text}")
    if payment_id:
        fields.append(f"payment_id={payment_id}")
    if label:
        fields.append(f"label={quote(label, safe='')}")
    return f"{options.scheme}:{address}{'?' if fields else ''}{'&'.join(fields)}"
