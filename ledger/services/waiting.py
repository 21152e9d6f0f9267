"""Money that explains itself: what a pending operation waits for, who must act, and how long that took before here.

Estimates come from this site's own newest finished operations of the same coin and kind, never from a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.models import Approval, Deposit, Operation, Withdrawal
from ledger.services import policy, rules
from ledger.services.states import CoinState, state_of
from ledger.services.told import told
from wallets_site.base.clock import now

Who = Literal["", "you", "sender", "manager", "network", "site"]
SAMPLE: Final = 100
FEWEST: Final = 5
_ANY: Final = CoinState(True, True, True, "")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds from asking until it is done: half of the newest ones took at most p50, nine in ten at most p90."""

    p50: int
    p90: int
    sample: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """words: one or two sentences; who: must act next. Both empty for a final operation."""

    words: str = ""
    who: Who = ""
    elapsed: int = 0
    estimate: Estimate | None = None
    until: datetime | None = None  # a rule says exactly how long

    @property
    def likely_left(self) -> int | None:
        """Seconds after which it is as likely done as not; 0 when it takes longer than usual already."""
        return max(0, self.estimate.p50 - self.elapsed) if self.estimate else None

    @property
    def nearly_sure_left(self) -> int | None:
        return max(0, self.estimate.p90 - self.elapsed) if self.estimate else None

    @property
    def in_words(self) -> str:
        """The estimate as a sentence; empty where the site has seen too few."""
        if self.estimate is None:
            return ""
        if self.elapsed > self.estimate.p90:
            return _("This takes longer than nine in ten did here (%(p90)s).") % {"p90": span(self.estimate.p90)}
        said = {"p50": span(self.estimate.p50), "p90": span(self.estimate.p90)}
        return _("Usually done %(p50)s after it began, nine times in ten within %(p90)s.") % said


Estimates = dict[tuple[int, str, str], Estimate | None]


def explain(operation: Operation, known: Estimates | None = None) -> Waiting:
    """Everything that is known of a pending operation, with an estimate; one more statement than `say`, none where
    `known`, kept by whoever asks about many, holds it already."""
    said = say(operation)
    if not said.who:
        return said
    elapsed = int((now() - operation.created_at).total_seconds())
    if said.until:
        return Waiting(said.words, said.who, elapsed, until=said.until)
    known = {} if known is None else known
    alike = operation.coin_id, operation.kind, said.who
    if alike not in known:
        known[alike] = _estimate(operation, said.who)
    return Waiting(said.words, said.who, elapsed, known[alike])


def brief(operation: Operation) -> str:
    """The same in a list: asks the database nothing."""
    return say(operation, state=_ANY).words


def say(operation: Operation, *, state: CoinState | None = None) -> Waiting:
    """What it waits for, without an estimate. state: the coin's, where the caller knows it."""
    if operation.is_final:
        return Waiting()
    if operation.kind == Operation.Kind.DEPOSIT:
        return Waiting(_counting(operation), "network")
    if operation.status == Operation.Status.UNCONFIRMED:
        return (_by_rule(operation) if state is None else None) or _unconfirmed(operation)
    withdrawal = getattr(operation, "withdrawal", None)
    if withdrawal is None:
        return Waiting(_("Waiting to be settled."), "site")
    return _queued(operation, withdrawal, state)


def _queued(operation: Operation, withdrawal: Withdrawal, state: CoinState | None) -> Waiting:
    if withdrawal.state == Withdrawal.State.ATTEMPTED:
        if not operation.txid:
            words = _("Handed to the network; waiting for its answer. Nothing is sent twice meanwhile.")
            return Waiting(words, "network")
        return Waiting(_counting(operation), "network")
    if operation.reason:
        return Waiting(told(operation.reason), "site")
    known = state or state_of(rules.current().of(operation.coin))
    if not known.withdrawals_ok:
        return Waiting(known.reason, "site")
    return Waiting(_("Waiting for the next payout run, usually within a minute."), "site")


def _unconfirmed(operation: Operation) -> Waiting:
    if operation.incoming:
        return Waiting(_("Waiting for the sender's confirmation."), "sender")
    by_user = operation.needs_user_confirm and not operation.user_confirm
    by_manager = operation.needs_admin_confirm and not operation.admin_confirm
    if by_user and by_manager:
        words = _(
            "Waiting for you to follow the link in the mail we sent and for a manager's approval."
            " The coins are reserved meanwhile."
        )
        return Waiting(words, "you")
    if by_user:
        words = _("Waiting for you to follow the link in the mail we sent. The coins are reserved meanwhile.")
        return Waiting(words, "you")
    if by_manager:
        return Waiting(_("Waiting for a manager's approval. The coins are reserved meanwhile."), "manager")
    return Waiting(_("Waiting by a rule of this site. The coins are reserved meanwhile."), "site")


def _by_rule(operation: Operation) -> Waiting | None:
    """What the site's rules want of it that has not happened yet."""
    if operation.incoming:
        return None
    decision = policy.standing(operation)
    if decision is None:
        return None
    more = f" {decision.rule.words}" if decision.rule is not None and decision.rule.words else ""
    if decision.step_up and decision.stepped_up_at is None:
        return Waiting(_("Waiting for your second factor: confirm this payment on its page.") + more, "you")
    if operation.needs_user_confirm and not operation.user_confirm:
        return None
    if decision.people and (left := policy.approvals_left(operation, decision)):
        words = ngettext(
            "Waiting for the approval of %(left)s person. The coins are reserved meanwhile.",
            "Waiting for the approval of %(left)s people. The coins are reserved meanwhile.",
            left,
        ) % {"left": left}
        return Waiting(words + more, "manager")
    if decision.wait_until is not None and decision.wait_until > now():
        at = f"{timezone.localtime(decision.wait_until):%Y-%m-%d %H:%M}"
        words = _("A rule of this site lets this payment go on at %(at)s, by itself. You can cancel it until then.")
        return Waiting(words % {"at": at} + more, "site", until=decision.wait_until)
    return None


def wants_factor(operation: Operation) -> bool:
    """Whether its owner's second factor is what it waits for."""
    if operation.incoming or operation.status != Operation.Status.UNCONFIRMED:
        return False
    decision = policy.standing(operation)
    return decision is not None and decision.step_up and decision.stepped_up_at is None


def _counting(operation: Operation) -> str:
    if operation.coin.confirmations <= 1:
        return _("Waiting for the network to confirm it.")
    return _("Waiting for the network: %(counted)s confirmations.") % {"counted": counted(operation)}


def counted(operation: Operation) -> str:
    """ "2 of 6", never more than needed; where one is enough there is nothing to count: "confirmed"."""
    needed = operation.coin.confirmations
    if needed <= 1:
        return _("confirmed") if operation.confirmations >= needed else _("not yet confirmed")
    return _("%(seen)s of %(needed)s") % {"seen": min(operation.confirmations, needed), "needed": needed}


def _estimate(operation: Operation, who: Who) -> Estimate | None:
    if who in ("you", "sender"):
        return None
    if who == "manager":
        rows: Any = Approval.objects.filter(
            verdict=Approval.Verdict.APPROVED, operation__coin_id=operation.coin_id, operation__kind=operation.kind
        )
        return _of(rows.order_by("-pk").values_list("operation__created_at", "created_at")[:SAMPLE])
    if operation.kind == Operation.Kind.DEPOSIT:
        rows = Deposit.objects.filter(
            wallet__use__coin_id=operation.coin_id, wallet__use__is_active=True, state=Deposit.State.CREDITED
        )
        return _of(rows.order_by("-pk").values_list("seen_at", "credited_at")[:SAMPLE])
    rows = Withdrawal.objects.filter(
        coin_id=operation.coin_id, state=Withdrawal.State.DONE, operation__needs_admin_confirm=False,
        operation__needs_user_confirm=False,
    )  # fmt: skip
    return _of(rows.order_by("-pk").values_list("operation__created_at", "operation__done_at")[:SAMPLE])


def _of(rows: Iterable[tuple[Any, Any]]) -> Estimate | None:
    took = sorted(int((end - start) / timedelta(seconds=1)) for start, end in rows if end)
    if len(took) < FEWEST:
        return None
    return Estimate(took[(len(took) - 1) // 2], took[(len(took) * 9 + 9) // 10 - 1], len(took))


def span(seconds: int) -> str:
    """A span of time for people: "40 seconds", "12 minutes", "3 hours"."""
    if seconds < 90:
        return ngettext("%(number)s second", "%(number)s seconds", seconds) % {"number": seconds}
    minutes = (seconds + 30) // 60
    if minutes < 90:
        return ngettext("%(number)s minute", "%(number)s minutes", minutes) % {"number": minutes}
    hours = (minutes + 30) // 60
    if hours < 48:
        return ngettext("%(number)s hour", "%(number)s hours", hours) % {"number": hours}
    days = (hours + 12) // 24
    return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}
