"""An account's statement: every line with the balance after it, from either side, flat at any depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from ledger import money, queries
from ledger.models import Account, Coin, Kind, Operation, Posting
from ledger.queries import Wanted
from wallets_site.base.errors import NotFound
from wallets_site.base.tables import csv_rows

if TYPE_CHECKING:
    from accounts.models import User

CHUNK: Final = 500
COLUMNS: Final = ("number", "time", "kind", "transaction", "coin", "amount", "balance", "memo")


@dataclass(frozen=True, slots=True)
class Line:
    """number: the account's own count; amount: signed, atomic units; balance: just after it."""

    number: int
    at: datetime
    kind: str
    transaction: int
    amount: int
    balance: int
    memo: str


def lines(
    account: Account, *, after: int = 0, before: int | None = None, limit: int = CHUNK, newest: bool = True
) -> list[Line]:
    """Lines numbered above `after` and below `before`, newest or oldest first: two index ranges, merged."""
    found = [line for side in ("debit", "credit") for line in _side(account, side, after, before, limit, newest)]
    return sorted(found, key=lambda line: line.number, reverse=newest)[:limit]


def _side(account: Account, side: str, after: int, before: int | None, limit: int, newest: bool) -> Iterator[Line]:
    name, sign = f"{side}_seq", -1 if side == "debit" else 1
    rows = Posting.objects.filter(**{side: account, f"{name}__gt": after})
    if before is not None:
        rows = rows.filter(**{f"{name}__lt": before})
    values = rows.order_by(f"-{name}" if newest else name).values_list(
        name, "transaction__created_at", "transaction__kind", "transaction_id", "amount", f"{side}_debits",
        f"{side}_credits", "transaction__memo",
    )  # fmt: skip
    for number, at, kind, pk, amount, debits, credits, memo in values[:limit]:
        yield Line(number, at, kind, pk, sign * amount, credits - debits, memo)


def walk(account: Account) -> Iterator[Line]:
    """The whole account, oldest first, in pages that cost the same at any depth."""
    after = 0
    while page := lines(account, after=after, newest=False):
        yield from page
        after = page[-1].number


def account_of(user: User, coin: Coin) -> Account:
    """This person's main account of a coin; raises NotFound while they never had one."""
    found = Account.objects.select_related("coin").filter(owner=user, coin=coin, kind=Kind.USER, number=0).first()
    if found is None:
        raise NotFound(_("You have no %(symbol)s account yet.") % {"symbol": coin.symbol})
    return found


def csv_statement(account: Account, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[str]:
    def rows() -> Iterator[Sequence[object]]:
        yield COLUMNS
        places, symbol = account.coin.decimals, account.coin.symbol
        for line in walk(account):
            if (since is None or line.at >= since) and (until is None or line.at < until):
                yield (
                    line.number, line.at.isoformat(), line.kind, line.transaction, symbol,
                    _signed(line.amount, places), money.fixed(line.balance, places), line.memo,
                )  # fmt: skip

    return csv_rows(rows())


OPERATION_COLUMNS: Final = (
    "number", "time", "kind", "direction", "coin", "amount", "fee", "status", "done", "member", "address", "extra",
    "txid", "confirmations", "comment", "note",
)  # fmt: skip


def csv_operations(user: User, wanted: Wanted) -> Iterator[str]:
    """Newest first. amount: what left or came, all decimals, fee included where it left; times in UTC."""

    def rows() -> Iterator[Sequence[object]]:
        yield OPERATION_COLUMNS
        before: int | None = None
        while True:
            page = queries.activity(user, wanted=wanted, before=before, limit=CHUNK)
            yield from (_operation_row(row) for row in page.operations)
            before = page.next_before
            if before is None:
                return

    return csv_rows(rows())


def _operation_row(row: Operation) -> Sequence[object]:
    places = row.coin.decimals
    amount = row.net if row.incoming else row.gross
    return (
        row.pk, row.created_at.astimezone(UTC).isoformat(), row.kind, "in" if row.incoming else "out", row.coin.symbol,
        money.fixed(amount, places), money.fixed(0 if row.incoming else row.fee, places), row.status,
        row.done_at.astimezone(UTC).isoformat() if row.done_at else "",
        row.counterpart.username or row.counterpart_id if row.counterpart else "", row.address, row.extra, row.txid,
        row.confirmations, row.comment, row.note,
    )  # fmt: skip


def _signed(amount: int, places: int) -> str:
    """The column is a number of ours, but a spreadsheet must not take "-1" for a formula: minus follows."""
    return money.fixed(amount, places) if amount >= 0 else f"{money.fixed(-amount, places)}-"
