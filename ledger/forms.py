from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from adapters.base import ExtraWords
from ledger import money
from ledger.models import Coin, Operation
from wallets_site.base.errors import WalletError


class AmountInput(forms.TextInput):
    """Plain text, not type=number: browsers round numbers and accept exponents."""

    def __init__(self) -> None:
        super().__init__(attrs={"inputmode": "decimal", "autocomplete": "off", "spellcheck": "false"})


class CoinAmountField(forms.CharField):
    """Text in coin units; cleans to int atomic units, or None when it may stay empty and does."""

    widget = AmountInput

    def __init__(self, coin: Coin, **options: Any) -> None:
        super().__init__(error_messages={"required": "Enter an amount."}, **options)
        self.coin = coin

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return money.parse_positive(text, self.coin.decimals)
        except WalletError as error:
            raise ValidationError(error.message) from error


class SendForm(forms.Form):
    """`everything` is the Max button: then the amount may be anything."""

    to = forms.CharField(
        label="To",
        max_length=2010,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": "Enter a user name, an e-mail address or a coin address."},
    )
    comment = forms.CharField(
        label="Note",
        max_length=500,
        required=False,
        help_text="You see it in your activity; a member you pay does too.",
    )

    def __init__(
        self, *args: Any, coin: Coin, everything: bool = False, extra: ExtraWords | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if extra is not None:
            plain = forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"})
            self.fields["extra"] = forms.CharField(
                label=extra.name, help_text=extra.help, max_length=200, required=False, widget=plain
            )
        self.fields["to"].help_text = f"A member’s user name or e-mail, or a {coin.name} address."
        amount = forms.CharField if everything else CoinAmountField
        more = {"widget": AmountInput} if everything else {"coin": coin}
        self.fields["amount"] = amount(label=f"Amount in {coin.symbol}", required=not everything, **more)
        self.fields["amount"].help_text = "Or press Max to send all that is available, less the fee."
        self.order_fields(["to", "extra", "amount", "comment"])


class RequestedAmountForm(forms.Form):
    """The optional amount in a payment link."""

    def __init__(self, *args: Any, coin: Coin, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = CoinAmountField(coin, label=f"Amount in {coin.symbol}", required=False)


class LabelForm(forms.Form):
    label = forms.CharField(max_length=60, required=False)


def _choices(first: str, choices: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [("", first), *((value, label[:1].upper() + label[1:]) for value, label in choices)]


class ActivityFilters(forms.Form):
    """Filters live in the URL; whatever it says that we do not know counts as no filter."""

    coin = forms.ChoiceField(required=False)
    kind = forms.ChoiceField(required=False, choices=_choices("All kinds", Operation.Kind.choices))
    status = forms.ChoiceField(label="State", required=False, choices=_choices("Any state", Operation.Status.choices))

    def __init__(self, *args: Any, coins: list[Coin], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "All coins"), *((coin.symbol, f"{coin.name} ({coin.symbol})") for coin in coins)]
        self.fields["coin"] = forms.ChoiceField(required=False, choices=choices)
        self.order_fields(["coin", "kind", "status"])
        self.full_clean()

    def value(self, name: str) -> str:
        return str(self.cleaned_data.get(name, ""))

    @property
    def chosen(self) -> dict[str, str]:
        return {name: self.value(name) for name in self.fields if self.value(name)}
