"""What two people decide: what became of a payout no node can tell of, with all its attempts; and looser limits."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.models.chain import Dispatch
from ledger.models.coins import Coin, Purpose


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


class LimitChange(models.Model):
    """A limit that shall allow more: asked for by one manager, agreed to by another, in force after a wait.

    fields: by name of a field of Limit what stood there and what shall, in atomic units as texts; None is no bound.
    alone: nobody else could agree when it was asked for. The database insists on two people otherwise.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("waits for a second person")
        AGREED = "agreed", _("waits for its time")
        DONE = "done", _("in force")
        DROPPED = "dropped", _("dropped")
        LAPSED = "lapsed", _("overtaken by another change")

    coin = models.ForeignKey(Coin, on_delete=models.CASCADE, related_name="limit_changes")
    purpose = models.CharField(max_length=12, choices=Purpose)
    fields = models.JSONField()
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    alone = models.BooleanField(default=False)
    agreed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    agreed_at = models.DateTimeField(null=True)
    effective_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("limit that shall allow more")
        verbose_name_plural = _("limits that shall allow more")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["coin", "purpose"], condition=Q(state__in=("asked", "agreed")), name="limit_change_once"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("agreed", "done"))
                | Q(alone=True)
                | Q(agreed_by__isnull=False, agreed_at__isnull=False) & ~Q(agreed_by=F("asked_by")),
                name="limit_change_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coin} {self.purpose} limit"
