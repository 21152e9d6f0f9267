from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from ledger.models.people import Operation


class Event(models.Model):
    """Something that happened, written with the money it tells of. Names and fields: ledger/events.py."""

    name = models.CharField(max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="events")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, related_name="events")
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "id"], name="event_user")]

    def __str__(self) -> str:
        return self.name
