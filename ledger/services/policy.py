"""The one door to the published rules for payments: decided under the locks of the payer's accounts, written down, and
shown to whoever waits. With no rules published and no screening it asks nothing and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import proof as proofs
from ledger.models import Approval, Operation, PolicyDecision, Purpose
from ledger.services import policy_facts, rules, screening
from ledger.services.confirmations import Needs
from ledger.services.policy_rules import ALLOWED, EVERY_INITIATOR, Initiator, Rule, Verdict
from ledger.services.screening import Answer
from wallets_site.base.clock import now
from wallets_site.base.errors import NotAllowed

if TYPE_CHECKING:
    from accounts.models import User
    from ledger.services.quotes import Quote


class PolicyRefused(NotAllowed):
    """A rule or the screening says no. decision: what is written down once the refused transaction is gone."""

    def __init__(self, message: str, decision: PolicyDecision) -> None:
        super().__init__(message, rule=decision.rule_id)
        self.decision = decision


# Before and under the locks ------------------------------------------------------------------------------
def also_locked(user: User, needs: Needs) -> list[int]:
    """Accounts to lock together with those of the payment itself: sums count all of a person's at once."""
    return policy_facts.accounts_to_lock(user.pk, needs.policy) if needs.watched else []


def decide(needs: Needs, *, user: User, quote: Quote, proof: proofs.Proof) -> Needs:
    """What the payment needs, the rules and the screening included. Raises PolicyRefused, NotAllowed."""
    if not needs.watched or quote.recipient == user:
        return needs
    return _decide(needs, user, quote, policy_facts.initiator_of(proof), proof.factor)


def _decide(needs: Needs, user: User, quote: Quote, initiator: str, factor: str) -> Needs:
    rule, inputs = ALLOWED, {"initiator": initiator}
    if needs.policy is not None:
        facts = policy_facts.gather(user=user, quote=quote, initiator=initiator, policy=needs.policy)
        rule, inputs = needs.policy.decide(facts), _json(asdict(facts))
    made = PolicyDecision(
        user=user, coin=quote.coin, rule_set_id=needs.policy.version if needs.policy else None, rule_id=rule.pk,
        verdict=rule.verdict, inputs={**inputs, "to": quote.address or _number(quote)},
        people=rule.people, approvers_id=rule.approvers,
    )  # fmt: skip
    if rule.verdict == Verdict.BLOCK:
        raise PolicyRefused(words_of(rule), made)
    _screened(made, needs.screen)
    if rule.verdict == Verdict.WAIT:
        made.wait_until = now() + timedelta(hours=rule.hours)
    if rule.verdict == Verdict.STEP_UP:
        _step_up(made, initiator, factor)
    return replace(needs, admin=needs.admin or made.people > 0, outcome=made)


def _screened(made: PolicyDecision, screen: screening.Screened | None) -> None:
    if screen is None:
        return
    made.screened = screen.reason[:200] or "held"
    if screen.answer == Answer.REFUSE:
        made.verdict = Verdict.BLOCK
        raise PolicyRefused(_("This site cannot make this payment. Ask its managers."), made)
    made.people = max(made.people, 1)


def _step_up(made: PolicyDecision, initiator: str, factor: str) -> None:
    """A program cannot show a factor: its payment waits until its owner does, on the site."""
    made.step_up = True
    if initiator != Initiator.PAGE:
        return
    if factor != proofs.Factor.MFA:
        raise NotAllowed(_needs_factor())
    made.stepped_up_at = now()


def _needs_factor() -> str:
    return _("This payment needs a second factor: set one up on your security page, sign in with it, and try again.")


def _number(quote: Quote) -> str:
    """A member by number: names and addresses of people may have to be forgotten, decisions stay."""
    return "" if quote.recipient is None else f"user {quote.recipient.pk}"


def _json(facts: dict[str, Any]) -> dict[str, Any]:
    """Amounts as texts: JSON knows no large integers."""
    wide = {"amount", "day", "month", "value", "day_value", "month_value"}
    return {
        name: sorted(said) if isinstance(said, frozenset) else str(said) if name in wide and said is not None else said
        for name, said in facts.items()
    }


def note(needs: Needs, operation: Operation) -> None:
    """Keep what was decided beside the payment; in the transaction that wrote it."""
    if needs.outcome is not None:
        needs.outcome.operation, needs.outcome.version = operation, operation.version
        needs.outcome.save()


@contextmanager
def keeping_refusals() -> Iterator[None]:
    """A refusal undoes its transaction; that it was refused, and why, is kept all the same."""
    try:
        yield
    except PolicyRefused as refused:
        with transaction.atomic():
            refused.decision.save(force_insert=refused.decision.pk is None)
        raise


def decide_again(operation: Operation, quote: Quote) -> Needs:
    """For a failed or cancelled payment that a manager asks for anew: as if its owner had asked for it again.

    What was asked by mail or of managers before is asked again by the caller.
    """
    policy = rules.current().policy
    needs = Needs(operation.needs_user_confirm, operation.needs_admin_confirm, policy=policy)
    if policy is None or operation.counterpart_id == operation.user_id:
        return needs
    last = PolicyDecision.objects.filter(operation=operation).order_by("-pk").first()
    initiator = last.inputs.get("initiator", Initiator.PAGE) if last else Initiator.PAGE
    with keeping_refusals():
        return _decide(needs, operation.user, quote, initiator, proofs.Factor.MFA)


def foretold(quote: Quote, user: User) -> Quote:
    """The quote with what the rules would ask of it, in words; as a guess, for nothing is locked.

    Raises NotAllowed for what they would refuse whoever asks. Where a payment comes from is known only when it is
    asked for: rules about that are told as if it came from the pages.
    """
    policy = rules.lately().policy
    if policy is None or quote.recipient == user:
        return quote
    rule = policy.decide(policy_facts.gather(user=user, quote=quote, initiator=Initiator.PAGE, policy=policy))
    if rule.verdict == Verdict.ALLOW:
        return quote
    if rule.verdict == Verdict.BLOCK and rule.box.initiators == EVERY_INITIATOR:
        raise NotAllowed(words_of(rule), rule=rule.pk)
    return replace(quote, warnings=(*quote.warnings, words_of(rule)))


# Afterwards ----------------------------------------------------------------------------------------------
def standing(operation: Operation) -> PolicyDecision | None:
    """What was decided about the present version of this payment."""
    rows = PolicyDecision.objects.select_related("rule", "rule_set", "approvers")
    return rows.filter(operation=operation, version=operation.version).first()


def lacks(operation: Operation) -> bool:
    """Whether this payment must still wait, whatever else was confirmed. Its row is locked."""
    decision = standing(operation)
    if decision is None:
        return False
    if decision.wait_until is not None and decision.wait_until > now():
        return True
    if decision.step_up and decision.stepped_up_at is None:
        return True
    return bool(decision.people) and len(_approvers(operation)) < decision.people


def approvals_left(operation: Operation, decision: PolicyDecision | None = None) -> int:
    """How many more people must approve this version."""
    decision = decision or standing(operation)
    wanted = max(decision.people if decision else 0, 1 if operation.needs_admin_confirm else 0)
    return max(0, wanted - len(_approvers(operation)))


def demand_approver(operation: Operation, user: User) -> None:
    """Raises NotAllowed where the rule names a group and this person is not in it."""
    decision = standing(operation)
    if decision is None or decision.approvers is None or user.groups.filter(pk=decision.approvers_id).exists():
        return
    raise NotAllowed(
        _("Only people of the group “%(group)s” approve this payment.") % {"group": decision.approvers.name}
    )


def _approvers(operation: Operation) -> set[int]:
    rows = Approval.objects.filter(
        operation=operation, version=operation.version, verdict=Approval.Verdict.APPROVED
    ).exclude(person=operation.user_id)
    return set(rows.values_list("person_id", flat=True))


def step_up(operation: Operation, user: User, proof: proofs.Proof) -> None:
    """The owner shows the second factor that the rule wants. Its row is locked. Raises NotAllowed, ProofRequired."""
    proofs.demand(proof, user)
    if proof.factor != proofs.Factor.MFA:
        raise NotAllowed(_needs_factor())
    rows = PolicyDecision.objects.filter(operation=operation, version=operation.version, stepped_up_at=None)
    rows.filter(step_up=True).update(stepped_up_at=now())


def waited(most: int = 200) -> list[int]:
    """Payments whose time has come, oldest first."""
    rows = PolicyDecision.objects.filter(closed_at=None, wait_until__lte=now(), operation__isnull=False)
    return [pk for pk in rows.order_by("wait_until", "pk").values_list("operation_id", flat=True)[:most] if pk]


def waits_since(moment: datetime) -> QuerySet[PolicyDecision, Any]:
    """Numbers of payments that a rule made wait until after this moment."""
    rows = PolicyDecision.objects.filter(wait_until__gt=moment, operation__isnull=False)
    return rows.values_list("operation_id")


def close(operation: Operation) -> None:
    """Its wait is over, or it will never be made."""
    PolicyDecision.objects.filter(operation=operation, closed_at=None).update(closed_at=now())


def words_of(rule: Rule) -> str:
    """What a rule does to a payment, for its sender, with the managers' own words."""
    said = {
        Verdict.WAIT: lambda: (
            ngettext(
                "This payment waits %(hours)s hour before it is made. You can cancel it meanwhile.",
                "This payment waits %(hours)s hours before it is made. You can cancel it meanwhile.",
                rule.hours,
            )
            % {"hours": rule.hours}
        ),
        Verdict.STEP_UP: lambda: _("This payment needs your second factor."),
        Verdict.PEOPLE: lambda: (
            ngettext(
                "This payment waits for the approval of %(people)s person.",
                "This payment waits for the approval of %(people)s people.",
                rule.people,
            )
            % {"people": rule.people}
        ),
        Verdict.BLOCK: lambda: _("The rules of this site do not allow this payment."),
    }
    text = said[Verdict(rule.verdict)]() if rule.verdict in said else ""
    return " ".join(part for part in (text, rule.words) if part)


def purpose_of(operation: Operation) -> Purpose:
    return Purpose.MOVE if operation.kind == Operation.Kind.MOVE else Purpose.WITHDRAWAL


def decisions(operations: Iterable[Operation]) -> dict[int, PolicyDecision]:
    """The newest decision of each, in one statement."""
    rows = PolicyDecision.objects.filter(operation__in=list(operations)).select_related("rule", "rule_set")
    return {row.operation_id: row for row in rows.order_by("pk") if row.operation_id}
