from __future__ import annotations

from django.db import models


class Count(models.Model):
    """How often something was asked for in a window of time. Written by wallets_site/base/throttle.py."""

    name = models.CharField(max_length=120, primary_key=True)
    period = models.BigIntegerField()
    used = models.IntegerField()

    class Meta:
        db_table = "wallets_site_count"

    def __str__(self) -> str:
        return self.name
