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
    mail_due = models.BooleanField(default=False)  # until its mails stand in the outbox

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "id"], name="event_user"),
            models.Index(fields=["id"], condition=models.Q(mail_due=True), name="event_mail_due"),
        ]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One message to one person about one event: the outbox. It holds no text and no link; both are made when sent."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        SENT = "sent", "sent"
        FAILED = "failed", "given up"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=10, default="mail")
    template = models.CharField(max_length=40)
    state = models.CharField(max_length=6, choices=State, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    error = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "user", "channel", "template"], name="delivery_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=models.Q(state="queued"), name="delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.user_id}"


class Mute(models.Model):
    """A kind of event that a person does not want to hear of by mail, or not in their notifications."""

    class Channel(models.TextChoices):
        MAIL = "mail", "mail"
        INBOX = "inbox", "on this site"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mutes")
    name = models.CharField(max_length=40)
    channel = models.CharField(max_length=10, choices=Channel)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "name", "channel"], name="mute_once")]

    def __str__(self) -> str:
        return f"{self.name} by {self.channel}"


class Inbox(models.Model):
    """How far a person has read their notifications: the number of the newest event they saw."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="inbox"
    )
    seen = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"inbox of {self.user_id}"
