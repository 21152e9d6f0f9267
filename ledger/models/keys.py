from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import ApiKey
from ledger.fields import AmountField
from ledger.models.coins import Coin
from ledger.models.people import Operation


class KeyCap(models.Model):
    """The most an API key may spend of a coin in 24 hours, fees included. A coin without a row has no bound."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="caps")
    coin = models.ForeignKey(Coin, on_delete=models.CASCADE, related_name="+")
    daily = AmountField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["key", "coin"], name="one_key_cap")]

    def __str__(self) -> str:
        return f"{self.key_id} {self.coin_id}"


class KeySpend(models.Model):
    """Which key asked for an outgoing operation."""

    key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="spends")
    operation = models.OneToOneField(Operation, on_delete=models.PROTECT, related_name="spent_by")

    def __str__(self) -> str:
        return f"{self.key_id} {self.operation_id}"
