"""The books. Written by ledger/posting.py alone; the database guards them (ledger/guards)."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from ledger.fields import AmountField
from ledger.models.coins import Coin
from wallets_site.base.clock import now


class Kind(models.TextChoices):
    USER = "user", "user"
    HELD = "held", "reserved by a user"
    HOT = "hot", "hot wallet"
    COLD = "cold", "cold wallet"
    TRANSIT = "transit", "in transit"
    FEE_INCOME = "fee_income", "fee income"
    NETWORK_FEE = "network_fee", "network fee expense"
    ROUNDING = "rounding", "rounding"
    SUSPENSE = "suspense", "suspense"
    ADJUSTMENT = "adjustment", "adjustment"


OWNED = (Kind.USER, Kind.HELD)


class Account(models.Model):
    """Two ever-growing totals. Owned accounts never overdraw (debits <= credits); shared ones are
    brought up to date from the Queue and may stand on either side."""

    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="accounts")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="ledger_accounts"
    )
    kind = models.CharField(max_length=12, choices=Kind)
    number = models.PositiveIntegerField(default=0)
    shared = models.BooleanField()
    debits = AmountField(default=0)
    credits = AmountField(default=0)
    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["coin", "owner", "kind", "number"], name="account_owned"),
            models.UniqueConstraint(fields=["coin", "kind", "number"], condition=Q(owner=None), name="account_shared"),
            models.UniqueConstraint(fields=["id", "coin"], name="account_coin"),
            models.CheckConstraint(condition=Q(shared=True) | Q(debits__lte=F("credits")), name="account_no_overdraft"),
            models.CheckConstraint(
                condition=Q(shared=False, owner__isnull=False, kind__in=OWNED)
                | Q(shared=True, owner__isnull=True) & ~Q(kind__in=OWNED),
                name="account_shared_or_owned",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.owner_id or ''} {self.coin_id}"

    @property
    def balance(self) -> int:
        """Credits minus debits, without open Queue rows: exact for owned accounts, late for shared ones."""
        return self.credits - self.debits


class Transaction(models.Model):
    """One event in the books: (scope, key) names it once and for all."""

    kind = models.CharField(max_length=24)
    scope = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    memo = models.CharField(max_length=200, blank=True)
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversed_by")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["scope", "key"], name="transaction_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Posting(models.Model):
    """amount from `debit` to `credit`. For an owned side: its account's count of postings and both totals
    just after this one, so that each line carries its running balance."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="postings")
    number = models.PositiveSmallIntegerField()
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="+")
    debit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="debited", db_index=False)
    credit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credited", db_index=False)
    amount = AmountField()
    debit_seq = models.PositiveBigIntegerField(null=True)
    debit_debits = AmountField(null=True)
    debit_credits = AmountField(null=True)
    credit_seq = models.PositiveBigIntegerField(null=True)
    credit_debits = AmountField(null=True)
    credit_credits = AmountField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transaction", "number"], name="posting_number"),
            models.UniqueConstraint(fields=["debit", "debit_seq"], name="posting_debit_seq"),
            models.UniqueConstraint(fields=["credit", "credit_seq"], name="posting_credit_seq"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="posting_amount"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="posting_two_accounts"),
        ]

    def __str__(self) -> str:
        return f"{self.transaction_id}.{self.number}"


class Queue(models.Model):
    """A shared account's share of a posting that is not yet in its totals. Every sum counts these."""

    class Side(models.TextChoices):
        DEBIT = "debit", "debit"
        CREDIT = "credit", "credit"

    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="+", db_index=False)
    side = models.CharField(max_length=6, choices=Side)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="queued")
    amount = AmountField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["posting", "side"], name="queue_once")]

    def __str__(self) -> str:
        return f"{self.side} {self.account_id}"


class Seal(models.Model):
    """A block of the hash chain over committed transactions. ids: ranges such as "1-40,42"; a transaction that
    commits late simply stands in a later block. hash = SHA-256 over the previous hash and every row of the block."""

    number = models.PositiveBigIntegerField(unique=True)
    ids = models.TextField()
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.number} {self.hash}"


class Hold(models.Model):
    """Money a person has set aside until it is captured (in parts), given back, or runs out."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        CLOSED = "closed", "captured"
        RELEASED = "released", "given back"
        EXPIRED = "expired", "expired"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="holds")
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="+")
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="hold")
    amount = AmountField()
    captured = AmountField(default=0)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    expires_at = models.DateTimeField()
    memo = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(captured__lte=F("amount")), name="hold_captured"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], condition=Q(state="open"), name="hold_expiry"),
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}"

    @property
    def left(self) -> int:
        """What may still be captured, atomic units; nothing once it is no longer open."""
        return self.amount - self.captured if self.state == self.State.OPEN else 0


class Adjustment(models.Model):
    """A correction of the books that two people make: one proposes, another accepts. The database insists."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "waits for a second person"
        ACCEPTED = "accepted", "accepted and booked"
        REJECTED = "rejected", "rejected"

    debit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    credit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    amount = AmountField()
    reason = models.CharField(max_length=300)
    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_reason = models.CharField(max_length=300, blank=True)
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, null=True, related_name="adjustment")
    key = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="adjustment_amount"),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(decided_by__isnull=False, transaction__isnull=False),
                name="adjustment_accepted_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | ~Q(decided_by=F("proposed_by")), name="adjustment_two_people"
            ),
        ]

    def __str__(self) -> str:
        return f"adjustment {self.pk}"
