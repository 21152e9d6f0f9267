"""State blocks: built, checked, signed, verified, and kept as text until the network has them.

A state block names the whole new balance, not the amount: a mistake here gives coins away, so the arithmetic is
checked before each signature. Source: nano-node V24.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from adapters.base import NodeDown, Prepared
from adapters.codecs import banano_crypto as crypto

ZERO: Final = "0" * 64
BLOB_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Block:
    """Accounts are public keys and hashes names, all upper-case hex; balance in raw."""

    account: str
    previous: str
    representative: str
    balance: int
    link: str
    signature: str = ""
    work: str = ""

    @property
    def hash(self) -> str:
        key = bytes.fromhex
        return (
            crypto.state_hash(
                key(self.account), key(self.previous), key(self.representative), self.balance, key(self.link)
            )
            .hex()
            .upper()
        )

    @property
    def root(self) -> bytes:
        """What its work is computed on: an account's first block has no previous, so its public key."""
        return bytes.fromhex(self.account if self.previous == ZERO else self.previous)

    def signed(self, private: bytes) -> Block:
        """Raises ValueError when the key is not this account's."""
        name = bytes.fromhex(self.hash)
        signature = crypto.sign(private, name)
        if not crypto.verify(bytes.fromhex(self.account), name, signature):
            raise ValueError("the key does not belong to this account")
        return replace(self, signature=signature.hex().upper())

    def as_json(self, prefix: str) -> dict[str, str]:
        """The form `process` takes."""
        return {
            "type": "state",
            "account": crypto.encode_address(prefix, bytes.fromhex(self.account)),
            "previous": self.previous,
            "representative": crypto.encode_address(prefix, bytes.fromhex(self.representative)),
            "balance": str(self.balance),
            "link": self.link,
            "signature": self.signature,
            "work": self.work,
        }


@dataclass(frozen=True, slots=True)
class Head:
    """Where an account's next block goes. path: the blocks from one known as confirmed up to `previous`."""

    account: str
    previous: str
    balance: int
    representative: str
    path: tuple[str, ...]


def sending(head: Head, destination: str, amount: int) -> Block:
    """Raises ValueError where the arithmetic is wrong: a balance that rises is read as a receive."""
    if not 0 < amount <= head.balance or destination == ZERO or head.previous == ZERO:
        raise ValueError("this is no payment")
    return Block(head.account, head.previous, head.representative, head.balance - amount, destination)


def receiving(head: Head, source: str, amount: int) -> Block:
    """source: name of the send block. Raises ValueError where the arithmetic is wrong."""
    if amount <= 0 or source == ZERO or head.balance + amount > crypto.MAX_AMOUNT:
        raise ValueError("this receives nothing")
    return Block(head.account, head.previous, head.representative, head.balance + amount, source)


@dataclass(frozen=True, slots=True)
class Blob:
    """A recorded block with what a later lookup needs. sends: it pays; otherwise it receives."""

    block: Block
    amount: int
    sends: bool
    path: tuple[str, ...]

    def text(self) -> str:
        block = {name: str(getattr(self.block, name)) for name in Block.__slots__}
        data = {"v": BLOB_VERSION, "amount": str(self.amount), "sends": self.sends, "path": self.path, "block": block}
        return json.dumps(data)


def read_blob(prepared: Prepared) -> Blob:
    """Raises NodeDown when it cannot be read, or is not the block its name says."""
    try:
        blob = _read(json.loads(prepared.blob))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NodeDown("the stored form of this payment cannot be read") from None
    if blob.block.hash != prepared.id or not blob.path or blob.path[-1] != blob.block.previous:
        raise NodeDown("the stored form of this payment is damaged")
    return blob


def _read(data: Any) -> Blob:
    if data["v"] != BLOB_VERSION or not isinstance(data["sends"], bool):
        raise ValueError("version")
    fields = {name: str(data["block"][name]) for name in Block.__slots__}
    balance = int(fields.pop("balance"))
    block = Block(balance=balance, **fields)
    return Blob(block, int(data["amount"]), data["sends"], tuple(str(name) for name in data["path"]))
