"""Payouts whose outcome no node can tell: two people decide, on evidence that is asked for anew each time.

"Found on chain" ends the payout as paid; "proven absent" gives everything back, once. While a proposal stands the
worker does not send that payout again; a proposal is void once the payout was tried again or ended by itself.
The node is asked before the transaction, and what it says then may forbid the decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.capabilities import Capability, require
from adapters.base import Absent, Confirmed, Dead, Found, Pending
from ledger import events, locks, nodes
from ledger.models import Dispatch, PayoutDecision, Withdrawal
from ledger.services import payouts
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, WrongState

if TYPE_CHECKING:
    from accounts.models import User

Verdict = PayoutDecision.Verdict
QUIET: Final = timedelta(minutes=10)  # after the last attempt; no call lasts that long, so no answer is still coming
MOST: Final = 200


def unclear_payouts() -> list[Dispatch]:
    """Handed to the network, and nobody knows what became of them; oldest first."""
    rows = Dispatch.objects.filter(state=Dispatch.State.LIVE, attempts__gt=0)
    rows = rows.exclude(Q(outcome=Dispatch.Outcome.SENT) & Q(reason=""))
    return list(
        rows.select_related("wallet", "coin").prefetch_related("withdrawals", "decisions").order_by("pk")[:MOST]
    )


def payout(dispatch_id: int) -> Dispatch:
    """Raises NotFound."""
    found = Dispatch.objects.select_related("wallet", "coin").filter(pk=dispatch_id).first()
    if found is None:
        raise NotFound(_("There is no such payout."))
    return found


def proposal(row: Dispatch) -> PayoutDecision | None:
    """The one that waits for its second person."""
    rows = PayoutDecision.objects.select_related("proposed_by")
    return rows.filter(dispatch=row, state=PayoutDecision.State.PROPOSED).first()


def evidence(row: Dispatch, txid: str = "") -> nodes.Evidence:
    """Asks the node; for nobody's transaction."""
    return nodes.evidence(row.wallet, payouts.as_tried(row), txid)


def propose(*, user: User, dispatch_id: int, verdict: str, reason: str, txid: str = "") -> PayoutDecision:
    """The first person says what became of it. Nothing is booked, and the payout is not sent again meanwhile.

    Raises NotAllowed (no right, or it pays this person), WrongState (known by itself, or what the node says forbids
    it), InvalidRequest (no reason, no txid for "found").
    """
    require(user, Capability.MANAGE_WALLETS)
    row, txid = payout(dispatch_id), txid.strip()
    if not reason.strip() or verdict not in Verdict.values or (verdict == Verdict.FOUND) != bool(txid):
        raise InvalidRequest(_("Say what happened and why; “found” needs the transaction id, “absent” has none."))
    _demand_outsider(user, row)
    _demand_unclear(row)
    said = evidence(row, txid)
    _demand_possible(row, verdict, said)
    with transaction.atomic(durable=True):
        row = locks.dispatch(dispatch_id)
        _demand_unclear(row)
        if proposal(row) is not None:
            raise WrongState(_("A proposal for this payout waits already: accept or reject that one."))
        made = PayoutDecision.objects.create(
            dispatch=row, verdict=verdict, txid=txid, attempts=row.attempts, reason=reason.strip()[:300],
            evidence=told(said), proposed_by=user,
        )  # fmt: skip
        events.emit("payout_decision_proposed", dispatch=row.pk, by=user.pk, verdict=verdict)
        audit.record(audit.What.PAYOUT_PROPOSED, who=user, object=f"payout {row.pk}", verdict=verdict, txid=txid)
    return made


def accept(*, user: User, decision_id: int, reason: str = "") -> PayoutDecision:
    """The second person agrees, and it is booked. The node is asked again first.

    Raises NotAllowed to the proposer and to whom it pays, WrongState for a proposal that is decided or overtaken.
    """
    require(user, Capability.APPROVE_PAYMENTS)
    seen = _decision(decision_id)
    row = payout(seen.dispatch_id)
    _demand_second(user, seen, row)
    _demand_fresh(seen, row)
    said = evidence(row, seen.txid)
    _demand_possible(row, seen.verdict, said)
    with transaction.atomic(durable=True):
        row = locks.dispatch(row.pk)
        made = _decision(decision_id)
        _demand_fresh(made, row)
        if made.verdict == Verdict.FOUND:
            depth = max((one.confirmations for one in said.moved or ()), default=0)
            payouts.close_found(row, txid=made.txid, confirmations=depth, fee=_fee(said.moved))
        else:
            payouts.close_absent(row, f"absent: {made.reason}")
        made.decided_evidence = told(said)
        _decide(made, user, PayoutDecision.State.ACCEPTED, reason)
    return made


def reject(*, user: User, decision_id: int, reason: str) -> PayoutDecision:
    """Drop a proposal; its proposer may do so too. The worker takes the payout up again."""
    require(user, Capability.VIEW_BOOKS)
    if not reason.strip():
        raise InvalidRequest(_("Say why this is rejected."))
    with transaction.atomic(durable=True):
        row = locks.dispatch(_decision(decision_id).dispatch_id)
        _demand_outsider(user, row)
        made = _decision(decision_id)
        if made.state != PayoutDecision.State.PROPOSED:
            raise WrongState(_("This proposal was decided already."))
        overtaken = row.state != Dispatch.State.LIVE or row.attempts != made.attempts
        _decide(made, user, PayoutDecision.State.LAPSED if overtaken else PayoutDecision.State.REJECTED, reason)
    return made


def _decide(row: PayoutDecision, user: User, state: PayoutDecision.State, reason: str) -> None:
    row.state, row.decided_by, row.decided_at, row.decided_reason = state, user, now(), reason.strip()[:300]
    row.save(update_fields=["state", "decided_by", "decided_at", "decided_reason", "decided_evidence"])
    events.emit("payout_decided", dispatch=row.dispatch_id, by=user.pk, verdict=row.verdict, state=state)
    audit.record(
        audit.What.PAYOUT_DECIDED, who=user, object=f"payout {row.dispatch_id}", verdict=row.verdict, state=state
    )


def _decision(pk: int) -> PayoutDecision:
    found = PayoutDecision.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such proposal."))
    return found


# -- who may, and when --


def _demand_outsider(user: User, row: Dispatch) -> None:
    """Who asked for one of these withdrawals has no say in what became of it."""
    if Withdrawal.objects.filter(dispatch=row, operation__user=user).exists():
        raise NotAllowed(_("You asked for this withdrawal yourself: other people decide about it."))


def _demand_second(user: User, made: PayoutDecision, row: Dispatch) -> None:
    _demand_outsider(user, row)
    if made.proposed_by_id == user.pk:
        raise NotAllowed(_("Somebody else must accept what you proposed."))


def _demand_unclear(row: Dispatch) -> None:
    if row.state != Dispatch.State.LIVE:
        raise WrongState(_("What became of this payout is known; there is nothing to decide."))
    if not row.attempts:
        raise WrongState(_("This payout was never handed to the network; there is nothing to decide."))


def _demand_fresh(made: PayoutDecision, row: Dispatch) -> None:
    if made.state != PayoutDecision.State.PROPOSED:
        raise WrongState(_("This proposal was decided already."))
    _demand_unclear(row)
    if row.attempts != made.attempts:
        raise WrongState(
            _("The payout was tried again after this was proposed: reject the proposal and look at it anew.")
        )


# -- what the node says against it --


def _demand_possible(row: Dispatch, verdict: str, said: nodes.Evidence) -> None:
    if isinstance(said.found, Pending | Confirmed):
        raise WrongState(_("The network knows this payment now: it ends by itself, and nothing needs deciding."))
    if isinstance(said.found, Dead):
        raise WrongState(_("The network proves that it can never be paid: the worker gives it back by itself."))
    if verdict == Verdict.FOUND:
        _demand_paid(row, said)
    elif row.attempted_at is None or now() - row.attempted_at < QUIET:
        raise WrongState(_("It was tried a moment ago: wait ten minutes, an answer may still be under way."))


def _demand_paid(row: Dispatch, said: nodes.Evidence) -> None:
    """Where the node answers, it must show that this transaction is ours, confirmed, and pays these recipients."""
    others = Dispatch.objects.filter(wallet=row.wallet).exclude(pk=row.pk)
    if others.filter(Q(txid=said.txid) | Q(ident=said.txid)).exists():
        raise WrongState(_("This transaction is another payout of this wallet."))
    if said.moved is None:
        return  # it does not answer: both people see that, and their word stands
    sent = [one for one in said.moved if not one.incoming and not one.gone]
    if not sent:
        raise WrongState(_("The node's wallet knows no payment of its own by this transaction id."))
    if min(one.confirmations for one in sent) < row.coin.confirmations:
        raise WrongState(_("This transaction has not enough confirmations yet."))
    if not covers(Withdrawal.objects.filter(dispatch=row), sent):
        raise WrongState(_("This transaction does not pay these recipients these amounts."))


def covers(wanted: Iterable[Withdrawal], sent: Iterable[Found]) -> bool:
    """Whether these transfers pay all of them. A wallet that lost its notes names no recipients: then by the sum."""
    want: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    mixed = False
    for row in wanted:
        want[row.address] += row.amount
        mixed = mixed or bool(row.extra)  # with a payment id the address reads otherwise
    for one in sent:
        paid[one.address] += one.amount
    if mixed or set(paid) == {""}:
        return paid.total() >= want.total()
    return all(paid[address] >= amount for address, amount in want.items())


def _fee(moved: Iterable[Found] | None) -> int | None:
    fees = [one.fee for one in moved or () if not one.incoming and one.fee is not None]
    return max(fees, default=None)


# -- in words --


def standing(said: nodes.Evidence) -> str:
    """What lookup answered, as a sentence."""
    found = said.found
    if isinstance(found, Absent):
        return _("Not known to the network, and nothing stands against sending the same payment again.")
    if isinstance(found, Pending):
        return _("Waiting for a block, as %(txid)s.") % {"txid": found.txid}
    if isinstance(found, Confirmed):
        return _("In a block, with %(count)s confirmations, as %(txid)s.") % {
            "count": found.confirmations, "txid": found.txid}  # fmt: skip
    return found.reason


def told(said: nodes.Evidence) -> dict[str, Any]:
    """The evidence as it is kept with a decision: amounts as text."""
    return {
        "asked_at": said.asked_at.isoformat(), "node": said.health.reason or "answers", "height": said.health.height,
        "lookup": type(said.found).__name__.lower(), "says": standing(said), "txid": said.txid,
        "moved": None if said.moved is None else [
            {"incoming": one.incoming, "address": one.address, "amount": str(one.amount),
             "confirmations": one.confirmations, "gone": one.gone}
            for one in said.moved
        ],
    }  # fmt: skip
