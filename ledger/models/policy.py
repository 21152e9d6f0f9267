"""Policy as data: versions of ordered rules over outgoing payments, what they decided, and switches that stop things.

Once published, a version and its rules are never edited, only replaced (ledger/services/policy_sets.py).
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.fields import AmountField
from ledger.models.coins import Coin
from ledger.models.people import Operation


class RuleSet(models.Model):
    """One version of all rules. Of those published the one that took effect last counts."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        ENDED = "ended", _("replaced")
        DROPPED = "dropped", _("dropped")

    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    note = models.CharField(max_length=300, blank=True)
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    editors = models.JSONField(default=list, editable=False)  # everybody who put a hand to it, by number
    created_at = models.DateTimeField(auto_now_add=True)
    replay = models.JSONField(default=dict, editable=False)
    replayed_at = models.DateTimeField(null=True, editable=False)
    tighter = models.BooleanField(null=True, editable=False)  # proven to allow nothing the one before did not
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField(null=True)
    effective_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("version of the rules")
        verbose_name_plural = _("versions of the rules")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(state="published")
                | Q(published_by__isnull=False, published_at__isnull=False, effective_at__isnull=False),
                name="rule_set_published",
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.pk}"


class PolicyRule(models.Model):
    """The first rule whose every condition holds decides. An empty condition holds always.

    initiators: names of services.policy_rules.Initiator; groups: numbers of groups, any of which the payer is in.
    …_above: more than so much, this payment included; of the coin in atomic units, values in hundredths of the site's
    first currency. …_younger: less than so many hours. from_hour to to_hour: by the site's clock, may pass midnight.
    """

    class Destination(models.TextChoices):
        ANY = "", _("anywhere")
        MEMBER = "member", _("to a member")
        EXTERNAL = "external", _("to the outside")

    class Verdict(models.TextChoices):
        ALLOW = "allow", _("allow")
        WAIT = "wait", _("wait")
        STEP_UP = "step_up", _("second factor")
        PEOPLE = "people", _("approval by people")
        BLOCK = "block", _("block")

    rule_set = models.ForeignKey(RuleSet, on_delete=models.PROTECT, related_name="rules")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80)
    words = models.CharField(max_length=200, blank=True, help_text="Told to the person beside what happens.")
    initiators = models.JSONField(default=list, blank=True)
    groups = models.JSONField(default=list, blank=True)
    destination = models.CharField(max_length=8, choices=Destination, default=Destination.ANY, blank=True)
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    amount_above = AmountField(null=True, blank=True)
    day_above = AmountField(null=True, blank=True)
    month_above = AmountField(null=True, blank=True)
    value_above = AmountField(null=True, blank=True)
    day_value_above = AmountField(null=True, blank=True)
    month_value_above = AmountField(null=True, blank=True)
    account_younger = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    destination_younger = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    from_hour = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MaxValueValidator(23)])
    to_hour = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MaxValueValidator(23)])
    verdict = models.CharField(max_length=8, choices=Verdict)
    hours = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(720)]
    )
    people = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    approvers = models.ForeignKey(Group, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule_set", "position"], name="policy_rule_position"),
            models.CheckConstraint(
                condition=Q(coin__isnull=False) | Q(amount_above=None, day_above=None, month_above=None),
                name="policy_rule_amounts_of_a_coin",
            ),
            models.CheckConstraint(
                condition=Q(verdict="wait", hours__gte=1) | ~Q(verdict="wait") & Q(hours=None), name="policy_rule_hours"
            ),
            models.CheckConstraint(
                condition=Q(verdict="people", people__gte=1)
                | ~Q(verdict="people") & Q(people=None, approvers=None),
                name="policy_rule_people",
            ),
            models.CheckConstraint(
                condition=Q(from_hour=None, to_hour=None) | Q(from_hour__isnull=False, to_hour__isnull=False),
                name="policy_rule_clock",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name


class PolicyDecision(models.Model):
    """What was decided about one version of a payment, by which rule, from which facts. Without an operation: blocked.

    What it asks for is over when `wait_until` has passed, `step_up` was answered and so many people approved.
    """

    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, related_name="policy_decisions")
    version = models.PositiveIntegerField(default=1)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="+")
    rule_set = models.ForeignKey(RuleSet, on_delete=models.PROTECT, null=True, related_name="decisions")
    rule = models.ForeignKey(PolicyRule, on_delete=models.PROTECT, null=True, related_name="decisions")
    verdict = models.CharField(max_length=8, choices=PolicyRule.Verdict)
    screened = models.CharField(max_length=200, blank=True)  # why the screening held it
    inputs = models.JSONField(default=dict)
    wait_until = models.DateTimeField(null=True)
    step_up = models.BooleanField(default=False)
    stepped_up_at = models.DateTimeField(null=True)
    people = models.PositiveSmallIntegerField(default=0)
    approvers = models.ForeignKey(Group, on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)  # of a wait: when the payment went on
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["operation", "version"], name="policy_decision_once"),
            models.CheckConstraint(
                condition=Q(operation__isnull=False) | Q(verdict="block"), name="policy_decision_blocked"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["wait_until"], condition=Q(closed_at=None, wait_until__isnull=False), name="policy_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.operation_id or ''}".strip()

    @property
    def holds(self) -> bool:
        """Whether its payment cannot be made at once."""
        return self.wait_until is not None or self.people > 0 or (self.step_up and self.stepped_up_at is None)


class Switch(models.Model):
    """Something stopped by hand, from one moment to another: for one coin, or for the whole site."""

    class What(models.TextChoices):
        DEPOSITS = "deposits", _("deposits")
        MOVES = "moves", _("sends between members")
        PAYOUTS = "payouts", _("withdrawals")
        READ_ONLY = "read_only", _("everything but reading")

    what = models.CharField(max_length=10, choices=What)
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, null=True, blank=True, related_name="switches")
    reason = models.CharField(max_length=200)  # members read it
    on_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    on_at = models.DateTimeField(auto_now_add=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    asked_reason = models.CharField(max_length=200, blank=True)
    off_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    off_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "switches"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["what"], condition=Q(off_at=None, coin=None), name="switch_site_once"),
            models.UniqueConstraint(fields=["what", "coin"], condition=Q(off_at=None), name="switch_coin_once"),
            models.CheckConstraint(condition=~Q(what="read_only") | Q(coin=None), name="switch_read_only_is_the_site"),
            models.CheckConstraint(
                condition=Q(off_at=None)
                | ~Q(what="payouts")
                | Q(asked_by__isnull=False, off_by__isnull=False) & ~Q(asked_by=F("off_by")),
                name="switch_payouts_two_people",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.what} {self.coin or ''}".strip()
