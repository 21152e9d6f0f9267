"""The books as plain text for other people's tools: hledger, beancount, CSV. Streams; amounts are exact.

Signs are the accountants': a debit is plus, a credit is minus; every transaction sums to zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from ledger import money
from ledger.models import Account, Coin, Kind, Posting
from wallets_site.base.tables import csv_rows

ROOTS: Final = {
    Kind.USER: "Liabilities", Kind.HELD: "Liabilities", Kind.TRANSIT: "Liabilities", Kind.SUSPENSE: "Liabilities",
    Kind.HOT: "Assets", Kind.COLD: "Assets", Kind.FEE_INCOME: "Income", Kind.ROUNDING: "Income",
    Kind.NETWORK_FEE: "Expenses", Kind.ADJUSTMENT: "Equity",
}  # fmt: skip
COLUMNS: Final = ("transaction", "time", "kind", "scope", "key", "line", "coin", "debit", "credit", "amount", "memo")


def account_name(account: Account, symbol: str) -> str:
    """Liabilities:User:TST:U7 - one name both tools take."""
    parts = [ROOTS[Kind(account.kind)], account.kind.title().replace("_", ""), symbol]
    if account.owner_id is not None:
        parts.append(f"U{account.owner_id}" + (f"N{account.number}" if account.number else ""))
    return ":".join(parts)


def _lines(until: datetime | None) -> Iterator[list[Posting]]:
    """The postings of one transaction after another, in order."""
    rows = Posting.objects.select_related("transaction", "debit", "credit", "coin").order_by("transaction_id", "number")
    if until is not None:
        rows = rows.filter(transaction__created_at__lt=until)
    group: list[Posting] = []
    for row in rows.iterator(chunk_size=2000):
        if group and group[0].transaction_id != row.transaction_id:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', "'").replace("\n", " ")


def hledger(until: datetime | None = None) -> Iterator[str]:
    for coin in Coin.objects.all():
        yield f'commodity "{coin.symbol}"\n    format {"1000." + "0" * coin.decimals} "{coin.symbol}"\n\n'
    for group in _lines(until):
        first = group[0].transaction
        words = _quoted(f"{first.kind} {first.scope} {first.key}").replace(";", ",").replace("|", "/")
        yield f"{first.created_at:%Y-%m-%d} * ({first.pk}) {words}\n"
        for row in group:
            amount = money.fixed(row.amount, row.coin.decimals)
            yield f'    {account_name(row.debit, row.coin.symbol)}  {amount} "{row.coin.symbol}"\n'
            yield f'    {account_name(row.credit, row.coin.symbol)}  -{amount} "{row.coin.symbol}"\n'
        yield "\n"


def beancount(until: datetime | None = None) -> Iterator[str]:
    yield 'option "title" "Wallets"\n'
    for account in Account.objects.select_related("coin").order_by("pk"):
        yield f"1970-01-01 open {account_name(account, account.coin.symbol)} {account.coin.symbol}\n"
    for group in _lines(until):
        first = group[0].transaction
        words = _quoted(f"{first.kind} {first.scope} {first.key}")
        yield f'\n{first.created_at:%Y-%m-%d} * "{words}"\n  number: "{first.pk}"\n'
        for row in group:
            amount = money.fixed(row.amount, row.coin.decimals)
            yield f"  {account_name(row.debit, row.coin.symbol)}  {amount} {row.coin.symbol}\n"
            yield f"  {account_name(row.credit, row.coin.symbol)}  -{amount} {row.coin.symbol}\n"


def comma_separated(until: datetime | None = None) -> Iterator[str]:
    def rows() -> Iterator[Sequence[object]]:
        yield COLUMNS
        for group in _lines(until):
            for row in group:
                it, symbol = row.transaction, row.coin.symbol
                yield (
                    it.pk, it.created_at.isoformat(), it.kind, it.scope, it.key, row.number, symbol,
                    account_name(row.debit, symbol), account_name(row.credit, symbol),
                    money.fixed(row.amount, row.coin.decimals), it.memo,
                )  # fmt: skip

    return csv_rows(rows())


def trial_balance(until: datetime | None = None) -> Iterator[str]:
    """Every account's debits, credits and balance; the last line of each coin sums to zero."""
    sums: dict[tuple[str, str], list[int]] = {}
    decimals = dict(Coin.objects.values_list("symbol", "decimals"))
    for group in _lines(until):
        for row in group:
            symbol = row.coin.symbol
            sums.setdefault((symbol, account_name(row.debit, symbol)), [0, 0])[0] += row.amount
            sums.setdefault((symbol, account_name(row.credit, symbol)), [0, 0])[1] += row.amount

    def rows() -> Iterator[Sequence[object]]:
        yield ("coin", "account", "debits", "credits", "balance")
        for symbol in sorted(decimals):
            places, total = decimals[symbol], [0, 0]
            for (of, name), (debits, credits) in sorted(sums.items()):
                if of == symbol:
                    total = [total[0] + debits, total[1] + credits]
                    yield (symbol, name, *(money.fixed(n, places) for n in (debits, credits, debits - credits)))
            yield (symbol, "total", *(money.fixed(n, places) for n in (*total, total[0] - total[1])))

    return csv_rows(rows())


FORMATS: Final = {"hledger": hledger, "beancount": beancount, "csv": comma_separated, "trial": trial_balance}
