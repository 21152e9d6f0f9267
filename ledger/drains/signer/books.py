"""Does the ledger hold what a dispatch pays? Read anew from the postings; nothing is taken on the word of a status."""

from __future__ import annotations

from typing import Final

from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy

from ledger.models import (
    Account,
    Approval,
    Dispatch,
    Freeze,
    Kind,
    Operation,
    PolicyDecision,
    PolicyRule,
    Posting,
    Purpose,
    Switch,
    Transaction,
    Withdrawal,
)
from ledger.services import rules
from wallets_site.base.clock import now

_OPEN: Final = (Withdrawal.State.WAITING, Withdrawal.State.QUEUED, Withdrawal.State.DISPATCHED)


class Disagrees(Exception):
    """The signer does not sign this, and says why. later: it may, once something changes by itself."""

    def __init__(self, reason: str, *, later: bool = False) -> None:
        super().__init__(reason)
        self.later = later


def demand(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise Disagrees(otherwise)


def demand_booked(row: Dispatch, withdrawal: Withdrawal) -> None:
    """This withdrawal was asked for, confirmed by whom it had to be, and its coins are set aside for it."""
    operation, name = withdrawal.operation, f"withdrawal {withdrawal.pk}"
    tried = row.attempts > 0
    state = Withdrawal.State.ATTEMPTED if tried else Withdrawal.State.DISPATCHED
    demand(withdrawal.state == state, f"{name} is {withdrawal.state}")
    same = (operation.coin_id, operation.address, operation.extra, operation.net) == (
        row.coin_id, withdrawal.address, withdrawal.extra, withdrawal.amount,
    )  # fmt: skip
    demand(withdrawal.coin_id == row.coin_id and same, f"{name} is not what its owner asked for")
    demand(withdrawal.amount > 0 and operation.fee == withdrawal.fee, f"{name} is not what its owner asked for")
    demand(not operation.incoming and operation.status == Operation.Status.PENDING, f"{name} is not open")
    _demand_confirmed(operation, withdrawal, name)
    held = Account.objects.filter(
        coin_id=row.coin_id, kind=Kind.HELD, owner_id=operation.user_id, number=operation.account.number
    ).first()
    demand(held is not None and operation.account.owner_id == operation.user_id, f"{name} has nothing set aside")
    assert held is not None
    _demand_reserved(operation, withdrawal, held, name)
    _demand_still_held(held, name)
    if tried:
        _demand_in_transit(row, withdrawal, held, name)


def _demand_confirmed(operation: Operation, withdrawal: Withdrawal, name: str) -> None:
    """By today's rules as well: a row that says it needs nobody's approval may be forged."""
    demand(operation.confirmed, f"{name} is not confirmed")
    known = rules.current()
    limit = known.of(operation.coin).limits.get(Purpose.WITHDRAWAL)
    above = limit is not None and limit.approve_above is not None and withdrawal.amount > limit.approve_above
    decision = PolicyDecision.objects.filter(operation=operation, version=operation.version).first()
    rule = known.policy
    _demand_allowed(decision, name)
    later = rule is not None and rule.effective_at is not None and operation.created_at > rule.effective_at
    demand(decision is not None or not later, f"{name} was never judged by the rules in force")
    people = decision.people if decision else 0
    if operation.needs_admin_confirm or known.site.approve_withdrawals or above:
        people = max(1, people)
    given = Approval.objects.filter(
        operation=operation, version=operation.version, verdict=Approval.Verdict.APPROVED, person__is_active=True
    ).exclude(person_id=operation.user_id)
    demand(given.values("person_id").distinct().count() >= people, f"{name} needs a manager's approval and has none")


def _demand_allowed(decision: PolicyDecision | None, name: str) -> None:
    if decision is None:
        return
    demand(decision.verdict != PolicyRule.Verdict.BLOCK, f"{name} is blocked by a rule")
    demand(decision.wait_until is None or decision.wait_until <= now(), f"{name} must wait by a rule")
    demand(not decision.step_up or decision.stepped_up_at is not None, f"{name} lacks its second factor")


def _demand_reserved(operation: Operation, withdrawal: Withdrawal, held: Account, name: str) -> None:
    total = withdrawal.amount + withdrawal.fee + withdrawal.network_reserve
    scope, version = f"withdrawal:{withdrawal.pk}", operation.version
    reserved = Transaction.objects.filter(kind="withdrawal_reserved")
    again = reserved.filter(scope=scope, key=f"reserve:{version}")
    found = again if version > 1 else reserved.filter(pk=operation.transaction_id or 0)
    lines = Posting.objects.filter(transaction__in=found, debit=operation.account, credit=held)
    demand([line.amount for line in lines] == [total], f"{name} was never reserved in the books")
    gone = Transaction.objects.filter(scope=scope, key=f"give_back:{version}") | Transaction.objects.filter(
        reverses__in=found
    )
    demand(not gone.exists(), f"{name} was given back to its owner")


def _demand_still_held(held: Account, name: str) -> None:
    """All that this account's open withdrawals need lies in it."""
    needs = 0
    rows = Withdrawal.objects.filter(
        coin=held.coin, operation__user_id=held.owner_id or 0, operation__account__number=held.number
    )
    for each in rows.filter(state__in=(*_OPEN, Withdrawal.State.ATTEMPTED)):
        needs += each.fee + each.network_reserve + (0 if each.state == Withdrawal.State.ATTEMPTED else each.amount)
    demand(held.credits - held.debits >= needs, f"the coins of {name} are not set aside any more")
    newest = Posting.objects.filter(credit=held).order_by("-credit_seq").first()
    demand(newest is not None and (newest.credit_credits or 0) == held.credits, f"the account of {name} is not true")


def _demand_in_transit(row: Dispatch, withdrawal: Withdrawal, held: Account, name: str) -> None:
    lines = Posting.objects.filter(
        transaction__scope=f"dispatch:{row.pk}", transaction__key="attempt", debit=held, credit__kind=Kind.TRANSIT
    )
    demand(withdrawal.amount in [line.amount for line in lines], f"{name} is not on its way in the books")


def demand_open(row: Dispatch, withdrawals: list[Withdrawal]) -> None:
    """Nobody stopped this coin, this wallet or these people. What was tried already is followed up all the same."""
    if row.attempts:
        return
    use = getattr(row.wallet, "use", None)
    is_open = use is not None and use.coin_id == row.coin_id and use.is_active and use.payouts_on
    if not is_open or not row.coin.withdrawals_on:
        raise Disagrees(str(_STOPPED), later=True)
    people = [each.operation.user_id for each in withdrawals]
    frozen = Freeze.objects.filter(ended_at=None)
    stopped = frozen.filter(wallet_id=row.wallet_id) | frozen.filter(coin_id=row.coin_id, user_id__in=people)
    known = rules.current()
    by_hand = known.stop(Switch.What.PAYOUTS, row.coin) or known.stop(Switch.What.READ_ONLY)
    kept_back = get_user_model().objects.filter(pk__in=people, held_until__gt=now())
    if stopped.exists() or by_hand or kept_back.exists():
        raise Disagrees(str(_STOPPED), later=True)


_STOPPED = gettext_lazy("payouts are stopped")
