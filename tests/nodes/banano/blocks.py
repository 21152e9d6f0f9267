"""The RPC's calls about blocks: read, listed, sent, voted on. Source: nano-node V24."""

from __future__ import annotations

import json

from adapters.codecs import banano_crypto as crypto
from tests.nodes.banano.accounts import AccountCalls
from tests.nodes.banano.ledger import EPOCHS, ZERO, Block
from tests.nodes.banano.words import (
    PREFIXES,
    Answer,
    Missing,
    Refused,
    Request,
    account_key,
    address,
    hex_key,
    or_empty,
    yes,
)


class BlockCalls(AccountCalls):
    # -- blocks --

    def contents(self, block: Block) -> Answer:
        if block.hash == self.ledger.genesis_hash:
            return {
                "type": "open", "source": block.source, "representative": address(block.representative),
                "account": address(block.account), "work": block.work, "signature": block.signature,
            }  # fmt: skip
        return {
            "type": "state", "account": address(block.account), "previous": block.previous,
            "representative": address(block.representative), "balance": str(block.balance), "link": block.link,
            "link_as_account": address(block.link), "signature": block.signature, "work": block.work,
        }  # fmt: skip

    def _info(self, block: Block, as_json: bool) -> Answer:
        contents = self.contents(block)
        answer: Answer = {
            "block_account": address(block.account), "amount": str(block.amount), "balance": str(block.balance),
            "height": str(block.height), "local_timestamp": str(block.arrived),
            **({"successor": block.successor} if self.version >= 23 else {}),
            "confirmed": yes(block.confirmed),
            "contents": contents if as_json else json.dumps(contents, indent=4) + "\n",
        }  # fmt: skip
        if contents["type"] == "state":
            answer["subtype"] = block.subtype
        return answer

    def do_block_info(self, request: Request) -> Answer:
        return self._info(self._block(request), request.flag("json_block"))

    def do_blocks_info(self, request: Request) -> Answer:
        found: Answer = {}
        missing = []
        for text in request.texts("hashes"):
            block = self.ledger.blocks.get(hex_key(text, "Invalid block hash"))
            if block is None:
                missing.append(text)
                continue
            found[text] = {**self._info(block, request.flag("json_block")), **self._info_more(block, request)}
        if missing and not request.flag("include_not_found"):
            raise Refused("Block not found")
        unknown = {"blocks_not_found": or_empty(missing)} if request.flag("include_not_found") else {}
        return {"blocks": or_empty(found), **unknown}

    def _info_more(self, block: Block, request: Request) -> Answer:
        answer: Answer = {}
        if request.flag("pending") or (request.flag("receivable") and self.version >= 23):
            held = block.subtype == "send" and block.hash in self.ledger.receivable.get(block.link, {})
            names = ("pending", "receivable") if self.version >= 23 else ("pending",)
            answer.update(dict.fromkeys(names, "1" if held else "0"))
        if request.flag("receive_hash"):
            answer["receive_hash"] = self.ledger.received_by.get(block.hash, ZERO)
        if request.flag("source"):
            source = address(block.source) if block.subtype == "receive" else "0"
            answer["source_account"] = source
        return answer

    def do_blocks(self, request: Request) -> Answer:
        found = {}
        for text in request.texts("hashes"):
            block = self.ledger.blocks.get(hex_key(text, "Invalid block hash"))
            if block is None:
                raise Refused("Block not found")
            contents = self.contents(block)
            found[text] = contents if request.flag("json_block") else json.dumps(contents, indent=4) + "\n"
        return {"blocks": found}

    def do_block_account(self, request: Request) -> Answer:
        return {"account": address(self._block(request).account)}

    def do_chain(self, request: Request) -> Answer:
        count = request.number("count")
        names = [one.hash for one in self.ledger.down(self._block(request, "block").hash)]
        return {"blocks": or_empty(names[:count])}

    def do_successors(self, request: Request) -> Answer:
        count = request.number("count")
        return {"blocks": or_empty([one.hash for one in self.ledger.up(self._block(request, "block").hash)][:count])}

    def do_account_history(self, request: Request) -> Answer:
        text = request.text("count")
        if not text.lstrip("-").isdigit():
            raise Refused("Invalid count")
        raw, reverse = request.flag("raw"), request.flag("reverse")
        if "head" in request:
            start = self._block(request, "head")
            key = start.account
        else:
            key = request.account()
            if key not in self.ledger.accounts:
                return {"account": request.text("account"), "history": ""}
            account = self.ledger.accounts[key]
            start = self.ledger.blocks[account.opened if reverse else account.head]
        walk = self.ledger.up(start.hash) if reverse else self.ledger.down(start.hash)
        only = {account_key(one) for one in request.texts("account_filter")} if "account_filter" in request else None
        left, skip = (1 << 63) if text.startswith("-") else int(text), request.number("offset", 0)
        entries: list[Answer] = []
        rest = ""
        for block in walk:
            if left == 0:
                rest = block.hash
                break
            if skip:
                skip -= 1
                continue
            entry = self._entry(block, raw, only)
            if entry:
                entries.append(entry)
                left -= 1
        name = "next" if reverse else "previous"
        return {"account": address(key), "history": or_empty(entries), **({name: rest} if rest else {})}

    def _entry(self, block: Block, raw: bool, only: set[str] | None) -> Answer:
        other = block.link if block.subtype == "send" else block.source
        moves = block.subtype in ("send", "receive", "open")
        if (not moves and not raw) or (only is not None and other not in only):
            return {}
        entry: Answer = {}
        if raw:
            entry = {"type": "state", "representative": address(block.representative), "link": block.link}
            entry |= {"balance": str(block.balance), "previous": block.previous, "subtype": block.subtype}
        else:
            entry = {"type": "send" if block.subtype == "send" else "receive"}
        if moves:
            entry |= {"account": address(other), "amount": str(block.amount)}
        elif block.subtype == "epoch":
            entry["account"] = address(self.ledger.genesis)
        entry |= {"local_timestamp": str(block.arrived), "height": str(block.height), "hash": block.hash}
        if self.version >= 23:
            entry["confirmed"] = yes(block.confirmed)
        return entry | ({"work": block.work, "signature": block.signature} if raw else {})

    # -- sending blocks --

    def read_block(self, request: Request) -> Block:
        if "block" not in request:
            raise Missing("block")
        given = request.fields["block"]
        as_json = request.flag("json_block")
        if isinstance(given, dict) != as_json:
            raise Refused("Block is invalid")
        try:
            fields = given if as_json else json.loads(given)
            return _parse(fields)
        except (ValueError, KeyError, TypeError, AttributeError, Refused):
            raise Refused("Block is invalid") from None

    def do_process(self, request: Request) -> Answer:
        block = self.read_block(request)
        self._check_subtype(block, request)
        if crypto.work_value(block.root, int(block.work, 16)) < self.ledger.threshold:
            raise Refused("Block work is less than threshold")
        if request.flag("async"):
            self.ledger.process(block)
            return {"started": "1"}
        verdict = self.ledger.force(block) if request.flag("force") else self.ledger.process(block)
        if verdict:
            raise Refused(verdict)
        return {"hash": block.hash}

    def _check_subtype(self, block: Block, request: Request) -> None:
        if "subtype" not in request:
            return
        subtype, held = request.text("subtype"), self.ledger.balance(block.account)
        if block.previous != ZERO and block.previous not in self.ledger.blocks:
            raise Refused("Gap previous block")
        wrong_balance = {
            "send": held <= block.balance,
            "receive": held > block.balance,
            "open": False,
            "change": held != block.balance,
            "epoch": held != block.balance,
        }
        if subtype not in wrong_balance:
            raise Refused("Invalid block subtype")
        if wrong_balance[subtype]:
            raise Refused("Invalid block balance for given subtype")
        if (subtype == "open" and block.previous != ZERO) or (subtype == "change" and block.previous == ZERO):
            raise Refused("Invalid previous block for given subtype")
        if subtype == "epoch" and block.link not in EPOCHS:
            raise Refused("Invalid epoch link")

    def do_block_hash(self, request: Request) -> Answer:
        return {"hash": self.read_block(request).name()}

    def do_block_confirm(self, request: Request) -> Answer:
        self.ledger.block_confirm(self._block(request).hash)
        return {"started": "1"}

    def do_unchecked(self, request: Request) -> Answer:
        waiting = {one.name(): self.contents(one) for some in self.ledger.parked.values() for one in some}
        return {"blocks": or_empty(dict(sorted(waiting.items())[: request.number("count", 1 << 63)]))}

    def do_confirmation_active(self, request: Request) -> Answer:
        active = [self.ledger.blocks[name] for name in self.ledger.active]
        roots = [(one.account if one.previous == ZERO else one.previous) + one.previous for one in active]
        return {"confirmations": or_empty(roots), "unconfirmed": str(len(roots)), "confirmed": "0"}


def _parse(fields: Answer) -> Block:
    if fields["type"] != "state" or not fields["balance"].isdigit() or int(fields["balance"]) > crypto.MAX_AMOUNT:
        raise ValueError("block")
    link = fields["link"]
    bytes.fromhex(fields["signature"])
    if len(fields["work"]) > 16:
        raise ValueError("work")
    int(fields["work"], 16)
    return Block(
        account=account_key(fields["account"]),
        previous=hex_key(fields["previous"], "x"),
        representative=account_key(fields["representative"]),
        balance=int(fields["balance"]),
        link=account_key(link) if link.startswith(PREFIXES) else hex_key(link, "x"),
        signature=fields["signature"].upper(),
        work=fields["work"].lower().rjust(16, "0"),
    )
