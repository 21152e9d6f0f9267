"""The node's RPC, read strictly. Source: nano-node V24, with what V20 to V28 do otherwise.

Every answer is HTTP 200, errors too; every number and truth value is text; an empty list or map is "".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.banano.blocks import ZERO, Block
from adapters.banano.options import Connection
from adapters.base import NodeDown
from adapters.codecs import banano_crypto as crypto
from adapters.rpc import JsonRpc, Reply

BATCH: Final = 500  # addresses in one call
HASHES: Final = 200  # block names in one call
RECEIVABLES: Final = 1000  # not yet collected sends of one address in one answer
HEX: Final = frozenset("0123456789ABCDEF")
WORK_SECONDS: Final = 20


class Refusal(NodeDown):
    """The node answered {"error": ...}. A NodeDown, because an error the caller does not know proves nothing."""

    def __init__(self, text: str) -> None:
        super().__init__(f"the node says: {text[:120]}")
        self.text = text


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """An opened account, unconfirmed blocks included; `confirmed` is its newest confirmed block, or zeros."""

    frontier: str
    opened: str
    balance: int
    representative: str
    confirmed: str


@dataclass(frozen=True, slots=True)
class BlockSeen:
    """Accounts are public keys in hex. destination: whom a send pays, else "". collected_by: see blocks()."""

    hash: str
    account: str
    amount: int
    confirmed: bool
    subtype: str
    previous: str
    link: str
    destination: str
    successor: str | None  # None where the node (before V23) does not say
    receivable: bool = False
    collected_by: str = ""


class Node:
    def __init__(self, options: Connection) -> None:
        self._options = options
        self._prefix = options.facts.prefix
        self._rpc = JsonRpc(options.url, user=options.user, password=options.password)

    def close(self) -> None:
        self._rpc.close()

    def within(self, seconds: float) -> Any:
        return self._rpc.within(seconds)

    def ask(self, action: str, **fields: Any) -> dict[str, Any]:
        """Raises Refusal for {"error": ...}, NodeDown for anything that is not an answer."""
        seconds = WORK_SECONDS if action == "work_generate" else 10
        answer = self._rpc.post("", {"action": action, **fields}, read_seconds=seconds)
        if not isinstance(answer, dict):
            raise NodeDown(f"{action}: unexpected answer")
        if "error" in answer:
            raise Refusal(str(answer["error"]))
        return answer

    # -- names --

    def address(self, key: str) -> str:
        return crypto.encode_address(self._prefix, bytes.fromhex(key))

    def key(self, address: Any) -> str:
        try:
            return crypto.decode_address(self._prefix, str(address)).hex().upper()
        except crypto.BadAddress:
            raise NodeDown("the node's answer has something else where an address should be") from None

    # -- the node itself --

    def check_network(self) -> str:
        """The node's version. Raises NodeDown on another network than the configured one."""
        answer = Reply(self.ask("version"), "version")
        if answer.text("network_identifier").upper() != self._options.network:
            raise NodeDown(f"The node is on another network: {answer.text('network_identifier')[:16]}…")
        return answer.text("node_vendor")

    def block_count(self) -> tuple[int, int]:
        """All blocks, and the confirmed ones of them."""
        answer = self.ask("block_count")
        return number(answer.get("count")), number(answer.get("cemented"))

    def peers(self) -> int:
        return len(either(self.ask("peers").get("peers")))

    def minimum_work(self, sends: bool) -> int:
        """What the network asks for now; 0 from a node that no longer has this deprecated call."""
        try:
            answer = self.ask("active_difficulty")
        except Refusal as refusal:
            if refusal.text == "Unknown command":
                return 0
            raise
        name = "network_minimum" if sends else "network_receive_minimum"
        return int(hex_name(str(answer.get(name) or answer.get("network_minimum")).upper(), 16), 16)

    # -- accounts --

    def account(self, key: str) -> AccountSeen | None:
        """None for an account without any block."""
        try:
            answer = self.ask(
                "account_info", account=self.address(key), representative="true", include_confirmed="true"
            )
        except Refusal as refusal:
            if refusal.text == "Account not found":
                return None
            raise
        confirmed = answer.get("confirmed_frontier", answer.get("confirmation_height_frontier"))
        return AccountSeen(
            frontier=hex_name(answer.get("frontier")),
            opened=hex_name(answer.get("open_block")),
            balance=number(answer.get("balance")),
            representative=self.key(answer.get("representative")),
            confirmed=hex_name(confirmed),
        )

    def frontiers(self, addresses: Sequence[str]) -> dict[str, str]:
        """The newest block of each address that has one."""
        found = {}
        for some in batches(addresses, BATCH):
            answer = mapping(self.ask("accounts_frontiers", accounts=list(some)).get("frontiers"))
            # V24 answers "error: Account not found" as the value, V25 in a list of its own, V23 not at all.
            named = {address: name for address, name in answer.items() if not str(name).startswith("error")}
            found.update({address: hex_name(name) for address, name in named.items()})
        return found

    def balances(self, addresses: Sequence[str]) -> dict[str, int]:
        """Balances of opened addresses, unconfirmed blocks included."""
        found = {}
        for some in batches(addresses, BATCH):
            answer = mapping(
                self.ask("accounts_balances", accounts=list(some), include_only_confirmed="false").get("balances")
            )
            # V24 answers {"error"} for an address without blocks even when it has something to collect.
            entries = {one: mapping(held) for one, held in answer.items()}
            found.update({one: number(held.get("balance")) for one, held in entries.items() if "error" not in held})
        return found

    def receivables(
        self, addresses: Sequence[str], least: int, *, confirmed: bool
    ) -> Iterator[tuple[str, str, int, str]]:
        """(address, send, amount, sender) of what each address may still collect, from `least` raw on.

        confirmed: only confirmed sends. Otherwise those too that are being voted on, which the node hides twice.
        """
        more = {} if confirmed else {"include_active": "true"}
        fields = {"count": str(RECEIVABLES), "source": "true", "threshold": str(max(1, least)), **more}
        for some in batches(addresses, BATCH):
            only = "true" if confirmed else "false"
            answer = self._receivables({"accounts": list(some), **fields, "include_only_confirmed": only})
            for address, sends in mapping(answer.get("blocks")).items():
                for name, one in mapping(sends).items():
                    entry = mapping(one)
                    yield address, hex_name(name), number(entry.get("amount")), str(entry.get("source"))

    def _receivables(self, fields: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.ask("accounts_receivable", **fields)
        except Refusal as refusal:
            if refusal.text != "Unknown command":
                raise
        return self.ask("accounts_pending", **fields)  # its name before V24

    def history(self, address: str, count: int, head: str = "") -> tuple[list[dict[str, Any]], str]:
        """Raw entries from `head` (or the newest) downwards, and the block below them ("" at the end)."""
        where = {"head": head} if head else {"account": address}
        answer = self.ask("account_history", **where, count=str(count), raw="true")
        entries = [mapping(entry) for entry in listing(answer.get("history"))]
        return entries, hex_name(answer["previous"]) if answer.get("previous") else ""

    # -- blocks --

    def block(self, name: str) -> BlockSeen | None:
        try:
            answer = self.ask("block_info", hash=name, json_block="true")
        except Refusal as refusal:
            if refusal.text == "Block not found":
                return None
            raise
        return self._block(name, answer)

    def blocks(self, names: Sequence[str]) -> dict[str, BlockSeen]:
        """Those of them the node knows, with whether a send can still be collected, and by which block it was."""
        found = {}
        for some in batches(names, HASHES):
            answer = self.ask(
                "blocks_info",
                hashes=list(some),
                json_block="true",
                receivable="true",
                pending="true",  # its name before V23
                receive_hash="true",
                include_not_found="true",
            )
            for name, entry in mapping(answer.get("blocks")).items():
                found[name] = self._block(name, mapping(entry))
        return found

    def balance_after(self, name: str, account: str) -> int:
        """An account's balance after this block of its chain. A state block's name proves its balance, whoever tells
        it. Raises NodeDown while the network does not have it."""
        try:
            answer = self.ask("block_info", hash=name, json_block="true")
        except Refusal as refusal:
            raise NodeDown(f"the block before this payment is not known yet: {refusal.text}") from None
        contents = mapping(answer.get("contents"))
        if self.key(answer.get("block_account")) != account:
            raise NodeDown("the node's answer names another account")
        block = self._state(name, contents) if contents.get("type") == "state" else None
        return block.balance if block else number(answer.get("balance"))

    def _block(self, name: str, answer: Mapping[str, Any]) -> BlockSeen:
        contents = answer.get("contents")
        if not isinstance(contents, dict):
            raise NodeDown("the node's answer has no block in it")
        block = self._state(name, contents) if contents.get("type") == "state" else None
        subtype = str(answer.get("subtype") or contents.get("type"))
        successor = answer.get("successor")
        seen = BlockSeen(
            hash=name,
            account=self.key(answer.get("block_account")),
            amount=number(answer.get("amount", "0")),
            confirmed=truth(answer.get("confirmed")),
            subtype=subtype,
            previous=block.previous if block else str(contents.get("previous", ZERO)),
            link=block.link if block else "",
            destination=self._destination(subtype, block, contents),
            successor=None if successor is None else hex_name(successor),
            receivable=str(answer.get("receivable", answer.get("pending", "0"))) == "1",
            collected_by=str(answer.get("receive_hash", "")),
        )
        if block and seen.account != block.account:
            raise NodeDown("the node's answer names two accounts for one block")
        return seen

    def _state(self, name: str, contents: Mapping[str, Any]) -> Block:
        block = Block(
            account=self.key(contents.get("account")),
            previous=hex_name(contents.get("previous")),
            representative=self.key(contents.get("representative")),
            balance=number(contents.get("balance")),
            link=hex_name(contents.get("link")),
        )
        if block.hash != name:
            raise NodeDown("the node answered with another block than the one asked for")
        return block

    def _destination(self, subtype: str, block: Block | None, contents: Mapping[str, Any]) -> str:
        if subtype != "send":
            return ""
        return block.link if block else self.key(contents.get("destination"))  # a send of the oldest kind

    def next_of(self, seen: BlockSeen) -> str:
        """The block after this one in its account's chain, or ""."""
        if seen.successor is not None:
            return "" if seen.successor == ZERO else seen.successor
        names = listing(self.ask("successors", block=seen.hash, count="2").get("blocks"))
        return hex_name(names[1]) if len(names) > 1 else ""

    def process(self, block: Block) -> str:
        """The name the node gives it. Never with a subtype: a repeat is then "Old block" and not a false alarm."""
        answer = self.ask("process", json_block="true", block=block.as_json(self._prefix))
        return str(answer.get("hash"))

    def hurry(self, name: str) -> None:
        """Asks the network to vote on a block it forgot."""
        self.ask("block_confirm", hash=name)


# -- reading --


def number(value: Any) -> int:
    """An amount or count, which the node writes as up to 39 digits of text."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 39:
        raise NodeDown("the node's answer has something else where a number should be")
    if int(value) > crypto.MAX_AMOUNT:
        raise NodeDown("the node's answer has an impossible amount")
    return int(value)


def truth(value: Any) -> bool:
    if value in ("true", "1"):
        return True
    if value in ("false", "0"):
        return False
    raise NodeDown("the node's answer has something else where yes or no should be")


def is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= HEX


def hex_name(value: Any, length: int = 64) -> str:
    """Upper-case hex of exactly this length: the node itself pads shorter ones silently."""
    if not isinstance(value, str) or len(value) != length or not set(value) <= HEX:
        raise NodeDown("the node's answer has something else where a hash should be")
    return value


def mapping(value: Any) -> dict[str, Any]:
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise NodeDown("the node's answer has something else where a map should be")
    return value


def listing(value: Any) -> list[Any]:
    if value == "":
        return []
    if not isinstance(value, list):
        raise NodeDown("the node's answer has something else where a list should be")
    return value


def either(value: Any) -> list[Any]:
    return list(value) if isinstance(value, dict) else listing(value)


def batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
