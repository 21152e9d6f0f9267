"""What tells that the database is older than its chain, and what is done about it."""

from __future__ import annotations

from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from adapters.models import Wallet
from ledger.fields import AmountField
from ledger.models.books import Transaction
from ledger.models.chain import Withdrawal
from ledger.models.coins import Coin

ONE: Final = 1


class Generation(models.Model):
    """One row: how far this site has got. A file outside the database repeats site, number and jumps; when the file is
    ahead, the database was put back from a backup."""

    site = models.CharField(max_length=32)
    number = models.PositiveBigIntegerField(default=0)
    jumps = models.PositiveIntegerField(default=0)  # recoveries so far: each leaves a wider gap in address numbers
    marked = models.BooleanField(default=False)  # the file was written at least once
    noted = models.PositiveBigIntegerField(default=0)  # the newest transaction when the sweep last looked

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(pk=ONE), name="generation_one")]

    def __str__(self) -> str:
        return f"generation {self.number}"


class Recovery(models.Model):
    """From the moment an older database is noticed until two people have said that all is well again."""

    found_at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=300)
    is_open = models.BooleanField(default=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    asked_reason = models.CharField(max_length=300, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "recoveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["is_open"], condition=Q(is_open=True), name="recovery_one_open"),
            models.CheckConstraint(
                condition=Q(is_open=True)
                | Q(asked_by__isnull=False, ended_by__isnull=False) & ~Q(asked_by=F("ended_by")),
                name="recovery_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"recovery {self.pk}"


class RecoveryWallet(models.Model):
    """How far one wallet's chain was read again. read_at: everything was read, and each transfer out was judged."""

    recovery = models.ForeignKey(Recovery, on_delete=models.PROTECT, related_name="wallets")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    set_aside = models.PositiveIntegerField(default=0)  # pooled addresses that may have been given away
    read_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)  # what it still waits for

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["recovery", "wallet"], name="recovery_wallet_once")]

    def __str__(self) -> str:
        return f"{self.recovery_id} {self.wallet_id}"


class Recovered(models.Model):
    """A transfer out of our wallet, found on the chain, that the restored books do not know. One row a recipient."""

    class State(models.TextChoices):
        SEEN = "seen", _("waits for confirmations")
        MATCHED = "matched", _("a withdrawal that waited: ended as paid")
        SUSPENSE = "suspense", _("booked to suspense: whose it was is for people to say")
        OWN = "own", _("to ourselves")
        KNOWN = "known", _("a payment the books know under another name")
        BLOCKED = "blocked", _("may be one of the withdrawals that wait: people must decide")
        GONE = "gone", _("never confirmed")

    recovery = models.ForeignKey(Recovery, on_delete=models.PROTECT, related_name="transfers")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="+")
    txid = models.CharField(max_length=200)
    output = models.CharField(max_length=200)
    address = models.CharField(max_length=1000, blank=True)
    amount = AmountField()
    fee = AmountField(default=0)  # of the whole transaction
    confirmations = models.IntegerField(default=0)
    at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=State, default=State.SEEN)
    withdrawals = models.ManyToManyField(Withdrawal, related_name="+")
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "recovered transfers"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["wallet", "txid", "output"], name="recovered_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["wallet", "state"], name="recovered_open")]

    def __str__(self) -> str:
        return f"{self.txid}:{self.output}"
