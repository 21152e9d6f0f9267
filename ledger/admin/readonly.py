from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _

from adapters.base import FINAL_CONFIRMATIONS
from ledger import money
from ledger.models import Coin

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[models.Model]
else:
    _Admin = admin.ModelAdmin


class ReadOnlyAdmin(_Admin):
    """To be seen, never to be changed. `question` is answered at the top of the list."""

    question: str = ""
    actions: Any = None
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), "question": self.answer(request)})

    def answer(self, request: HttpRequest) -> str:
        """A sentence for the top of the list."""
        return self.question


def confirmations_text(count: int) -> str:
    return _("final") if count >= FINAL_CONFIRMATIONS else str(count)


def amount_text(amount: int, coin: Coin) -> str:
    return f"{money.plain(amount, coin.decimals)} {coin.symbol}"
