"""Transfers out of our wallets that the restored books do not know: noted, then matched or booked to suspense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

from django.db import transaction
from django.db.models import Q

from adapters.base import Found
from ledger import events, locks, posting
from ledger.models import CoinWallet, Dispatch, Kind, Recovered, RecoveryWallet, Withdrawal
from ledger.services import payouts, recovery
from wallets_site.base.clock import now

State = Recovered.State
MOST_TOGETHER: Final = 12  # withdrawals to one address that one output may have paid together


def note_seen(part: RecoveryWallet, use: CoinWallet, outgoing: Sequence[Found]) -> None:
    """Keep what a scan shows of them, inside its transaction."""
    held = Recovered.objects.filter(wallet=use.wallet, txid__in={one.txid for one in outgoing})
    known = {(row.txid, row.output): row for row in held}
    for one in outgoing:
        row = known.get((one.txid, one.output))
        if row is None:
            Recovered.objects.create(
                recovery=part.recovery, wallet=use.wallet, coin=use.coin, txid=one.txid, output=one.output,
                address=one.address, amount=one.amount, fee=one.fee or 0, confirmations=one.confirmations, at=one.at,
            )  # fmt: skip
        elif row.state in recovery.UNDECIDED and row.confirmations != one.confirmations:
            row.confirmations = one.confirmations
            row.save(update_fields=["confirmations"])


def forget(wallet_id: int, txid: str) -> None:
    """The node no longer knows it, or knows that it can never confirm."""
    recovery.undecided(wallet_id).filter(txid=txid).update(state=State.GONE)


def judge(wallet_id: int, own: Mapping[str, bool]) -> None:
    """Decide each transfer that has confirmations enough. own: for each address, whether our node holds its key."""
    rows = recovery.undecided(wallet_id).order_by("at", "pk")
    for txid in list(dict.fromkeys(rows.values_list("txid", flat=True))):
        with transaction.atomic(durable=True):
            use = locks.coin_wallet(wallet_id)
            parts = list(recovery.undecided(wallet_id).filter(txid=txid).order_by("pk"))
            if parts and min(row.confirmations for row in parts) >= use.coin.confirmations:
                _judge_one(use, txid, parts, own)


def _judge_one(use: CoinWallet, txid: str, parts: list[Recovered], own: Mapping[str, bool]) -> None:
    if Dispatch.objects.filter(wallet=use.wallet).filter(Q(txid=txid) | Q(ident=txid)).exists():
        Recovered.objects.filter(pk__in=[row.pk for row in parts]).update(state=State.KNOWN)
        return
    waiting = _waiting(use)
    pairs: list[tuple[Recovered, list[Withdrawal]]] = []
    for row in parts:
        mine = [] if own.get(row.address) else pick(row, waiting)
        waiting = [one for one in waiting if one not in mine]
        pairs.append((row, mine))
    if any(not mine and not own.get(row.address) and _doubtful(row, use) for row, mine in pairs):
        Recovered.objects.filter(pk__in=[row.pk for row in parts]).update(state=State.BLOCKED)
        return
    matched = [one for _, mine in pairs for one in mine]
    if matched:
        _settle(use, txid, parts[0], matched)
    for row, mine in pairs:
        _close(use, row, mine, own=own.get(row.address, False), pays_fee=not matched and row is parts[0])


def _waiting(use: CoinWallet) -> list[Withdrawal]:
    """What the books still mean to pay and may have been paid already, oldest first."""
    rows = Withdrawal.objects.filter(coin=use.coin, state__in=(Withdrawal.State.QUEUED, Withdrawal.State.WAITING))
    return list(rows.order_by("pk"))


def pick(row: Recovered, waiting: Sequence[Withdrawal]) -> list[Withdrawal]:
    """The withdrawals that this output paid: one of just this amount, or some to this address that add up to it."""
    there = [one for one in waiting if one.address == row.address or (one.extra and one.amount == row.amount)]
    for one in there:
        if one.amount == row.amount:
            return [one]
    same = [one for one in there if one.address == row.address][:MOST_TOGETHER]
    for count in range(2, len(same) + 1):
        for some in combinations(same, count):
            if sum(one.amount for one in some) == row.amount:
                return list(some)
    return []


def _doubtful(row: Recovered, use: CoinWallet) -> bool:
    """Nothing fits, and yet it may have paid something that the books still mean to pay: then people decide."""
    if row.amount == 0:
        return False
    open_ones = Withdrawal.objects.filter(coin=use.coin).filter(
        Q(state__in=(Withdrawal.State.QUEUED, Withdrawal.State.WAITING, Withdrawal.State.DISPATCHED))
        | Q(state=Withdrawal.State.ATTEMPTED, dispatch__txid="")
    )
    return (open_ones.filter(address=row.address) if row.address else open_ones).exists()


def _settle(use: CoinWallet, txid: str, first: Recovered, matched: list[Withdrawal]) -> None:
    """These were paid by `txid` after the backup was made: they end as paid, under that transaction."""
    made = Dispatch.objects.create(
        wallet=use.wallet, coin=use.coin, lane="payment", ident=txid, slot=txid, blob="", fee=first.fee, attempts=1,
        attempted_at=first.at or now(), outcome=Dispatch.Outcome.SENT, txid=txid,
    )  # fmt: skip
    for row in locks.withdrawals_by_id([one.pk for one in matched]):
        row.state, row.dispatch = Withdrawal.State.DISPATCHED, made
        row.save(update_fields=["state", "dispatch"])
    payouts.adopt(made, confirmations=first.confirmations)


def _close(use: CoinWallet, row: Recovered, mine: list[Withdrawal], *, own: bool, pays_fee: bool) -> None:
    hot = posting.account(use.coin, Kind.HOT)
    legs = []
    if not mine and not own and row.amount:
        legs.append(posting.Leg(posting.account(use.coin, Kind.SUSPENSE), hot, row.amount))
    if pays_fee and row.fee:
        legs.append(posting.Leg(posting.account(use.coin, Kind.NETWORK_FEE), hot, row.fee))
    if legs:
        posted = posting.post(
            kind="recovered_transfer", scope=f"recovered:{use.wallet_id}", key=f"{row.txid}:{row.output}",
            request={"coin": use.coin.symbol}, legs=legs,
        )  # fmt: skip
        row.transaction_id = posted.id
    row.state = State.MATCHED if mine else State.OWN if own or not row.amount else State.SUSPENSE
    row.save(update_fields=["state", "transaction"])
    row.withdrawals.set(mine)
    if row.state == State.SUSPENSE:
        events.emit("transfer_unexplained", coin=use.coin.symbol, txid=row.txid, amount=str(row.amount))
