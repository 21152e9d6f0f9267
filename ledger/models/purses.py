from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.models.books import Account
from ledger.models.people import Invoice
from wallets_site.base.ids import new_key


class Purse(models.Model):
    """An account of its own, beside its owner's main one, that programs open with keys: LNbits calls it a wallet.

    Its keys are derived (accounts/keys.py), subject `ident`. A closed one keeps its account: it may be opened again.
    """

    ident = models.CharField(max_length=32, unique=True, default=new_key, editable=False)
    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="purse")
    name = models.CharField(_("name"), max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["closed_at", "id"], name="purse_open")]

    def __str__(self) -> str:
        return self.name


class InvoiceNote(models.Model):
    """What a program attached to an invoice it asked for: whom to tell of the payment, and its own words."""

    invoice = models.OneToOneField(Invoice, on_delete=models.PROTECT, related_name="attached")
    webhook = models.CharField(max_length=2000, blank=True)
    tag = models.CharField(max_length=60, blank=True)
    external_id = models.CharField(max_length=256, blank=True)
    extra = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"note on {self.invoice_id}"
