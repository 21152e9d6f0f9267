from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from ledger import queries
from ledger.admin.amounts import AmountsForm
from ledger.admin.readonly import amount_text
from ledger.models import Account, Coin, CoinWallet, FeeRule, Kind, Limit
from ledger.services.states import state_of


class CoinForm(AmountsForm):
    amounts: ClassVar[tuple[str, ...]] = ("min_deposit", "solvency_margin")

    class Meta:
        model = Coin
        fields = "__all__"


class FeeForm(AmountsForm):
    amounts: ClassVar[tuple[str, ...]] = ("fixed",)

    class Meta:
        model = FeeRule
        fields = ("purpose", "ppm")


class LimitForm(AmountsForm):
    amounts: ClassVar[tuple[str, ...]] = ("minimum", "maximum", "daily")

    class Meta:
        model = Limit
        fields = ("purpose",)


class Fees(admin.TabularInline):  # type: ignore[type-arg]
    model = FeeRule
    form = FeeForm
    fields = ("purpose", "fixed", "ppm")
    extra = 0
    max_num = 2


class Limits(admin.TabularInline):  # type: ignore[type-arg]
    model = Limit
    form = LimitForm
    fields = ("purpose", "minimum", "maximum", "daily")
    extra = 0
    max_num = 2


@admin.register(Coin)
class CoinAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = CoinForm
    inlines = (Fees, Limits)
    list_display = ("symbol", "name", "is_active", "state", "people_hold", "hot_wallet")
    fieldsets = (
        (None, {"fields": ("symbol", "name", "decimals", "position", "is_active", "notice")}),
        ("Deposits", {"fields": ("deposits_on", "confirmations", "watch_confirmations", "min_deposit",
                                 "addresses_max", "pool_size")}),
        ("Withdrawals", {"fields": ("withdrawals_on", "tries_max", "explorer_tx", "solvency_margin")}),
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Coin | None = None) -> tuple[str, ...]:
        """Decimals and symbol are fixed once the coin has accounts."""
        return ("symbol", "decimals") if obj and Account.objects.filter(coin=obj).exists() else ()

    def has_delete_permission(self, request: HttpRequest, obj: Coin | None = None) -> bool:
        return obj is not None and not obj.accounts.exists() and super().has_delete_permission(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        question = "Which coins people can hold, whether each works now, and what is owed and held."
        return super().changelist_view(request, {**(extra_context or {}), "question": question})

    @admin.display(description="now")
    def state(self, coin: Coin) -> str:
        use = CoinWallet.objects.select_related("wallet").filter(coin=coin, is_active=True).first()
        return state_of(coin, use).reason or "works"

    @admin.display(description="people hold")
    def people_hold(self, coin: Coin) -> str:
        totals = queries.totals(coin)
        return amount_text(totals[Kind.USER] + totals[Kind.HELD], coin)

    @admin.display(description="hot wallet, by the books")
    def hot_wallet(self, coin: Coin) -> str:
        return amount_text(-queries.totals(coin)[Kind.HOT], coin)
