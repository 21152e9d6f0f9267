from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.audit import client_ip
from accounts.models import User
from ledger import queries
from ledger.admin.amounts import AmountsForm
from ledger.admin.readonly import amount_text
from ledger.models import Account, Coin, FeeRule, Kind, Limit, LimitChange, Purpose
from ledger.services import hot_cap, limit_changes, site_settings
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
        if formset.model is Limit:
            self._save_limits(request, form.instance, formset)
            return
        super().save_formset(request, form, formset, change)
        for each in formset.forms:
            if each.has_changed() and not each.cleaned_data.get("DELETE"):
                changes = {name: [str(each.initial.get(name)), str(each.data.get(each.add_prefix(name)))]
                           for name in each.changed_data}  # fmt: skip
                self._audit(request, str(each.instance), changes)
        for gone in formset.deleted_objects:
            self._audit(request, str(gone), {"removed": ["yes"]})

    def _save_limits(self, request: HttpRequest, coin: Coin, formset: Any) -> None:
        """What allows less counts now; what allows more waits, and its form does not write it."""
        assert isinstance(request.user, User)
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        wanted: dict[Purpose, limit_changes.Bounds] = {}
        for each in formset.forms:
            if not each.has_changed():
                continue
            if before := each.initial.get("purpose"):
                wanted.setdefault(Purpose(before), {})
            if not each.cleaned_data.get("DELETE"):
                wanted[Purpose(each.cleaned_data["purpose"])] = {
                    name: each.cleaned_data[name] for name in limit_changes.FIELDS
                }
        for purpose, bounds in wanted.items():
            waits = limit_changes.change(
                user=request.user, coin=coin, purpose=purpose, bounds=bounds, where=client_ip(request)
            )
            if waits is not None:
                self._tell(request, waits)

    def _tell(self, request: HttpRequest, waits: LimitChange) -> None:
        page = reverse("admin:ledger_limitchange_changelist")
        text = format_html(
            '{} allows more only after {} UTC{}: <a href="{}">limits that shall allow more</a>.', waits,
            f"{waits.effective_at:%Y-%m-%d %H:%M}", "" if waits.alone else ", and when somebody else agreed", page,
        )  # fmt: skip
        messages.warning(request, text)

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
