"""What the chain needs to know of money that comes and goes."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from adapters.models import Wallet
from ledger.fields import AmountField
from ledger.models.coins import Coin
from ledger.models.people import Address, Operation


class Deposit(models.Model):
    """One incoming transfer, named by (wallet, txid, output) whatever the node repeats or forgets."""

    class State(models.TextChoices):
        SEEN = "seen", "seen"
        CREDITED = "credited", "credited"
        UNCLAIMED = "unclaimed", "unclaimed: to an address nobody holds"
        SMALL = "small", "below the minimum"
        GONE = "gone", "gone before it was credited"
        VANISHED = "vanished", "gone after it was credited"

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="deposits")
    txid = models.CharField(max_length=200)
    output = models.CharField(max_length=200)
    address_text = models.CharField(max_length=2000)
    address = models.ForeignKey(Address, on_delete=models.PROTECT, null=True, related_name="deposits")
    operation = models.OneToOneField(Operation, on_delete=models.PROTECT, null=True, related_name="deposit")
    amount = AmountField()
    confirmations = models.IntegerField(default=0)
    locked = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.SEEN)
    missing = models.PositiveSmallIntegerField(default=0)  # polls in a row that did not know it
    seen_at = models.DateTimeField(auto_now_add=True)
    credited_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["wallet", "txid", "output"], name="deposit_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["wallet", "state", "id"], name="deposit_open")]

    def __str__(self) -> str:
        return f"{self.txid}:{self.output}"


class Dispatch(models.Model):
    """One prepared payment: recorded before the network can know it, looked up until final."""

    class State(models.TextChoices):
        LIVE = "live", "live"
        FINAL = "final", "final"
        DEAD = "dead", "dead"

    class Outcome(models.TextChoices):
        NONE = "", "not tried"
        SENT = "sent", "sent"
        REFUSED = "refused", "refused"
        UNCLEAR = "unclear", "unclear"

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="dispatches")
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="dispatches")
    chore = models.CharField(max_length=30, blank=True)
    lane = models.CharField(max_length=10)
    ident = models.CharField(max_length=200)
    slot = models.CharField(max_length=200)
    blob = models.TextField()
    fee = AmountField()
    attempts = models.PositiveIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.NONE, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    txid = models.CharField(max_length=200, blank=True)
    preimage = models.CharField(max_length=64, blank=True)  # Lightning: what the recipient revealed for it
    confirmations = models.IntegerField(default=0)
    state = models.CharField(max_length=6, choices=State, default=State.LIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "dispatches"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["wallet", "ident"], name="dispatch_once"),
            models.UniqueConstraint(fields=["wallet", "slot"], condition=Q(state="live"), name="dispatch_slot"),
            models.UniqueConstraint(
                fields=["wallet"], condition=Q(state="live", attempts=0, lane="wallet"), name="dispatch_one_prepared"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["wallet", "state"], name="dispatch_live")]

    def __str__(self) -> str:
        return self.ident


class Withdrawal(models.Model):
    """An outgoing payment as the chain needs it; what people see of it is its Operation."""

    class State(models.TextChoices):
        WAITING = "waiting", "waits for a confirmation"
        QUEUED = "queued", "queued"
        DISPATCHED = "dispatched", "prepared for the network"
        ATTEMPTED = "attempted", "handed to the network"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    operation = models.OneToOneField(Operation, on_delete=models.PROTECT, related_name="withdrawal")
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="withdrawals")
    address = models.CharField(max_length=2000)
    extra = models.CharField(max_length=200, blank=True)
    amount = AmountField()
    fee = AmountField()
    network_reserve = AmountField(default=0)
    level = models.CharField(max_length=20, blank=True)  # of the network's fee; empty: the wallet's own
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, null=True, related_name="withdrawals")
    tries = models.PositiveSmallIntegerField(default=0)  # definite failures so far

    class Meta:
        indexes: ClassVar = [models.Index(fields=["coin", "state", "id"], name="withdrawal_queue")]

    def __str__(self) -> str:
        return f"withdrawal {self.pk}"


class Freeze(models.Model):
    """Payouts stop: of one wallet, or of one person and coin, until a manager ends it with a reason."""

    class Cause(models.TextChoices):
        KEY_ALARM = "key_alarm", "coins left the wallet without us"
        VANISHED = "vanished", "a credited deposit vanished"
        RECOVERY = "recovery", "the database was put back from a backup"
        MANUAL = "manual", "stopped by a manager"

    cause = models.CharField(max_length=12, choices=Cause)
    reason = models.CharField(max_length=300)
    subject = models.CharField(max_length=250)  # what raised it; one freeze per cause and subject
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, null=True, related_name="freezes")
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, null=True, related_name="freezes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="freezes")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    ended_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["cause", "subject"], name="freeze_once")]

    def __str__(self) -> str:
        return f"{self.cause}: {self.reason}"
