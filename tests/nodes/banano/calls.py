"""The node's RPC over a Ledger: what each call takes, answers and refuses, by version. Source: nano-node V24.

Everything in an answer is text, and an empty list or map is "".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from adapters.codecs import banano_crypto as crypto
from tests.nodes.banano.ledger import EPOCHS, ZERO, Block, Ledger, Receivable

Answer = dict[str, Any]
PREFIXES = ("ban_", "nano_", "xrb_")  # the patched V24 that was recorded takes all three
CONTROL = frozenset(
    ["account_create", "accounts_create", "account_representative_set", "block_create", "bootstrap_lazy", "keepalive", "ledger", "node_id", "receive", "receive_minimum", "receive_minimum_set", "search_receivable", "send", "stop", "unopened", "wallet_add", "wallet_change_seed", "wallet_create", "wallet_destroy", "wallet_lock", "wallet_representative_set", "wallet_republish", "work_cancel", "work_generate", "work_get", "work_set"]
)


class Refused(Exception):
    """Becomes {"error": text}."""


class Missing(Exception):
    """A required field is not there: the node calls that a JSON error."""


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


class Request:
    def __init__(self, fields: Answer) -> None:
        self.fields = fields

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def text(self, name: str) -> str:
        if name not in self.fields or isinstance(self.fields[name], dict | list):
            raise Missing(name)
        return text_of(self.fields[name])

    def flag(self, name: str, default: bool = False) -> bool:
        """A word it does not know is silently the default."""
        return {"true": True, "1": True, "false": False, "0": False}.get(text_of(self.fields.get(name, "")), default)

    def number(self, name: str, default: int | None = None, *, words: str = "Invalid count") -> int:
        if name not in self.fields and default is not None:
            return default
        text = self.text(name)
        if not text.isdigit():
            raise Refused(words)
        return int(text)

    def texts(self, name: str) -> list[str]:
        if name not in self.fields:
            raise Missing(name)
        return [text_of(one) for one in self.fields[name]]

    def account(self, name: str = "account") -> str:
        return account_key(self.text(name))

    def hash(self, name: str = "hash", words: str = "Invalid block hash") -> str:
        return hex_key(self.text(name), words)


def hex_key(text: str, words: str) -> str:
    """Short hex is accepted and padded, as the node does."""
    if not text or len(text) > 64 or any(digit not in "0123456789abcdefABCDEF" for digit in text):
        raise Refused(words)
    return text.upper().rjust(64, "0")


def account_key(text: str, words: str = "Bad account number") -> str:
    for prefix in PREFIXES:
        for form in (prefix, prefix.replace("_", "-")):
            if text.startswith(form):
                try:
                    return crypto.decode_address(form, text).hex().upper()
                except crypto.BadAddress:
                    raise Refused(words) from None
    raise Refused(words)


def address(key: str) -> str:
    return crypto.encode_address("ban_", bytes.fromhex(key))


def or_empty(value: Any) -> Any:
    return value if value else ""


def yes(value: bool) -> str:
    return "true" if value else "false"


class Calls:
    def __init__(self, ledger: Ledger, *, version: int = 24, control: bool = True) -> None:
        self.ledger = ledger
        self.version = version
        self.control = control
        self.peers = 0
        self.extra_backlog = 0
        self.started = ledger.clock()
        self.more: dict[str, Callable[[Request], Answer]] = {}

    def answer(self, body: Any) -> Answer:
        """body: the request as text or already read."""
        if isinstance(body, str | bytes):
            raw = body.decode() if isinstance(body, bytes) else body
            if sum(raw.count(letter) for letter in "[{") > 20:
                return {"error": "Max JSON depth exceeded"}
            try:
                body = json.loads(raw)
            except ValueError:
                return {"error": "Unable to parse JSON"}
        if not isinstance(body, dict) or not isinstance(body.get("action"), str):
            return {"error": "Unable to parse JSON"}
        try:
            return self._call(body["action"], Request(body))
        except Refused as refused:
            return {"error": str(refused)}
        except Missing:
            return {"error": "Unable to parse JSON"}

    def _call(self, action: str, request: Request) -> Answer:
        found: Callable[[Request], Answer] | None = self.more.get(action) or getattr(self, f"do_{action}", None)
        if found is None or (self.version < 24 and action == "accounts_receivable"):
            raise Refused("Unknown command")
        if not self.control and (action in CONTROL or request.flag("force")):
            raise Refused("RPC control is disabled")
        return found(request)

    # -- the node --

    def do_version(self, request: Request) -> Answer:
        return {
            "rpc_version": "1", "store_version": "21", "protocol_version": "19", "node_vendor": "Nano V24.0",
            "store_vendor": "LMDB 0.9.25", "network": "dev", "network_identifier": self.ledger.genesis_hash,
            "build_info": "stand-in",
        }  # fmt: skip

    def do_uptime(self, request: Request) -> Answer:
        return {"seconds": str(self.ledger.clock() - self.started)}

    def do_block_count(self, request: Request) -> Answer:
        count, waiting = len(self.ledger.blocks), sum(map(len, self.ledger.parked.values()))
        cemented = sum(block.confirmed for block in self.ledger.blocks.values()) - self.extra_backlog
        return {"count": str(count), "unchecked": str(waiting), "cemented": str(cemented)}

    def do_account_count(self, request: Request) -> Answer:
        return {"count": str(len(self.ledger.accounts))}

    do_frontier_count = do_account_count

    def do_available_supply(self, request: Request) -> Answer:
        return {"available": str((1 << 128) - 1 - self.ledger.balance(self.ledger.genesis))}

    def do_peers(self, request: Request) -> Answer:
        return {"peers": or_empty({f"[::ffff:127.0.0.{number}]:7071": "19" for number in range(1, self.peers + 1)})}

    def do_active_difficulty(self, request: Request) -> Answer:
        now = f"{self.ledger.threshold:016x}"
        names = ("network_minimum", "network_receive_minimum", "network_current", "network_receive_current")
        return {"deprecated": "1", **dict.fromkeys(names, now), "multiplier": "1"}

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

    # -- blocks --

    def _block(self, request: Request, name: str = "hash") -> Block:
        block = self.ledger.blocks.get(request.hash(name))
        if block is None:
            raise Refused("Block not found")
        return block

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
        if request.flag("receivable") or request.flag("pending"):
            held = block.subtype == "send" and block.hash in self.ledger.receivable.get(block.link, {})
            answer.update(dict.fromkeys(("pending", "receivable"), "1" if held else "0"))
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

    # -- votes --

    def do_representatives(self, request: Request) -> Answer:
        found = sorted(self.weights().items(), reverse=True)
        count = request.number("count", 1 << 63)
        if request.flag("sorting"):
            found = sorted(found, key=lambda one: -one[1])[:count]
        elif "count" in request:
            found = found[: count + 1]  # one too many, as the real one
        return {"representatives": or_empty({address(key): str(weight) for key, weight in found if weight})}

    def do_representatives_online(self, request: Request) -> Answer:
        online = [self.ledger.genesis] if self.ledger.voting else []
        if request.flag("weight"):
            weights = self.weights()
            return {"representatives": or_empty({address(one): {"weight": str(weights[one])} for one in online})}
        return {"representatives": or_empty([address(one) for one in online])}

    def do_delegators(self, request: Request) -> Answer:
        wanted = request.account()
        found = {}
        for key in sorted(self.ledger.accounts):
            head = self.ledger.confirmed_head(key)
            if head is not None and head.representative == wanted:
                found[address(key)] = str(head.balance)
        return {"delegators": or_empty(found)}

    # -- work and keys --

    def do_work_generate(self, request: Request) -> Answer:
        root = request.hash()
        text = text_of(request.fields.get("difficulty", f"{self.ledger.threshold:016x}"))
        wanted = int(text, 16)
        if (
            not self.ledger.threshold
            <= wanted
            <= self.ledger.threshold + ((1 << 64) - self.ledger.threshold) * 63 // 64
        ):
            raise Refused("Difficulty above config limit or below publish threshold")
        work = crypto.find_work(bytes.fromhex(root), wanted, 60)
        if work is None:
            raise Refused("Work generation failed")
        value = crypto.work_value(bytes.fromhex(root), int(work, 16))
        return {"hash": root, "work": work, "difficulty": f"{value:016x}", "multiplier": self._multiplier(value)}

    def _multiplier(self, value: int) -> str:
        ratio = Decimal((1 << 64) - self.ledger.threshold) / Decimal((1 << 64) - value)
        return f"{ratio:.15f}"

    def do_work_validate(self, request: Request) -> Answer:
        value = crypto.work_value(bytes.fromhex(request.hash()), int(request.text("work"), 16))
        enough = "1" if value >= self.ledger.threshold else "0"
        asked = (
            {"valid": "1" if value >= int(request.text("difficulty"), 16) else "0"} if "difficulty" in request else {}
        )
        return {
            **asked,
            "valid_all": enough,
            "valid_receive": enough,
            "difficulty": f"{value:016x}",
            "multiplier": self._multiplier(value),
        }

    def do_work_cancel(self, request: Request) -> Answer:
        return {"success": ""}

    def do_deterministic_key(self, request: Request) -> Answer:
        private = crypto.private_key(bytes.fromhex(request.text("seed")), request.number("index"))
        return _pair(private)

    def do_key_expand(self, request: Request) -> Answer:
        return _pair(bytes.fromhex(request.text("key")))


def _pair(private: bytes) -> Answer:
    key = crypto.public_key(private).hex().upper()
    return {"private": private.hex().upper(), "public": key, "account": address(key)}


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
