"""What two people decide about a payout whose outcome no node can tell, and every attempt it rests on."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.models.chain import Dispatch


class Attempt(models.Model):
    """One send of a dispatch: when it began, and what was answered, if anything was."""

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="tries")
    number = models.PositiveIntegerField()
    begun_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=Dispatch.Outcome, default=Dispatch.Outcome.NONE, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["dispatch", "number"], name="attempt_once")]

    def __str__(self) -> str:
        return f"{self.dispatch_id}.{self.number}"


class PayoutDecision(models.Model):
    """One person proposes what became of an unclear payout, another accepts. The database insists on two.

    attempts: how often it had been tried when this was proposed; a later try makes the proposal void.
    """

    class Verdict(models.TextChoices):
        FOUND = "found", _("found on the chain: done")
        ABSENT = "absent", _("proven absent: refund")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("waits for a second person")
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")
        LAPSED = "lapsed", _("overtaken by events")

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=6, choices=Verdict)
    txid = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveIntegerField()
    reason = models.CharField(max_length=300)
    evidence = models.JSONField(default=dict, editable=False)  # what the node said when it was proposed
    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_reason = models.CharField(max_length=300, blank=True)
    decided_evidence = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["dispatch"], condition=Q(state__in=("proposed", "accepted")), name="payout_decision_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted")
                | Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(decided_by=F("proposed_by")),
                name="payout_decision_two_people",
            ),
            models.CheckConstraint(
                condition=Q(verdict="absent", txid="") | Q(verdict="found") & ~Q(txid=""), name="payout_decision_txid"
            ),
            models.CheckConstraint(condition=Q(attempts__gt=0), name="payout_decision_tried"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.dispatch_id}"
