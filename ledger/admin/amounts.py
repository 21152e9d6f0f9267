"""Amounts in admin forms: typed and shown in coin units, kept as atomic units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.db import models

from ledger import money
from ledger.models import Coin
from wallets_site.base.errors import InvalidAmount

if TYPE_CHECKING:
    _Form = forms.ModelForm[models.Model]
else:
    _Form = forms.ModelForm


class AmountsForm(_Form):
    """A model form whose `amounts` are decimal texts; an empty one is None where the model allows it, else 0."""

    amounts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        coin = self.coin()
        for name in self.amounts:
            value = getattr(self.instance, name)
            text = money.plain(value, coin.decimals) if value is not None and coin else ""
            self.fields[name] = forms.CharField(
                required=False, initial=text, max_length=90, help_text="In coin units, for example 0.5.",
                label=name.replace("_", " ").capitalize(),
            )  # fmt: skip
            self.initial[name] = text

    def coin(self) -> Coin | None:
        """The coin whose decimals count, where it is known yet."""
        if isinstance(self.instance, Coin):
            return self.instance if self.instance.pk else None
        held: Coin | None = getattr(self.instance, "coin", None) if getattr(self.instance, "coin_id", None) else None
        return held

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        coin = self.coin()
        decimals = coin.decimals if coin else values.get("decimals")
        for name in self.amounts:
            text = values.get(name) or ""
            nullable = self.instance._meta.get_field(name).null
            if not text or decimals is None:
                values[name] = None if nullable else 0
                continue
            try:
                values[name] = money.parse(text, decimals)
            except InvalidAmount as error:
                self.add_error(name, error.message)
                values.pop(name, None)
        return values
