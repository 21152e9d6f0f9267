from __future__ import annotations

import json
from typing import Any, ClassVar

from django.db import models

from wallets_site.base import crypto


class Wallet(models.Model):
    """A configured node connection. Its options are encrypted as one piece; `version` grows with each change."""

    class State(models.TextChoices):
        NEW = "new", "not asked yet"
        OK = "ok", "answers"
        DOWN = "down", "does not answer"
        CLOSED = "closed", "closed: wrong network or wrong wallet"

    name = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=20)
    options = models.TextField(blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    cursor = models.TextField(blank=True, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.NEW, editable=False)
    reason = models.CharField(max_length=300, blank=True, editable=False)
    locked = models.BooleanField(default=False, editable=False)
    node_version = models.CharField(max_length=60, blank=True, editable=False)
    height = models.BigIntegerField(null=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    scanned_at = models.DateTimeField(null=True, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def read_options(self) -> dict[str, Any]:
        return dict(json.loads(crypto.decrypt(self.options))) if self.options else {}

    def write_options(self, values: dict[str, Any]) -> None:
        """Sets, does not save. The caller saves options and version together."""
        self.options = crypto.encrypt(json.dumps(values, sort_keys=True))
        self.version += 1
