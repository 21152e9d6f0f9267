from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.models.books import Account
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
