from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from adapters.models import Wallet
from ledger.fields import AmountField
from ledger.models.coins import Coin


class SolvencyCheck(models.Model):
    """One look at a coin: what the books owe against what its nodes hold, atomic units."""

    class Answer(models.TextChoices):
        OK = "ok", "covered"
        SHORT = "short", "short"
        UNKNOWN = "unknown", "cannot know"

    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="solvency_checks")
    answer = models.CharField(max_length=8, choices=Answer)
    owed = AmountField()
    held = AmountField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["coin", "-id"], name="solvency_latest")]

    def __str__(self) -> str:
        return f"{self.coin_id} {self.answer}"


class WalletFunds(models.Model):
    """What a node's wallet held when the worker last asked, atomic units. locked, ready: null where nothing locks."""

    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, related_name="funds")
    total = AmountField()
    spendable = AmountField()
    locked = AmountField(null=True)
    ready = models.PositiveIntegerField(null=True)  # coins that may be spent now
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"funds of {self.wallet_id}"


class Brake(models.Model):
    """Payouts of a coin slowed or stopped because it was short; two people release it."""

    class Level(models.TextChoices):
        LARGE = "large", "large payouts wait"
        ALL = "all", "all payouts wait"

    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="brakes")
    level = models.CharField(max_length=6, choices=Level)
    reason = models.CharField(max_length=300)
    threshold = AmountField(default=0)  # LARGE: what is above it waits
    accepted = AmountField(default=0)  # the shortage two people knew of when they released it
    created_at = models.DateTimeField(auto_now_add=True)
    release_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    release_reason = models.CharField(max_length=300, blank=True)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["coin"], condition=Q(released_at=None), name="brake_one_open"),
            models.CheckConstraint(
                condition=Q(released_at__isnull=True)
                | Q(release_by__isnull=False, released_by__isnull=False) & ~Q(release_by=F("released_by")),
                name="brake_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coin_id} {self.level}"


class LiabilityTree(models.Model):
    """A published Merkle-sum tree: root hash and total of everything owed in one coin at one moment."""

    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="liability_trees")
    root = models.CharField(max_length=64)
    total = AmountField()
    leaves = models.JSONField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["coin", "-id"], name="liabilities_latest")]

    def __str__(self) -> str:
        return self.root
