"""The node's RPC over a Ledger: what each call takes, answers and refuses, by version. Source: nano-node V24.

Everything in an answer is text, and an empty list or map is "".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from adapters.codecs import banano_crypto as crypto
from tests.nodes.banano.blocks import BlockCalls
from tests.nodes.banano.ledger import Ledger
from tests.nodes.banano.words import Answer, Missing, Refused, Request, address, or_empty, text_of

CONTROL = {
    "account_create",
    "accounts_create",
    "account_representative_set",
    "block_create",
    "keepalive",
    "ledger",
    "node_id",
    "receive",
    "receive_minimum",
    "receive_minimum_set",
    "search_receivable",
    "send",
    "stop",
    "unopened",
    "wallet_add",
    "wallet_create",
    "wallet_destroy",
    "wallet_lock",
    "wallet_representative_set",
    "work_cancel",
    "work_generate",
}


class Calls(BlockCalls):
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
        if not self.control and (action in CONTROL or request.flag("force")):
            raise Refused("RPC control is disabled")
        if found is None or (self.version < 24 and action == "accounts_receivable"):
            raise Refused("Unknown command")
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
        count, waiting = len(self.ledger.blocks) + self.extra_backlog, sum(map(len, self.ledger.parked.values()))
        cemented = sum(block.confirmed for block in self.ledger.blocks.values())
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

    def do_telemetry(self, request: Request) -> Answer:
        """Sums over peers; of itself only when asked for by its own address."""
        if request.flag("raw"):
            return {"metrics": ""}
        own = {"block_count": len(self.ledger.blocks), "account_count": len(self.ledger.accounts)}
        names = ("block_count", "cemented_count", "unchecked_count", "account_count", "peer_count")
        counts = own if "address" in request else {}
        return {name: str(counts.get(name, 0)) for name in names}

    def do_bootstrap_any(self, request: Request) -> Answer:
        return {"success": ""}

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
        online = [self.ledger.genesis] if self.ledger.voting or self.ledger.online else []
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
        work = self.ledger.make_work(bytes.fromhex(root), wanted)
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
