"""The RPC's calls about accounts and what they may collect, by version. Source: nano-node V24."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.nodes.banano.ledger import ZERO, Block, Ledger, Receivable
from tests.nodes.banano.words import Answer, Refused, Request, account_key, address, hex_key, or_empty


class AccountCalls:
    ledger: Ledger
    version: int

    def _block(self, request: Request, name: str = "hash") -> Block:
        block = self.ledger.blocks.get(request.hash(name))
        if block is None:
            raise Refused("Block not found")
        return block

    # -- accounts --

    def do_account_get(self, request: Request) -> Answer:
        return {"account": address(hex_key(request.text("key"), "Bad public key"))}

    def do_account_key(self, request: Request) -> Answer:
        return {"key": request.account()}

    def do_validate_account_number(self, request: Request) -> Answer:
        text = request.text("account")
        try:
            account_key(text)
        except Refused:
            return {"valid": "0"}
        old = {"deprecated_account_format": "1"} if "-" in text else {}
        return {**old, "valid": "1"}

    def _opened(self, request: Request) -> str:
        key = request.account()
        if key not in self.ledger.accounts:
            raise Refused("Account not found")
        return key

    def _collectable(self, key: str, *, confirmed: bool) -> int:
        entries = self.ledger.to_collect(key)
        return sum(one.amount for name, one in entries if not confirmed or self.ledger.blocks[name].confirmed)

    def do_account_balance(self, request: Request) -> Answer:
        key, confirmed = request.account(), request.flag("include_only_confirmed", True)
        ledger = self.ledger
        held = ledger.confirmed_balance(key) if confirmed else ledger.balance(key)
        more = str(self._collectable(key, confirmed=confirmed))
        return {"balance": str(held), "pending": more, "receivable": more}

    def do_account_block_count(self, request: Request) -> Answer:
        head = self.ledger.head(self._opened(request))
        assert head
        return {"block_count": str(head.height)}

    def do_account_representative(self, request: Request) -> Answer:
        head = self.ledger.head(self._opened(request))
        assert head
        return {"representative": address(head.representative)}

    def weights(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for key in self.ledger.accounts:
            head = self.ledger.confirmed_head(key)
            if head is not None:
                found[head.representative] = found.get(head.representative, 0) + head.balance
        return found

    def do_account_weight(self, request: Request) -> Answer:
        return {"weight": str(self.weights().get(request.account(), 0))}

    def do_account_info(self, request: Request) -> Answer:
        key = self._opened(request)
        ledger, account = self.ledger, self.ledger.accounts[key]
        head, confirmed = ledger.blocks[account.head], ledger.confirmed_head(key)
        full = request.flag("include_confirmed")
        answer: Answer = {
            "frontier": head.hash, "open_block": account.opened, "representative_block": head.hash,
            "balance": str(head.balance),
            **({"confirmed_balance": str(confirmed.balance if confirmed else 0)} if full else {}),
            "modified_timestamp": str(head.arrived), "block_count": str(head.height),
            "account_version": str(account.version),
        }  # fmt: skip
        height, top = (confirmed.height, confirmed.hash) if confirmed else (0, ZERO)
        names = ("confirmed_height", "confirmed_frontier")
        names = names if full else ("confirmation_height", "confirmation_height_frontier")
        answer.update({names[0]: str(height), names[1]: top})
        if request.flag("representative"):
            answer["representative"] = address(head.representative)
            if full:
                answer["confirmed_representative"] = address(confirmed.representative if confirmed else ZERO)
        if request.flag("weight"):
            answer["weight"] = str(self.weights().get(key, 0))
        if request.flag("receivable") or request.flag("pending"):
            answer.update(self._info_receivable(key, full))
        return answer

    def _info_receivable(self, key: str, full: bool) -> Answer:
        everything = str(self._collectable(key, confirmed=False))
        found = {"pending": everything, "receivable": everything}
        if full:
            confirmed = str(self._collectable(key, confirmed=True))
            found.update({"confirmed_pending": confirmed, "confirmed_receivable": confirmed})
        return found

    # -- many accounts --

    def _each(self, request: Request, name: str, one: Callable[[str], Any], told: Callable[[str], Any]) -> Answer:
        """Per-account errors: V25 tells them apart, V24 in place of the value, V23 hides them."""
        found: Answer = {}
        errors: Answer = {}
        for text in request.texts("accounts"):
            try:
                found[text] = one(account_key(text))
            except Refused as refused:
                errors[text] = str(refused)
        if self.version >= 25:
            return {name: or_empty(found), **({"errors": errors} if errors else {})}
        if self.version == 24:
            order = request.texts("accounts")
            found.update({text: told(words) for text, words in errors.items()})
            found = {text: found[text] for text in order}
        return {name: or_empty(found)}

    def do_accounts_balances(self, request: Request) -> Answer:
        confirmed = self.version >= 25 and request.flag("include_only_confirmed", True)

        def one(key: str) -> Answer:
            if key not in self.ledger.accounts and self.version == 24:
                raise Refused("Account not found")
            held = self.ledger.confirmed_balance(key) if confirmed else self.ledger.balance(key)
            more = str(self._collectable(key, confirmed=confirmed))
            return {"balance": str(held), "pending": more, "receivable": more}

        return self._each(request, "balances", one, lambda words: {"error": words})

    def _of_opened(self, key: str) -> Block:
        head = self.ledger.head(key)
        if head is None:
            raise Refused("Account not found")
        return head

    def do_accounts_frontiers(self, request: Request) -> Answer:
        return self._each(request, "frontiers", lambda key: self._of_opened(key).hash, lambda words: f"error: {words}")

    def do_accounts_representatives(self, request: Request) -> Answer:
        def one(key: str) -> str:
            return address(self._of_opened(key).representative)

        return self._each(request, "representatives", one, lambda words: f"error: {words}")

    # -- what can be collected --

    def _visible(self, key: str, request: Request) -> list[tuple[str, Receivable]]:
        only = request.flag("include_only_confirmed", self.version >= 22)
        active = request.flag("include_active")
        found = []
        for name, one in self.ledger.to_collect(key):
            if only and not self.ledger.blocks[name].confirmed:
                continue
            if not active and name in self.ledger.active:
                continue
            found.append((name, one))
        return found

    def _listed(self, key: str, request: Request, *, cut_first: bool) -> Any:
        least = request.number("threshold", 0, words="Bad threshold number")
        count, offset = request.number("count", 1 << 63), request.number("offset", 0, words="Invalid offset")
        found = [(name, one) for name, one in self._visible(key, request) if one.amount >= least]
        if cut_first:  # accounts_receivable of V24 cuts before it sorts
            found = found[:count]
        if request.flag("sorting"):
            found.sort(key=lambda entry: -entry[1].amount)
        found = found[offset : offset + count]
        if request.flag("source"):
            versions = request.flag("min_version")
            return {
                name: {
                    "amount": str(one.amount),
                    "source": address(one.source),
                    **({"min_version": str(one.version)} if versions else {}),
                }
                for name, one in found
            }
        if least or request.flag("sorting"):
            return {name: str(one.amount) for name, one in found}
        return [name for name, _ in found]

    def do_accounts_receivable(self, request: Request) -> Answer:
        keys = {text: account_key(text) for text in request.texts("accounts")}
        listed = {text: self._listed(key, request, cut_first=True) for text, key in keys.items()}
        return {"blocks": or_empty({text: found for text, found in listed.items() if found})}

    def do_receivable(self, request: Request) -> Answer:
        return {"blocks": or_empty(self._listed(request.account(), request, cut_first=False))}

    def _renamed(self, answer: Answer) -> Answer:
        return {"deprecated": "1", **answer} if self.version >= 24 else answer

    def do_accounts_pending(self, request: Request) -> Answer:
        return self._renamed(self.do_accounts_receivable(request))

    def do_pending(self, request: Request) -> Answer:
        return self._renamed(self.do_receivable(request))

    def do_receivable_exists(self, request: Request) -> Answer:
        block = self._block(request)
        held = block.subtype == "send" and block.hash in self.ledger.receivable.get(block.link, {})
        if held and request.flag("include_only_confirmed", True):
            held = block.confirmed
        if held and not request.flag("include_active"):
            held = block.hash not in self.ledger.active
        return {"exists": "1" if held else "0"}
