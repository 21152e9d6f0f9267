"""Accounts, blocks, what is receivable, what waits for a missing block, and confirmation. Source: nano-node V24."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from adapters.codecs import banano_crypto as crypto

ZERO = "0" * 64
SUPPLY = (1 << 128) - 1
EPOCHS = {f"epoch v{number} block".encode().ljust(32, b"\0").hex().upper(): number for number in (1, 2)}


@dataclass
class Block:
    """Keys and names are upper-case hex. A genesis block is of the oldest kind, all others are state blocks."""

    account: str
    previous: str
    representative: str
    balance: int
    link: str
    signature: str
    work: str
    hash: str = ""
    subtype: str = ""
    amount: int = 0
    height: int = 0
    arrived: int = 0
    source: str = ""  # sender, for a receive
    successor: str = ZERO
    confirmed: bool = False

    def name(self) -> str:
        raw = bytes.fromhex
        made = crypto.state_hash(
            raw(self.account), raw(self.previous), raw(self.representative), self.balance, raw(self.link)
        )
        return made.hex().upper()

    @property
    def root(self) -> bytes:
        return bytes.fromhex(self.account if self.previous == ZERO else self.previous)


@dataclass
class Account:
    head: str
    opened: str
    version: int = 0
    confirmed_height: int = 0


@dataclass
class Receivable:
    amount: int
    source: str
    version: int


@dataclass
class Ledger:
    genesis_key: bytes  # private; it also signs epoch blocks
    threshold: int
    accounts: dict[str, Account] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    receivable: dict[str, dict[str, Receivable]] = field(default_factory=dict)  # account -> send -> it
    parked: dict[str, list[Block]] = field(default_factory=dict)  # missing block -> those that wait for it
    active: set[str] = field(default_factory=set)  # unconfirmed blocks being voted on
    rivals: dict[str, list[Block]] = field(default_factory=dict)  # taken place -> losers so far
    received_by: dict[str, str] = field(default_factory=dict)
    effort: int | None = None  # threshold of the work it makes itself, where that shall be quick
    voting: bool = False  # confirms each block at once
    online: bool = False  # representatives are seen voting
    on_confirmed: Callable[[Block], None] = lambda block: None
    clock: Callable[[], int] = lambda: int(time.time())

    def __post_init__(self) -> None:
        key = crypto.public_key(self.genesis_key)
        self.genesis = key.hex().upper()
        name = crypto.open_hash(key, key, key).hex().upper()
        block = Block(self.genesis, ZERO, self.genesis, SUPPLY, ZERO, "0" * 128, "0" * 16)
        block.hash, block.subtype, block.amount, block.height = name, "open", SUPPLY, 1
        block.source, block.confirmed, block.arrived = self.genesis, True, self.clock()
        self.blocks[name], self.genesis_hash = block, name
        self.accounts[self.genesis] = Account(name, name, 0, 1)

    # -- reading --

    def head(self, account: str) -> Block | None:
        found = self.accounts.get(account)
        return self.blocks[found.head] if found else None

    def balance(self, account: str) -> int:
        head = self.head(account)
        return head.balance if head else 0

    def confirmed_head(self, account: str) -> Block | None:
        for block in self.down(self.accounts[account].head) if account in self.accounts else ():
            if block.confirmed:
                return block
        return None

    def make_work(self, root: bytes, wanted: int) -> str:
        work = crypto.find_work(root, wanted if self.effort is None else min(wanted, self.effort), 60)
        assert work is not None
        return work

    def confirmed_balance(self, account: str) -> int:
        head = self.confirmed_head(account)
        return head.balance if head else 0

    def down(self, name: str) -> Iterator[Block]:
        while name != ZERO:
            block = self.blocks[name]
            yield block
            name = block.previous

    def up(self, name: str) -> Iterator[Block]:
        while name != ZERO:
            block = self.blocks[name]
            yield block
            name = block.successor

    def to_collect(self, account: str) -> list[tuple[str, Receivable]]:
        """In the order the node keeps them: by the name of the send."""
        return sorted(self.receivable.get(account, {}).items())

    # -- a block arrives --

    def process(self, block: Block) -> str:
        """ "" when it was applied, else the node's words. A gap is parked and applied later by itself."""
        block.hash = block.name()
        if block.hash in self.blocks:
            return "Old block"
        if block.link in EPOCHS and block.balance == self.balance(block.account):
            verdict = self._try_epoch(block)
        else:
            verdict = self._try(block)
        if verdict == "":
            self._apply_parked(block.hash)
        return verdict

    def _signed_by(self, key: str, block: Block) -> bool:
        try:
            signature = bytes.fromhex(block.signature.rjust(128, "0"))
        except ValueError:
            return False
        return crypto.verify(bytes.fromhex(key), bytes.fromhex(block.hash), signature)

    def _place(self, block: Block) -> str:
        """Whether its place in the account's chain exists and is free."""
        if block.account == ZERO:
            return "Block attempts to open the burn account"
        account = self.accounts.get(block.account)
        if account is None:
            return "" if block.previous == ZERO else self._park(block, block.previous, "Gap previous block")
        if block.previous == ZERO:
            return self._fork(block, account.opened)
        if block.previous not in self.blocks:
            return self._park(block, block.previous, "Gap previous block")
        if block.previous != account.head:
            return self._fork(block, self.blocks[block.previous].successor)
        return ""

    def _fork(self, block: Block, taken_by: str) -> str:
        taken = self.blocks.get(taken_by)
        if taken is not None and not taken.confirmed:
            self.rivals.setdefault(taken_by, []).append(block)
        return "Fork"

    def _park(self, block: Block, missing: str, words: str) -> str:
        waiting = self.parked.setdefault(missing, [])
        if all(one.hash != block.hash for one in waiting):
            waiting.append(block)
        return words

    def _try(self, block: Block) -> str:
        if not self._signed_by(block.account, block):
            return "Bad signature"
        verdict = self._place(block)
        if verdict:
            return verdict
        before = self.balance(block.account)
        if block.account in self.accounts and block.balance < before:
            return self._append(block, "send", before - block.balance)
        if block.link != ZERO:
            return self._try_receive(block, block.balance - before)
        if block.account not in self.accounts:
            return self._park(block, ZERO, "Gap source block")
        if block.balance != before:
            return "Balance and amount delta do not match"
        return self._append(block, "change", 0)

    def _try_receive(self, block: Block, amount: int) -> str:
        if block.link not in self.blocks:
            return self._park(block, block.link, "Gap source block")
        held = self.receivable.get(block.account, {}).get(block.link)
        if held is None:
            return "Unreceivable"
        if held.amount != amount:
            return "Balance and amount delta do not match"
        del self.receivable[block.account][block.link]
        self.received_by[block.link] = block.hash
        block.source = held.source
        return self._append(block, "receive", amount)

    def _try_epoch(self, block: Block) -> str:
        if not (self._signed_by(self.genesis, block) or self._signed_by(block.account, block)):
            return "Bad signature"
        verdict = self._place(block)
        if verdict:
            return verdict
        head = self.head(block.account)
        if block.representative != (head.representative if head else ZERO):
            return "Representative mismatch"
        if head is None and not self.receivable.get(block.account):
            return "Gap pending for open epoch block"
        version = self.accounts[block.account].version if head else 0
        if head is not None and EPOCHS[block.link] <= version:
            return "Block position is invalid"
        self._append(block, "epoch", 0)
        self.accounts[block.account].version = EPOCHS[block.link]
        return ""

    def _append(self, block: Block, subtype: str, amount: int) -> str:
        before = self.head(block.account)
        block.subtype, block.amount, block.arrived = subtype, amount, self.clock()
        block.height = before.height + 1 if before else 1
        if before is not None:
            before.successor = block.hash
            self.accounts[block.account].head = block.hash
        else:
            self.accounts[block.account] = Account(block.hash, block.hash)
        self.blocks[block.hash] = block
        self.active.add(block.hash)
        if subtype == "send":
            version = self.accounts[block.account].version
            self.receivable.setdefault(block.link, {})[block.hash] = Receivable(amount, block.account, version)
        if self.voting:
            self.confirm(block.hash)
        return ""

    def _apply_parked(self, name: str) -> None:
        for block in self.parked.pop(name, []):
            self.process(block)

    # -- confirmation --

    def confirm(self, name: str) -> list[str]:
        """Confirms a block, all below it, and where what they collected came from; the newly confirmed names."""
        done: list[str] = []
        waiting = [name]
        while waiting:
            for block in reversed([one for one in self.down(waiting.pop()) if not one.confirmed]):
                block.confirmed = True
                self.active.discard(block.hash)
                self.rivals.pop(block.hash, None)
                self.accounts[block.account].confirmed_height = block.height
                done.append(block.hash)
                if block.subtype == "receive":
                    waiting.append(block.link)
        for one in done:
            self.on_confirmed(self.blocks[one])
        return done

    def confirm_all(self, but: Collection[str] = ()) -> int:
        """Those named stay unconfirmed, and with them what rests on them."""
        waiting = [name for name, block in self.blocks.items() if not block.confirmed and name not in but]
        return sum(len(self.confirm(name)) for name in waiting if name in self.blocks)

    def restart(self) -> None:
        """A restarted node forgets what it was voting on."""
        self.active.clear()

    def block_confirm(self, name: str) -> None:
        block = self.blocks[name]
        if block.confirmed:
            self.on_confirmed(block)
            return
        self.active.add(name)
        if self.voting:
            self.confirm(name)

    # -- losing an election --

    def rollback(self, name: str, *, restored: bool = False) -> list[str]:
        """Takes away a block and all that rests on it, in other accounts too; the names, newest first.

        restored: confirmed ones too, as a node does whose ledger file is an old copy."""
        gone: list[str] = []
        for block in reversed(list(self.up(name))):
            if block.confirmed and not restored:
                raise ValueError("a confirmed block never leaves")
            if block.subtype == "send" and block.hash in self.received_by:
                gone += self.rollback(self.received_by[block.hash], restored=restored)
            self._remove(block)
            gone.append(block.hash)
        return gone

    def _remove(self, block: Block) -> None:
        if block.subtype == "send":
            del self.receivable[block.link][block.hash]
        elif block.subtype == "receive":
            del self.received_by[block.link]
            sent = Receivable(block.amount, block.source, 0)
            self.receivable.setdefault(block.account, {})[block.link] = sent
        del self.blocks[block.hash]
        self.active.discard(block.hash)
        if block.previous == ZERO:
            del self.accounts[block.account]
        else:
            account = self.accounts[block.account]
            account.head, account.confirmed_height = block.previous, min(account.confirmed_height, block.height - 1)
            self.blocks[block.previous].successor = ZERO

    def force(self, block: Block) -> str:
        """The rival wins: what stands in its place goes."""
        block.hash = block.name()
        account = self.accounts.get(block.account)
        stands = self.blocks[block.previous].successor if block.previous in self.blocks else ZERO
        if block.previous == ZERO and account is not None:
            stands = account.opened
        if stands not in (ZERO, block.hash):
            self.rollback(stands)
        return self.process(block)
