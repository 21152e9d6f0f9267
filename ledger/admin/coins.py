from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from accounts.audit import client_ip
from accounts.models import User
from ledger import queries
from ledger.admin.amounts import AmountsForm
from ledger.admin.readonly import amount_text
from ledger.models import Account, Coin, FeeRule, Kind, Limit
from ledger.services import hot_cap, site_settings
from ledger.services.states import current_state


class CoinForm(AmountsForm):
    amounts: ClassVar[tuple[str, ...]] = ("min_deposit", "solvency_margin", "hot_cap")

    class Meta:
        model = Coin
        fields = "__all__"


class FeeForm(AmountsForm):
    amounts: ClassVar[tuple[str, ...]] = ("fixed",)

    class Meta:
        model = FeeRule
        fields = ("purpose", "ppm")


class LimitForm(AmountsForm):
    amounts: ClassVar[tuple[str, ...]] = ("minimum", "maximum", "daily", "approve_above")

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
    fields = ("purpose", "minimum", "maximum", "daily", "approve_above")
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
        ("Withdrawals", {"fields": ("withdrawals_on", "tries_max", "explorer_tx", "solvency_margin", "hot_cap")}),
        ("WordPress API", {"fields": ("pattern", "is_fiat", "is_crypto", "icon_url", "explorer_address",
                                      "extra_label")}),
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Coin | None = None) -> tuple[str, ...]:
        """Decimals and symbol are fixed once the coin has accounts."""
        return ("symbol", "decimals") if obj and Account.objects.filter(coin=obj).exists() else ()

    def save_model(self, request: HttpRequest, obj: Coin, form: Any, change: bool) -> None:
        before = Coin.objects.filter(pk=obj.pk).first() or Coin()
        super().save_model(request, obj, form, change)
        self._audit(request, f"coin {obj}", site_settings.changes_of(before, obj))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for each in formset.forms:
            if each.has_changed() and not each.cleaned_data.get("DELETE"):
                changes = {name: [str(each.initial.get(name)), str(each.data.get(each.add_prefix(name)))]
                           for name in each.changed_data}  # fmt: skip
                self._audit(request, str(each.instance), changes)
        for gone in formset.deleted_objects:
            self._audit(request, str(gone), {"removed": ["yes"]})

    def _audit(self, request: HttpRequest, what: str, changes: dict[str, Any]) -> None:
        assert isinstance(request.user, User)
        site_settings.record_change(user=request.user, what=what, changes=changes, where=client_ip(request))

    def has_delete_permission(self, request: HttpRequest, obj: Coin | None = None) -> bool:
        return obj is not None and not obj.accounts.exists() and super().has_delete_permission(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        question = "Which coins people can hold, whether each works now, and what is owed and held."
        full = [found for coin in Coin.objects.exclude(hot_cap=None) if (found := hot_cap.proposal(coin))]
        question = " ".join([question, *(f"{found.coin.symbol}: {found.words}" for found in full)])
        return super().changelist_view(request, {**(extra_context or {}), "question": question})

    @admin.display(description="now")
    def state(self, coin: Coin) -> str:
        return current_state(coin).reason or "works"

    @admin.display(description="people hold")
    def people_hold(self, coin: Coin) -> str:
        totals = queries.totals(coin)
        return amount_text(totals[Kind.USER] + totals[Kind.HELD], coin)

    @admin.display(description="hot wallet, by the books")
    def hot_wallet(self, coin: Coin) -> str:
        return amount_text(-queries.totals(coin)[Kind.HOT], coin)
