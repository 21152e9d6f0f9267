"""A make-believe Lightning network in the chain file of demo_chain.py: invoices of several wallets, and payments.

A payment is written once, with the moment at which it settles; until then it is on its way. Amounts are
millisatoshi, kept as text. Nothing runs in the background.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.codecs import bolt11
from adapters.codecs.bolt11 import Invoice
from adapters.demo_chain import SECOND, Banned, DemoChain, NotEnough
from wallets_site.base import clock

CURRENCY: Final = "bcrt"  # a test network's: no real wallet pays such an invoice
BLOCK_SECONDS: Final = 5
NOWHERE: Final = ""  # the wallet from which gifts come
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS invoice (
    hash TEXT PRIMARY KEY, wallet TEXT NOT NULL, invoice TEXT NOT NULL, amount TEXT NOT NULL,
    preimage TEXT NOT NULL, made INTEGER NOT NULL, ends INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS payment (
    hash TEXT PRIMARY KEY, payer TEXT NOT NULL, invoice TEXT NOT NULL, amount TEXT NOT NULL, fee TEXT NOT NULL,
    at INTEGER NOT NULL, settles INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Paid:
    """payee: "" for a node that is not in this file. preimage: "" where nobody here knows it."""

    payment_hash: str
    payer: str
    payee: str
    invoice: str
    amount: int
    fee: int
    at: datetime
    settled: bool
    preimage: str


class DemoLightning(DemoChain):
    def __init__(self, path: str) -> None:
        super().__init__(path, BLOCK_SECONDS)
        with self._open() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)

    # -- invoices --

    def new_invoice(
        self, wallet: str, amount: int, memo: str, expiry: int, *, description_hash: bytes = b""
    ) -> tuple[Invoice, str]:
        """Signed by a node key of this file, with a payment secret; and its preimage."""
        preimage, secret, now = secrets.token_bytes(32), secrets.token_bytes(32), _now()
        payment_hash = hashlib.sha256(preimage).digest()
        with self._open() as db:
            (seed,) = db.execute("SELECT seed FROM seed").fetchone()
            key = hashlib.sha256(f"{seed}:node:{wallet}".encode()).digest()
            text = bolt11.encode(
                key, currency=CURRENCY, amount=amount, timestamp=now // SECOND, payment_hash=payment_hash,
                secret=secret, description=memo, description_hash=description_hash, expiry=expiry,
            )  # fmt: skip
            ends = (now // SECOND + expiry) * SECOND
            row = [payment_hash.hex(), wallet, text, str(amount), preimage.hex(), now, ends]
            db.execute("INSERT INTO invoice VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return bolt11.decode(text), preimage.hex()

    def has_invoice(self, wallet: str, payment_hash: str) -> bool:
        with self._open() as db:
            query = "SELECT 1 FROM invoice WHERE hash = ? AND wallet = ?"
            return db.execute(query, [payment_hash, wallet]).fetchone() is not None

    def funds(self, wallet: str) -> int:
        with self._open() as db:
            return self._funds(db, wallet)

    @staticmethod
    def _funds(db: sqlite3.Connection, wallet: str) -> int:
        came = """SELECT payment.amount FROM payment JOIN invoice USING (hash)
                  WHERE invoice.wallet = ? AND payment.settles <= ?"""
        received = sum(int(amount) for (amount,) in db.execute(came, [wallet, _now()]))
        left = db.execute("SELECT amount, fee FROM payment WHERE payer = ?", [wallet])
        return received - sum(int(amount) + int(fee) for amount, fee in left)

    # -- payments --

    def pay_invoice(self, payer: str, invoice: Invoice, *, fee: int = 0, hold: int = 0) -> None:
        """Once however often it comes. Raises NotEnough, or Banned for an invoice that nobody can pay any more.

        fee: what the route costs. hold: seconds until it settles.
        """
        amount = invoice.amount or 0
        with self._open() as db:
            held = db.execute("SELECT payer FROM payment WHERE hash = ?", [invoice.payment_hash]).fetchone()
            if held is not None and held[0] == payer:
                return
            ours = db.execute("SELECT invoice FROM invoice WHERE hash = ?", [invoice.payment_hash]).fetchone()
            forged = ours is not None and ours[0] != invoice.text
            if held is not None or forged or not amount or invoice.expires <= clock.now():
                raise Banned
            if db.execute("SELECT 1 FROM banned WHERE txid = ?", [ticket(invoice.text)]).fetchone():
                raise Banned
            if payer != NOWHERE and self._funds(db, payer) < amount + fee:
                raise NotEnough
            now = _now()
            row = [invoice.payment_hash, payer, invoice.text, str(amount), str(fee), now, now + hold * SECOND]
            db.execute("INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def give(self, wallet: str, addresses: Iterable[str], after: int) -> None:
        """A gift to each of these invoices that is that many seconds old and unpaid."""
        with self._open() as db:
            query = """SELECT invoice FROM invoice WHERE wallet = ? AND made <= ? AND ends > ?
                       AND hash NOT IN (SELECT hash FROM payment)"""
            ripe = {text for (text,) in db.execute(query, [wallet, _now() - after * SECOND, _now()])}
        for text in ripe & set(addresses):
            self.pay_invoice(NOWHERE, bolt11.decode(text))

    def payment(self, payment_hash: str) -> Paid | None:
        with self._open() as db:
            return next(iter(self._payments(db, "payment.hash = ?", [payment_hash])), None)

    def payments_of(self, wallet: str, since: int) -> tuple[list[Paid], int]:
        """What came to or left this wallet at or after this moment (microseconds), and the present one."""
        with self._open() as db:
            where = "(payment.payer = ? OR invoice.wallet = ?) AND payment.settles >= ?"
            return self._payments(db, where, [wallet, wallet, since]), _now()

    @staticmethod
    def _payments(db: sqlite3.Connection, where: str, values: list[object]) -> list[Paid]:
        """where: one of our own constants."""
        query = f"""SELECT payment.hash, payer, COALESCE(invoice.wallet, ''), payment.invoice, payment.amount, fee, at,
                    settles <= ?, COALESCE(preimage, '') FROM payment LEFT JOIN invoice USING (hash)
                    WHERE {where} ORDER BY at, payment.hash"""  # noqa: S608
        return [_paid(row) for row in db.execute(query, [_now(), *values])]


def _paid(row: tuple[str, str, str, str, str, str, int, int, str]) -> Paid:
    name, payer, payee, text, amount, fee, at, settled, preimage = row
    moment = _EPOCH + timedelta(microseconds=at)
    return Paid(name, payer, payee, text, int(amount), int(fee), moment, bool(settled), preimage)


def ticket(text: str) -> str:
    """What an invoice is banned by: its whole text, for anybody can sign another one over the same hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def _now() -> int:
    return (clock.now() - _EPOCH) // timedelta(microseconds=1)
