from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest

from ledger import money
from ledger.models import Rate
from ledger.services import rates
from wallets_site.base.errors import InvalidAmount

if TYPE_CHECKING:
    _Form = forms.ModelForm[Rate]
else:
    _Form = forms.ModelForm


class RateForm(_Form):
    worth = forms.CharField(max_length=40, help_text="What one coin is worth, for example 64.25.")

    class Meta:
        model = Rate
        fields = ("coin", "currency")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "currency" in self.fields:
            self.fields["currency"] = forms.ChoiceField(choices=[(each, each) for each in settings.WALLETS_CURRENCIES])
        if self.instance.pk:
            self.initial["worth"] = money.plain(self.instance.price, rates.DECIMALS)

    def clean_worth(self) -> int:
        try:
            return rates.parse_price(self.cleaned_data["worth"])
        except InvalidAmount as error:
            raise forms.ValidationError(error.message) from error


@admin.register(Rate)
class RateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rates that staff enter; a configured source writes over them at its next answer."""

    form = RateForm
    list_display = ("coin", "currency", "worth", "source", "at")
    list_filter = ("currency", "coin")
    list_select_related = ("coin",)

    @admin.display(description="one coin is worth")
    def worth(self, rate: Rate) -> str:
        return f"{money.plain(rate.price, rates.DECIMALS)} {rate.currency}"

    def get_readonly_fields(self, request: HttpRequest, obj: Rate | None = None) -> tuple[str, ...]:
        return ("coin", "currency") if obj else ()

    def save_model(self, request: HttpRequest, obj: Rate, form: Any, change: bool) -> None:
        row = rates.set_rate(coin=obj.coin, currency=obj.currency, price=form.cleaned_data["worth"])
        obj.pk = row.pk
