from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from adapters.models import Wallet
from ledger.fields import AmountField
from ledger.models.books import Account, Transaction
from ledger.models.coins import Coin
from wallets_site.base import crypto
from wallets_site.base.clock import now


class Operation(models.Model):
    """What a person sees: one row per user and event. A move has two, paired.

    gross is what the owner's account loses or gains before the fee is told apart: an outgoing one takes
    gross from the sender, of which `fee` is the site's and gross - fee is the recipient's.
    """

    class Kind(models.TextChoices):
        DEPOSIT = "deposit", _("deposit")
        WITHDRAWAL = "withdraw", _("withdrawal")
        MOVE = "move", _("transfer")

    class Status(models.TextChoices):
        UNCONFIRMED = "unconfirmed", _("waiting for confirmation")
        PENDING = "pending", _("pending")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="operations")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="operations")
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="operations")
    kind = models.CharField(max_length=10, choices=Kind)
    incoming = models.BooleanField()
    status = models.CharField(max_length=12, choices=Status)
    gross = AmountField()
    fee = AmountField(default=0)
    counterpart = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="counterpart_operations"
    )
    pair = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="+")
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, null=True, related_name="operations")
    needs_user_confirm = models.BooleanField(default=False)
    needs_admin_confirm = models.BooleanField(default=False)
    user_confirm = models.BooleanField(default=False)
    admin_confirm = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)  # a confirmation counts for the version it was given to
    confirm_digest = models.CharField(max_length=64, blank=True)
    confirm_expires_at = models.DateTimeField(null=True)
    retries = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True)
    tags = models.CharField(max_length=200, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    note = models.CharField(max_length=500, blank=True)  # the owner's alone
    address = models.CharField(max_length=2000, blank=True)
    extra = models.CharField(max_length=200, blank=True)
    txid = models.CharField(max_length=200, blank=True)
    payment_hash = models.CharField(max_length=64, blank=True)  # of the invoice it pays, or by which it came
    confirmations = models.IntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "id"], name="operation_user"),
            models.Index(fields=["user", "coin", "created_at", "id"], name="operation_user_coin"),
            models.Index(fields=["updated_at", "id"], condition=Q(status="unconfirmed"), name="operation_unconfirmed"),
            models.Index(fields=["confirm_digest"], condition=~Q(confirm_digest=""), name="operation_confirm"),
            models.Index(fields=["user", "updated_at", "id"], name="operation_changed"),
            models.Index(fields=["payment_hash"], condition=~Q(payment_hash=""), name="operation_payment_hash"),
        ]

    known_number: int | None = None  # of its account, where whoever made this object knew it

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def number(self) -> int:
        """Which of its owner's accounts it changed: 0 for the main one, or a purse's."""
        return self.account.number if self.known_number is None else self.known_number

    @property
    def net(self) -> int:
        """What the recipient gets, atomic units."""
        return self.gross - self.fee

    @property
    def is_final(self) -> bool:
        return self.status in (self.Status.DONE, self.Status.FAILED, self.Status.CANCELLED)

    @property
    def confirmed(self) -> bool:
        """Whether every confirmation it needs was given."""
        return (self.user_confirm or not self.needs_user_confirm) and (
            self.admin_confirm or not self.needs_admin_confirm
        )


class Approval(models.Model):
    """What a manager said of one version of an operation. A later version starts without any."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", "approved"
        REJECTED = "rejected", "rejected"
        CANCELLED = "cancelled", "cancelled"
        RETRIED = "retried", "tried again"

    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="approvals")
    version = models.PositiveIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals")
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["operation", "version", "person", "verdict"], name="approval_once")
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.operation_id}"


class Address(models.Model):
    """A deposit address: in the pool while nobody's, then one account's for ever. Old ones still credit."""

    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="addresses")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="addresses")
    number = models.PositiveBigIntegerField()
    address = models.CharField(max_length=2000)
    extra = models.CharField(max_length=200, blank=True)
    ref = models.CharField(max_length=200, blank=True)
    label = models.CharField(max_length=60, blank=True)
    customer_ref = models.CharField(max_length=100, blank=True)  # its owner's own name for what it is for
    amount = AmountField(null=True)
    expires_at = models.DateTimeField(null=True)
    request_key = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    assigned_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["coin", "address", "extra"], name="address_once"),
            models.UniqueConstraint(fields=["wallet", "number"], name="address_number"),
            models.UniqueConstraint(fields=["wallet", "ref"], condition=~Q(ref=""), name="address_ref"),
            models.UniqueConstraint(
                fields=["account", "request_key"], condition=~Q(request_key=""), name="address_request_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["wallet", "id"], condition=Q(account=None), name="address_pool"),
            models.Index(fields=["account", "-assigned_at"], name="address_account"),
            models.Index(fields=["wallet", "expires_at"], condition=~Q(amount=None), name="address_expiry"),
        ]

    def __str__(self) -> str:
        return self.address


class Contact(models.Model):
    """Somebody its owner pays: a member, or an address of one coin. An address counts once the link in a mail was
    followed. It is never edited, only replaced."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contacts")
    label = models.CharField(max_length=60)
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    coin = models.ForeignKey(Coin, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    address = models.CharField(max_length=1000, blank=True)
    extra = models.CharField(max_length=200, blank=True)
    confirmed_at = models.DateTimeField(null=True)
    confirm_expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["label", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "label"], name="contact_label"),
            models.UniqueConstraint(fields=["user", "member"], name="contact_member"),
            models.UniqueConstraint(
                fields=["user", "coin", "address", "extra"], condition=Q(member=None), name="contact_address"
            ),
            models.CheckConstraint(
                condition=Q(member__isnull=False, coin=None, address="")
                | Q(member=None, coin__isnull=False) & ~Q(address=""),
                name="contact_member_or_address",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class Invoice(models.Model):
    """An address that asks for one amount, is paid once and expires. Whoever sets `paid_at` first has paid it: a member
    of this site (`inside`), or the network."""

    address = models.OneToOneField(Address, on_delete=models.PROTECT, related_name="invoice")
    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invoices")
    payment_hash = models.CharField(max_length=64)
    memo = models.CharField(max_length=640, blank=True)
    description_hash = models.CharField(max_length=64, blank=True)
    sealed_preimage = models.CharField(max_length=255, blank=True)  # encrypted: worth the money until it is paid
    inside = models.BooleanField(default=False)
    operation = models.OneToOneField(Operation, on_delete=models.PROTECT, null=True, related_name="invoice")
    created_at = models.DateTimeField(auto_now_add=True)
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["coin", "payment_hash"], name="invoice_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "-id"], name="invoice_account")]

    def __str__(self) -> str:
        return self.payment_hash

    @property
    def bolt11(self) -> str:
        return self.address.address

    @property
    def preimage(self) -> str:
        """In hex, once this invoice is settled; empty before, and where no node revealed it."""
        settled = self.operation is not None and self.operation.status == Operation.Status.DONE
        return crypto.decrypt(self.sealed_preimage) if settled and self.sealed_preimage else ""

    @property
    def amount(self) -> int:
        assert self.address.amount is not None
        return self.address.amount

    @property
    def expires_at(self) -> datetime:
        assert self.address.expires_at is not None
        return self.address.expires_at

    @property
    def expired(self) -> bool:
        return self.expires_at <= now()

    @property
    def status(self) -> Literal["open", "paid", "expired"]:
        return "paid" if self.paid_at else "expired" if self.expired else "open"
