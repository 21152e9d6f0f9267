"""The node's own wallets: keys by number from a seed, payments named by the caller, pocketing by itself.

What a repeated name (`id`) does, and what is forgotten with the wallet's file, is the reason the site keeps its own
keys by default. Source: nano-node V24.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from adapters.codecs import banano_crypto as crypto
from tests.nodes.banano.calls import Calls
from tests.nodes.banano.ledger import ZERO, Block
from tests.nodes.banano.words import Answer, Refused, Request, account_key, address, hex_key, or_empty

LONGEST_ID = 511


@dataclass
class Held:
    seed: bytes
    representative: str
    keys: dict[str, bytes] = field(default_factory=dict)  # public key -> private key
    numbered: dict[int, str] = field(default_factory=dict)
    password: str = ""
    locked: bool = False

    def add(self, number: int) -> str:
        private = crypto.private_key(self.seed, number)
        key = crypto.public_key(private).hex().upper()
        self.keys[key], self.numbered[number] = private, key
        return key

    def next_number(self) -> int:
        return next(number for number in range(1 << 32) if number not in self.numbered)


class WalletCalls:
    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.ledger = calls.ledger
        self.held: dict[str, Held] = {}
        self.sent: dict[str, str] = {}  # id -> block; lives in the wallet's file alone
        self.receive_minimum = 10**29
        found = {name[3:]: getattr(self, name) for name in dir(self) if name.startswith("do_")}
        calls.more.update(found)

    def _wallet(self, request: Request, *, unlocked: bool = False) -> Held:
        held = self.held.get(hex_key(request.text("wallet"), "Bad wallet number"))
        if held is None:
            raise Refused("Wallet not found")
        if unlocked and held.locked:
            raise Refused("Wallet is locked")
        return held

    # -- wallets and their keys --

    def do_wallet_create(self, request: Request) -> Answer:
        given = "seed" in request
        name = hashlib.sha256(f"wallet {len(self.held)}".encode()).hexdigest().upper()
        seed = bytes.fromhex(request.text("seed")) if given else hashlib.sha256(name.encode()).digest()
        held = self.held[name] = Held(seed, self.ledger.genesis)
        if not given:
            return {"wallet": name}
        return {"wallet": name, "last_restored_account": address(held.add(0)), "restored_count": "1"}

    def do_wallet_add(self, request: Request) -> Answer:
        private = bytes.fromhex(request.text("key"))
        key = crypto.public_key(private).hex().upper()
        self._wallet(request).keys[key] = private
        return {"account": address(key)}

    def do_wallet_destroy(self, request: Request) -> Answer:
        self._wallet(request)
        del self.held[hex_key(request.text("wallet"), "Bad wallet number")]
        return {"destroyed": "1"}

    def do_account_create(self, request: Request) -> Answer:
        held = self._wallet(request, unlocked=True)
        return {"account": address(held.add(request.number("index", held.next_number())))}

    def do_accounts_create(self, request: Request) -> Answer:
        held = self._wallet(request, unlocked=True)
        return {"accounts": [address(held.add(held.next_number())) for _ in range(request.number("count"))]}

    def do_account_list(self, request: Request) -> Answer:
        return {"accounts": or_empty([address(key) for key in sorted(self._wallet(request).keys)])}

    def do_wallet_contains(self, request: Request) -> Answer:
        return {"exists": "1" if request.account() in self._wallet(request).keys else "0"}

    def do_wallet_representative(self, request: Request) -> Answer:
        return {"representative": address(self._wallet(request).representative)}

    def do_wallet_representative_set(self, request: Request) -> Answer:
        self._wallet(request).representative = request.account("representative")
        return {"set": "1"}

    # -- passwords --

    def do_wallet_locked(self, request: Request) -> Answer:
        return {"locked": "1" if self._wallet(request).locked else "0"}

    def do_password_valid(self, request: Request) -> Answer:
        return {"valid": "0" if self._wallet(request).locked else "1"}

    def do_password_change(self, request: Request) -> Answer:
        self._wallet(request).password = request.text("password")
        return {"changed": "1"}

    def do_password_enter(self, request: Request) -> Answer:
        held = self._wallet(request)
        right = request.text("password") == held.password
        held.locked = held.locked and not right
        return {"valid": "1" if right else "0"}

    def do_wallet_lock(self, request: Request) -> Answer:
        self._wallet(request).locked = True
        return {"locked": "1"}

    # -- balances --

    def do_wallet_balances(self, request: Request) -> Answer:
        found = {}
        for key in sorted(self._wallet(request).keys):
            more = str(sum(one.amount for _, one in self.ledger.to_collect(key)))
            held = str(self.ledger.balance(key))
            found[address(key)] = {"balance": held, "pending": more, "receivable": more}
        return {"balances": or_empty(found)}

    def do_wallet_frontiers(self, request: Request) -> Answer:
        opened = [key for key in sorted(self._wallet(request).keys) if key in self.ledger.accounts]
        return {"frontiers": or_empty({address(key): self.ledger.accounts[key].head for key in opened})}

    def do_wallet_receivable(self, request: Request) -> Answer:
        accounts = [address(key) for key in sorted(self._wallet(request).keys)]
        return self.calls.do_accounts_receivable(Request({**request.fields, "accounts": accounts}))

    def do_receive_minimum(self, request: Request) -> Answer:
        return {"amount": str(self.receive_minimum)}

    def do_receive_minimum_set(self, request: Request) -> Answer:
        self.receive_minimum = request.number("amount")
        return {"success": ""}

    # -- paying and pocketing --

    def do_send(self, request: Request) -> Answer:
        source_text, destination = request.text("source"), request.text("destination")
        amount_text, held = request.text("amount"), self._wallet(request)
        source, target = account_key(source_text), account_key(destination, "Bad destination account")
        if not amount_text.isdigit() or int(amount_text) == 0:
            raise Refused("Invalid amount number")
        if held.locked:
            raise Refused("Wallet is locked")
        if source not in held.keys:
            raise Refused("Account not found in wallet")
        head = self.ledger.head(source)
        if head is None:
            raise Refused("Account not found")
        if "id" not in request:
            return self._pay(held, head, target, int(amount_text))
        name = request.text("id")
        if name in self.sent:  # whatever amount and destination are asked for now
            return {"block": self.sent[name]}
        if not 0 < len(name) <= LONGEST_ID:
            raise Refused("Error generating block")
        answer = self._pay(held, head, target, int(amount_text))
        self.sent[name] = str(answer["block"])
        return answer

    def _pay(self, held: Held, head: Block, target: str, amount: int) -> Answer:
        if amount > head.balance:
            raise Refused("Insufficient balance")
        block = Block(head.account, head.hash, head.representative, head.balance - amount, target, "", "")
        return self._put(held, block)

    def _put(self, held: Held, block: Block) -> Answer:
        block.signature = crypto.sign(held.keys[block.account], bytes.fromhex(block.name())).hex().upper()
        block.work = self.ledger.make_work(block.root, self.ledger.threshold)
        verdict = self.ledger.process(block)
        if verdict:
            raise Refused("Error generating block")
        return {"block": block.hash}

    def do_receive(self, request: Request) -> Answer:
        account, held = request.account(), self._wallet(request, unlocked=True)
        if account not in held.keys:
            raise Refused("Account not found in wallet")
        send = hex_key(request.text("block"), "Invalid block hash")
        if send not in self.ledger.blocks:
            raise Refused("Block not found")
        if send not in self.ledger.receivable.get(account, {}):
            raise Refused("Unreceivable")
        return self._pocket(held, account, send)

    def _pocket(self, held: Held, account: str, send: str) -> Answer:
        amount, head = self.ledger.receivable[account][send].amount, self.ledger.head(account)
        if head is None:
            return self._put(held, Block(account, ZERO, held.representative, amount, send, "", ""))
        return self._put(held, Block(account, head.hash, head.representative, head.balance + amount, send, "", ""))

    def do_search_receivable(self, request: Request) -> Answer:
        held = self._wallet(request)
        if held.locked:
            return {"started": "false"}
        for account in held.keys:
            for send, one in self.ledger.to_collect(account):
                if one.amount >= self.receive_minimum and self.ledger.blocks[send].confirmed:
                    self._pocket(held, account, send)
        return {"started": "true"}

    def do_account_representative_set(self, request: Request) -> Answer:
        account, held = request.account(), self._wallet(request, unlocked=True)
        head = self.ledger.head(account)
        if account not in held.keys or head is None:
            raise Refused("Account not found in wallet")
        voter = account_key(request.text("representative"), "Bad representative number")
        return self._put(held, Block(account, head.hash, voter, head.balance, ZERO, "", ""))

    def pocket_confirmed(self, block: Block) -> None:
        """The node pockets by itself what is confirmed and large enough, while the wallet is open."""
        for held in self.held.values():
            mine = block.subtype == "send" and block.link in held.keys and not held.locked
            if mine and block.amount >= self.receive_minimum and block.hash in self.ledger.receivable[block.link]:
                self._pocket(held, block.link, block.hash)
