"""An LNbits that answers as 1.6.2 ("new") or 0.9.7 ("old") were seen to, with a Lightning network on strings.

Only what the adapter calls. Payments between its wallets settle at once; what becomes of one to the outside is
told by route(), and later by settle().
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from adapters.codecs import bolt11
from tests.lnbits.front import Answered, Call
from tests.lnbits.server import Keys

Dialect = Literal["old", "new"]
Fate = Literal["success", "failed", "pending"]
KEY = hashlib.sha256(b"the node behind the stand-in").digest()
REFUSAL = "Payment failed: Only internal invoices can be used!"


@dataclass
class Row:
    wallet: str
    payment_hash: str
    amount: int  # negative: paid out
    bolt11: str
    memo: str
    state: Fate = "pending"
    fee: int = 0
    preimage: str = ""
    time: float = field(default_factory=time.time)


class StandIn:
    def __init__(self, dialect: Dialect) -> None:
        self.new = dialect == "new"
        self.rows: list[Row] = []
        self.reserve = 2000
        self._keys: dict[str, tuple[str, str]] = {}  # key -> wallet, kind
        self._routes: dict[str, tuple[Fate, int]] = {}
        self._lock = threading.Lock()

    def new_wallet(self, name: str, sats: int = 0) -> Keys:
        keys = Keys(secrets.token_hex(16), secrets.token_hex(16), secrets.token_hex(16))
        self._keys[keys.admin], self._keys[keys.invoice] = (keys.id, "admin"), (keys.id, "invoice")
        if sats:
            paid = self._invoice(keys.id, sats, "Admin credit", 3600)
            paid.state = "success"
        return keys

    def drop_wallet(self, keys: Keys) -> None:
        del self._keys[keys.admin], self._keys[keys.invoice]

    def route(self, invoice: str, fate: Fate, fee: int = 0) -> None:
        """What becomes of a payment to this invoice of the outside. fee: millisatoshi."""
        self._routes[bolt11.decode(invoice).payment_hash] = fate, fee

    def settle(self, payment_hash: str, fate: Fate, fee: int = 0) -> None:
        """The end of a payment that was pending."""
        row = next(row for row in self.rows if row.payment_hash == payment_hash and row.amount < 0)
        row.state, row.fee = fate, fee
        if fate == "failed" and not self.new:
            self.rows.remove(row)

    def __call__(self, call: Call) -> Answered:
        with self._lock:
            status, data = self._answer(call)
        return status, json.dumps(data).encode() if data != "" else b""

    def _answer(self, call: Call) -> tuple[int, Any]:
        path = urlsplit(call.path)
        held = self._keys.get(call.key)
        if path.path.startswith("/api/v1/payments/"):
            return self._status(path.path.rpartition("/")[2], held)
        if held is None:
            return 404, {"detail": "Wallet not found." if self.new else "Wallet does not exist."}
        if path.path == "/api/v1/wallet":
            return 200, self._wallet(*held)
        if path.path != "/api/v1/payments":
            return 307, ""
        if call.method == "GET":
            return 200, self._list(held[0], {name: int(value[0]) for name, value in parse_qs(path.query).items()})
        return self._pay(*held, call.body) if call.body.get("out", True) else self._ask(held[0], call.body)

    # -- reading --

    def _wallet(self, wallet: str, kind: str) -> dict[str, Any]:
        shown = {"name": "hot", "balance": self._balance(wallet)}
        return {**shown, "id": wallet} if kind == "admin" else shown

    def _balance(self, wallet: str) -> int:
        counted = [row for row in self.rows if row.wallet == wallet]
        came = sum(row.amount for row in counted if row.amount > 0 and row.state == "success")
        return came + sum(row.amount - row.fee for row in counted if row.amount < 0 and row.state != "failed")

    def _list(self, wallet: str, query: dict[str, int]) -> list[dict[str, Any]]:
        """`time desc`; new leaves the failed ones out."""
        rows = [row for row in reversed(self.rows) if row.wallet == wallet and row.state != "failed"]
        start = query.get("offset", 0)
        return [self._details(row) for row in rows[start : start + query["limit"]]]

    def _status(self, payment_hash: str, held: tuple[str, str] | None) -> tuple[int, Any]:
        """A key nobody knows sees every payment, without details."""
        rows = [row for row in self.rows if row.payment_hash == payment_hash and (not held or row.wallet == held[0])]
        row = min(rows, key=lambda row: row.amount, default=None)
        if row is None:
            return 404, {"detail": "Payment does not exist."}
        said: dict[str, Any] = {"paid": row.state == "success", "preimage": self._preimage(row)}
        if self.new and row.state != "success":
            said["status"] = row.state
        return 200, {**said, "details": self._details(row)} if held else said

    def _preimage(self, row: Row) -> str | None:
        return row.preimage if row.state == "success" else None if self.new else "0" * 64

    def _details(self, row: Row) -> dict[str, Any]:
        shown = {
            "checking_id": row.payment_hash,
            "payment_hash": row.payment_hash,
            "wallet_id": row.wallet,
            "amount": row.amount,
            "fee": -row.fee,
            "memo": row.memo,
            "bolt11": row.bolt11,
            "preimage": self._preimage(row),
            "extra": {},
            "webhook": None,
        }
        if not self.new:
            return {**shown, "pending": row.state == "pending", "time": int(row.time)}
        made = datetime.fromtimestamp(row.time, UTC).isoformat()
        return {**shown, "status": row.state, "payment_request": row.bolt11, "time": made, "external_id": None}

    # -- writing --

    def _invoice(self, wallet: str, sats: int, memo: str, expiry: int, description_hash: str = "") -> Row:
        preimage = secrets.token_bytes(32)
        payment_hash = hashlib.sha256(preimage).digest()
        secret = secrets.token_bytes(32) if self.new else b""  # 0.9.7's FakeWallet knew no payment secrets
        text = bolt11.encode(
            KEY, currency="bc", amount=sats * 1000, timestamp=int(time.time()), payment_hash=payment_hash,
            secret=secret, description=memo, description_hash=bytes.fromhex(description_hash), expiry=expiry,
        )  # fmt: skip
        row = Row(wallet, payment_hash.hex(), sats * 1000, text, memo, preimage=preimage.hex())
        self.rows.append(row)
        return row

    def _ask(self, wallet: str, body: dict[str, Any]) -> tuple[int, Any]:
        if body.get("webhook", "").startswith("http://127."):
            return 400, {"detail": "Callback URL is not allowed."}
        if body["amount"] > 10_000_000:
            return 520, {"detail": "Invoice amount is too high.", "status": "failed"}
        said = body.get("memo", ""), body.get("expiry", 3600), body.get("description_hash", "")
        row = self._invoice(wallet, body["amount"], *said)
        if self.new:
            return 201, {**self._details(row), "preimage": row.preimage}
        names = {"payment_hash": row.payment_hash, "checking_id": row.payment_hash}
        return 201, {**names, "payment_request": row.bolt11, "lnurl_response": None}

    def _pay(self, wallet: str, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        if kind != "admin":
            return 403 if self.new else 401, {"detail": "Invoice (or Admin) key required."}
        invoice = bolt11.decode(body["bolt11"])
        theirs = next((row for row in self.rows if row.payment_hash == invoice.payment_hash and row.amount > 0), None)
        if theirs is not None and theirs.state == "success" and self.new:
            return 520, {"detail": "Internal invoice already paid.", "status": "failed"}
        assert invoice.amount is not None
        if self._balance(wallet) < invoice.amount:
            return (520, self._no("Insufficient balance.")) if self.new else (403, {"detail": "Insufficient balance."})
        mine = Row(wallet, invoice.payment_hash, -invoice.amount, body["bolt11"], invoice.description)
        if theirs is not None and theirs.state == "pending":
            theirs.state = mine.state = "success"
            mine.preimage = theirs.preimage
            self.rows.append(mine)
            return self._paid(mine)
        return self._pay_outside(mine)

    def _pay_outside(self, mine: Row) -> tuple[int, Any]:
        old = next((row for row in self.rows if row.payment_hash == mine.payment_hash and row.amount < 0), None)
        if old is not None and self.new:
            if old.state == "failed":
                return 201, self._details(old)
            words = "Payment is still pending." if old.state == "pending" else "Payment already paid."
            return 520, {"detail": words, "status": old.state}
        mine.state, mine.fee = self._routes.get(mine.payment_hash, ("failed", 0))
        if mine.state != "failed" or self.new:
            self.rows.append(mine)
        if mine.state == "failed":
            mine.fee = self.reserve
            return 520, self._no(REFUSAL)
        return self._paid(mine)

    def _no(self, words: str) -> dict[str, Any]:
        return {"detail": words, "status": "failed"} if self.new else {"detail": words}

    def _paid(self, row: Row) -> tuple[int, Any]:
        if self.new:
            return 201, self._details(row)
        return 201, {"payment_hash": row.payment_hash, "checking_id": row.payment_hash}
