"""Replays the whole books and says everything that does not add up. Reads only; memory grows with accounts alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from django.db import connection

from ledger import guards, locks, verify_rows
from ledger.models import Account, Adjustment, Hold, Posting, Queue, Seal, Transaction
from ledger.services import seals


@dataclass
class Report:
    transactions: int = 0
    postings: int = 0
    sealed: int = 0
    blocks: int = 0
    head: str = seals.GENESIS
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(slots=True)
class _Sums:
    debits: int = 0
    credits: int = 0
    lines: int = 0

    def add(self, debit: int, credit: int) -> None:
        self.debits += debit
        self.credits += credit
        self.lines += 1

    @property
    def claim(self) -> list[int]:
        """What a line written now must say of its account."""
        return [self.lines, self.debits, self.credits]


def verify(*, head: str = "") -> Report:
    """Guards, every posting, every account, the queue, the balance of each coin, what members are shown of them, and
    the hash chain.

    Read as of one moment, so that it tells the truth about a site that goes on working.
    head: a hash kept outside; it must be one of the chain's, or the chain was rewritten as a whole.
    """
    report = Report()
    with locks.one_moment():
        report.problems += [f"guard missing in the database: {name}" for name in guards.missing(connection)]
        report.problems += [f"constraint missing in the database: {name}" for name in _missing_constraints()]
        sums = _replay(report)
        _check_accounts(report, sums)
        report.problems += verify_rows.problems()
        _check_chain(report, head)
    return report


def _missing_constraints() -> list[str]:
    """What the tables of the books themselves demand, and a hand may have dropped."""
    missing: list[str] = []
    with connection.cursor() as cursor:
        for model in (Account, Transaction, Posting, Queue, Hold, Adjustment):
            found = connection.introspection.get_constraints(cursor, model._meta.db_table)
            missing += [each.name for each in model._meta.constraints if each.name not in found]
    return missing


def _replay(report: Report) -> dict[int, _Sums]:
    """Adds every posting up again. An account's lines come in its own order, for they were written under its lock:
    each must carry the next number and the totals that follow from the line before."""
    sums: dict[int, _Sums] = defaultdict(_Sums)
    coins = dict(Account.objects.values_list("pk", "coin_id"))
    shared = set(Account.objects.filter(shared=True).values_list("pk", flat=True))
    rows = Posting.objects.order_by("pk").values_list(
        "pk", "coin_id", "debit_id", "credit_id", "amount", "debit_seq", "debit_debits", "debit_credits",
        "credit_seq", "credit_debits", "credit_credits",
    )  # fmt: skip
    for pk, coin, debit, credit, amount, *said in rows.iterator(chunk_size=5000):
        report.postings += 1
        if amount <= 0 or debit == credit or not coins.get(debit) == coins.get(credit) == coin:
            report.problems.append(f"posting {pk}: not between two accounts of one coin")
        sums[debit].add(amount, 0)
        sums[credit].add(0, amount)
        for account, claim in ((debit, said[:3]), (credit, said[3:])):
            follows = [None] * 3 if account in shared else sums[account].claim
            if claim != follows:
                report.problems.append(f"posting {pk}: does not follow from the one before on account {account}")
    report.transactions = Transaction.objects.count()
    return sums


def _check_accounts(report: Report, sums: dict[int, _Sums]) -> None:
    queued: dict[int, _Sums] = defaultdict(_Sums)
    for account, side, amount in Queue.objects.values_list("account_id", "side", "amount").iterator():
        queued[account].add(*((amount, 0) if side == Queue.Side.DEBIT else (0, amount)))
    balances: dict[int, int] = defaultdict(int)
    for row in Account.objects.iterator():
        wanted, late = sums[row.pk], queued[row.pk]
        found = (row.debits + late.debits, row.credits + late.credits, row.version + late.lines)
        if found != (wanted.debits, wanted.credits, wanted.lines):
            report.problems.append(f"account {row.pk} ({row}): its totals are not the sum of its postings")
        if not row.shared and row.debits > row.credits:
            report.problems.append(f"account {row.pk} ({row}) is overdrawn")
        balances[row.coin_id] += found[1] - found[0]
    report.problems += [f"coin {pk}: debits and credits differ by {gap}" for pk, gap in balances.items() if gap]


def _check_chain(report: Report, head: str) -> None:
    known: set[int] = set()
    previous, number, hashes = seals.GENESIS, 0, {seals.GENESIS}
    for seal in Seal.objects.order_by("number").iterator():
        number += 1
        ids = _named(seal)
        if seal.number != number or seal.previous != previous:
            report.problems.append(f"seal {seal.number}: does not follow the seal before it")
        if seals.block_hash(seal.previous, seal.ids, ids, seal.created_at) != seal.hash:
            report.problems.append(f"seal {seal.number}: its {len(ids)} transactions are not what was sealed")
        if known.intersection(ids):
            report.problems.append(f"seal {seal.number}: seals a transaction twice")
        known.update(ids)
        previous = seal.hash
        hashes.add(seal.hash)
    report.blocks, report.sealed, report.head = number, len(known), previous
    if head and head not in hashes:
        report.problems.append(
            f"the head {head} is not in this chain: it was rewritten as a whole, or is another site's"
        )


def _named(seal: Seal) -> list[int]:
    """The transactions a seal names; none where that cannot be read, and then its hash is not what was sealed."""
    try:
        return seals.ids_of(seal.ids)
    except ValueError:
        return []
