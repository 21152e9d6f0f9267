"""What came in and went out: each open invoice by its hash, and the newest lines of the server's own list.

Only the answer to a hash says that an invoice was paid. Open ones are asked for at every poll while young, then
ever more rarely, daily from a day after their expiry on, for 15 days: on LNbits a payer on the same server can
pay an expired invoice (seen on 0.9.7 and 1.6.2). The list finds what left the wallet without us.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from adapters import lightning
from adapters.base import Found, InvalidAddress, NodeDown, Page, Watched
from adapters.codecs import bolt11
from adapters.lightning import FINAL
from adapters.lnbits.server import HASH, Row, Server
from wallets_site.base.clock import now

INVOICES_A_PAGE: Final = 50
LINES_A_PAGE: Final = 50
LEAST_LEFT: Final = 30  # seconds that a page keeps for the list
MARGIN: Final = 3600  # seconds the list is read again, for clocks that differ
YOUNG: Final = 3600
DAY: Final = 86_400
GIVEN_UP: Final = 15 * DAY


@dataclass(frozen=True, slots=True)
class Cursor:
    """since: when the last whole round began. round: when this one began; 0 between two. after: the last hash asked
    for in it. offset: how many lines of the list were read in it."""

    since: int = 0
    round: int = 0
    after: str = ""
    offset: int = 0

    @classmethod
    def read(cls, text: str) -> Cursor:
        try:
            data = json.loads(text)
            return cls(int(data["since"]), int(data["round"]), str(data["after"]), int(data["offset"]))
        except (ValueError, TypeError, KeyError):
            return cls()

    def text(self) -> str:
        return json.dumps({"since": self.since, "round": self.round, "after": self.after, "offset": self.offset})


def page(server: Server, network: str, text: str, watch: Sequence[Watched]) -> Page:
    cursor = Cursor.read(text)
    if not cursor.round:
        cursor = Cursor(cursor.since, int(now().timestamp()))
    found: list[Found] = []
    if not cursor.offset:
        found, last, whole = _settled(server, _due(watch, cursor))
        if not whole:
            return Page(tuple(found), replace(cursor, after=last).text(), more=True)
    known, since = {one.ref for one in watch}, cursor.since
    lines = server.rows(LINES_A_PAGE, cursor.offset)
    found += _from_list(server, network, lines, known, since)
    if _has_more(lines, cursor):
        return Page(tuple(found), replace(cursor, offset=cursor.offset + len(lines)).text(), more=True)
    return Page(tuple(found), Cursor(cursor.round).text())


def is_due(one: Watched, since: int, until: int) -> bool:
    """Whether this invoice is to be asked for in the round that follows one begun at `since`."""
    if one.settled or not HASH.fullmatch(one.ref):
        return False
    if not since:
        return True
    try:
        age = until - bolt11.made_at(one.address)
    except ValueError:
        return True
    late = until - int(one.expires.timestamp()) if one.expires is not None else age
    if age < YOUNG:
        return True
    if late > GIVEN_UP:
        return False
    width = DAY if late > DAY else 1 << (age // 32).bit_length()
    return since // width != until // width


def _due(watch: Sequence[Watched], cursor: Cursor) -> list[Watched]:
    due = [one for one in watch if one.ref > cursor.after and is_due(one, cursor.since, cursor.round)]
    return sorted(due, key=lambda one: one.ref)


def _settled(server: Server, due: list[Watched]) -> tuple[list[Found], str, bool]:
    """Those that were paid, the last hash that was asked for, and whether that was the last of all."""
    found: list[Found] = []
    last = ""
    for number, one in enumerate(due):
        if number == INVOICES_A_PAGE or (number and server.seconds_left < LEAST_LEFT):
            return found, last, False
        row = server.payment(one.ref)
        if row is not None and row.fate == "paid":
            found.append(_credit(one, row))
        last = one.ref
    return found, last, True


def _credit(one: Watched, row: Row) -> Found:
    """Our own stored invoice, paid. The amount in the answer is negative where our own wallet was the payer."""
    amount = one.amount if one.amount is not None else row.amount
    if amount is None or (row.amount is not None and row.amount != amount):
        raise NodeDown(f"the LNbits server says another amount than that of our invoice {one.ref}")
    preimage = lightning.proven(row.preimage, row.payment_hash)
    return Found(True, row.payment_hash, "0", one.address, amount, FINAL, at=row.at, preimage=preimage)


def _from_list(server: Server, network: str, lines: list[Row], known: set[str], since: int) -> Iterator[Found]:
    for line in lines:
        if line.outgoing and line.fate != "failed":
            yield _left(line)
        elif line.fate == "paid" and line.payment_hash not in known and not _is_old(line, since):
            row = server.payment(line.payment_hash)  # of an invoice that this site did not ask for
            if row is not None and row.fate == "paid" and not row.outgoing:
                yield from incoming(line if row.outgoing is None else row, network)


def _is_old(line: Row, since: int) -> bool:
    """Whether a line was dealt with in a round long ago: the ledger watches no invoice that was paid days ago."""
    return bool(since) and line.at is not None and line.at.timestamp() < since - DAY


def _has_more(lines: list[Row], cursor: Cursor) -> bool:
    if len(lines) != LINES_A_PAGE:  # fewer: the end; more: an old server that gives all at once
        return False
    oldest = lines[-1].at
    return oldest is None or oldest.timestamp() >= cursor.since - MARGIN


def _left(row: Row) -> Found:
    return Found(
        incoming=False,
        txid=row.payment_hash,
        output="0",
        address=row.invoice,
        amount=row.amount or 0,
        confirmations=FINAL if row.fate == "paid" else 0,
        fee=row.fee if row.fate == "paid" else None,
        at=row.at,
    )


def incoming(row: Row, network: str) -> Iterator[Found]:
    """A paid invoice known from the server alone: its amount is the invoice's own."""
    try:
        invoice = lightning.read(row.invoice, network)
    except InvalidAddress:
        raise NodeDown("the LNbits server shows an invoice that cannot be read") from None
    if invoice.amount != row.amount or invoice.payment_hash != row.payment_hash:
        raise NodeDown(f"the LNbits server says another amount than that of the invoice {row.payment_hash}")
    preimage = lightning.proven(row.preimage, row.payment_hash)
    yield Found(True, row.payment_hash, "0", invoice.text, row.amount or 0, FINAL, at=row.at, preimage=preimage)


def transaction(server: Server, network: str, payment_hash: str) -> tuple[Found, ...]:
    row = server.payment(payment_hash)
    if row is None or row.fate == "failed" or row.outgoing is None:
        return ()
    if row.outgoing:
        return (_left(row),)
    return tuple(incoming(row, network)) if row.fate == "paid" else ()
