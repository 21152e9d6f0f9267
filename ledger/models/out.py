from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.models.people import Operation
from wallets_site.base.clock import now


class Event(models.Model):
    """Something that happened, written with the money it tells of. Names and fields: ledger/events.py."""

    name = models.CharField(max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="events")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, related_name="events")
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    mail_due = models.BooleanField(default=False)  # until its mails stand in the outbox
    in_feed = models.BooleanField(default=False)  # whether its person's feed has it

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "id"], name="event_user"),
            models.Index(fields=["id"], condition=models.Q(mail_due=True), name="event_mail_due"),
            models.Index(
                fields=["user", "id"], condition=models.Q(in_feed=False, user__isnull=False), name="event_not_in_feed"
            ),
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


class Feed(models.Model):
    """How far a person's feed has come. marks: of each account, by its number, the last line that is in the feed."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, primary_key=True, related_name="feed"
    )
    last = models.PositiveBigIntegerField(default=0)
    lines = models.PositiveBigIntegerField(default=0)  # the sum of all marks
    marks = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"feed of {self.user_id}"


class FeedItem(models.Model):
    """One thing in a person's feed, numbered 1, 2, 3 … without a gap in the order in which it became known."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="feed_items")
    number = models.PositiveBigIntegerField()
    name = models.CharField(max_length=40)
    subject = models.CharField(max_length=60)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "number"], name="feed_number")]

    def __str__(self) -> str:
        return f"{self.user_id}.{self.number} {self.name}"


class Webhook(models.Model):
    """Where a person's programs hear of their feed. Its secrets are encrypted; the last one holds for a day more."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="webhooks")
    url = models.CharField(max_length=2000)
    label = models.CharField(max_length=60, blank=True)
    names = models.JSONField(default=list)  # of what it hears; empty: of everything
    secret = models.TextField()
    previous_secret = models.TextField(blank=True)
    previous_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True)
    wait_until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)  # why it was switched off
    request_key = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "request_key"], name="webhook_request_once")]

    def __str__(self) -> str:
        return self.label or f"webhook {self.pk}"

    @property
    def waits(self) -> bool:
        """Whether its next attempt lies in the future."""
        return self.wait_until is not None and self.wait_until > now()


class Push(models.Model):
    """One message to one webhook, or to one address given once (webhook empty); kept until it was taken."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENT = "sent", _("delivered")
        FAILED = "failed", _("given up")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="pushes")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, null=True, related_name="pushes")
    url = models.CharField(max_length=2000, blank=True)
    target = models.CharField(max_length=80)  # what is called one after the other
    key = models.CharField(max_length=160, unique=True)
    name = models.CharField(max_length=40)
    subject = models.CharField(max_length=60)
    body = models.TextField()
    state = models.CharField(max_length=6, choices=State, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "pushes"
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=models.Q(state="queued"), name="push_due"),
            models.Index(fields=["target", "subject", "id"], condition=models.Q(state="queued"), name="push_order"),
            models.Index(fields=["user", "-id"], name="push_user"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.subject}"


class PushAttempt(models.Model):
    """One try to hand over a push. status is empty when nothing came back."""

    push = models.ForeignKey(Push, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField(auto_now_add=True)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.status or self.error}"
