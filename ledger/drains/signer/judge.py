"""Whether a dispatch may leave. Everything is read and derived anew; what cannot be told now waits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from adapters import registry
from adapters.base import CoinAdapter, Dead, InvalidAddress, NodeError, NodeRefused, Payment
from ledger.drains.signer.books import Disagrees, demand, demand_booked, demand_open
from ledger.drains.signer.memory import Memory
from ledger.models import Dispatch, Withdrawal
from ledger.services import payouts


@dataclass(frozen=True)
class Terms:
    """daily: most atomic units of a coin that are signed within 24 hours, by its symbol; none: no bound of the
    signer's own. unproven: kinds of wallets whose prepared bytes nobody can read, and which are signed nevertheless."""

    daily: Mapping[str, int] = field(default_factory=dict)
    unproven: frozenset[str] = frozenset()


def judge(dispatch_id: int, memory: Memory, terms: Terms) -> Dispatch:
    """The dispatch, if it may be signed. Raises Disagrees."""
    row, withdrawals = _read(dispatch_id)
    digest = hashlib.sha256(row.blob.encode()).hexdigest()
    demand(memory.hash_of(row.pk) in ("", digest), "other bytes were signed under this number before")
    if not memory.knows(row.wallet):
        raise Disagrees(f"the connection of wallet {row.wallet.name!r} is new or changed: accept it at the signer")
    adapter = registry.open(row.wallet)
    _demand_once(adapter, row, withdrawals, memory)
    _demand_bounded(row, withdrawals, memory, terms)
    _demand_understood(adapter, row, withdrawals, terms)
    memory.note(row, withdrawals, digest)
    return row


def _read(dispatch_id: int) -> tuple[Dispatch, list[Withdrawal]]:
    """As of one moment, and checked against the books."""
    with transaction.atomic():
        row = Dispatch.objects.select_related("wallet__use", "coin").filter(pk=dispatch_id).first()
        if row is None:
            raise Disagrees("there is no such dispatch")
        demand(row.state == Dispatch.State.LIVE, f"the dispatch is {row.state}")
        rows = Withdrawal.objects.filter(dispatch=row).order_by("pk")
        withdrawals = list(rows.select_related("operation__account", "operation__coin"))
        demand(bool(row.chore) != bool(withdrawals), "the dispatch is neither a chore nor anybody's withdrawal")
        demand_open(row, withdrawals)
        for withdrawal in withdrawals:
            demand_booked(row, withdrawal)
    return row, withdrawals


def _demand_once(adapter: CoinAdapter, row: Dispatch, withdrawals: list[Withdrawal], memory: Memory) -> None:
    """A withdrawal that was signed in another dispatch goes again only when the node proves that one dead."""
    for withdrawal in withdrawals:
        for number in memory.others_with(withdrawal.pk, row.pk):
            other = Dispatch.objects.filter(pk=number, wallet=row.wallet).first()
            if other is None:
                raise Disagrees(f"withdrawal {withdrawal.pk} was signed in dispatch {number}, which is gone")
            if not isinstance(adapter.lookup(payouts.as_tried(other)), Dead):
                words = f"withdrawal {withdrawal.pk} was signed in dispatch {number}, which is not proven dead"
                raise Disagrees(words, later=True)


def _demand_bounded(row: Dispatch, withdrawals: list[Withdrawal], memory: Memory, terms: Terms) -> None:
    most = terms.daily.get(row.coin.symbol)
    if most is None or not withdrawals:
        return
    total = memory.signed_today(row.coin.symbol, row.pk) + sum(each.amount for each in withdrawals)
    if total > most:
        raise Disagrees(f"more {row.coin.symbol} within 24 hours than the signer was told to sign", later=True)


def _demand_understood(adapter: CoinAdapter, row: Dispatch, withdrawals: list[Withdrawal], terms: Terms) -> None:
    payments = [Payment(f"w{each.pk}", each.address, each.amount, extra=each.extra) for each in withdrawals]
    try:
        found = adapter.demand_pays(payouts.as_tried(row).prepared, payments)
    except (NodeRefused, InvalidAddress) as error:
        raise Disagrees(str(error)) from None
    except NodeError as error:
        raise Disagrees(str(error), later=True) from None
    demand(found.fee is None or found.fee == row.fee, "the network fee is another one than that in the books")
    if not found.is_proven and row.wallet.kind not in terms.unproven:
        raise Disagrees("nobody can read the prepared bytes of this kind of wallet; see WALLETS_SIGNER_UNPROVEN")
