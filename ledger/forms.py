from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from adapters.base import ExtraWords
from ledger import money
from ledger.fields import MAX_AMOUNT
from ledger.models import Coin, Operation
from ledger.queries import Wanted
from ledger.services import rates
from wallets_site.base.errors import InvalidAmount, WalletError

COIN, CURRENCY = "coin", "currency"  # what an amount is typed in
SATOSHI, MILLISATOSHI = 8, 11  # decimals of one bitcoin


class AmountInput(forms.TextInput):
    """Plain text, not type=number: browsers round numbers and accept exponents."""

    def __init__(self) -> None:
        super().__init__(attrs={"inputmode": "decimal", "autocomplete": "off", "spellcheck": "false"})


class DateInput(forms.DateInput):
    """The browser's own calendar; its value is ISO whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class MomentInput(forms.DateTimeInput):
    """The browser's own calendar and clock; its value is ISO whatever the language, in the reader's time zone."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class FigureField(forms.CharField):
    """Text in units of so many decimals; cleans to int atomic units, or None when it may stay empty and does."""

    def __init__(self, decimals: int, *, most: int = MAX_AMOUNT, **options: Any) -> None:
        super().__init__(error_messages={"required": _("Enter an amount.")}, **options)
        self.decimals, self.most = decimals, most

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            amount = money.parse_positive(text, self.decimals)
        except WalletError as error:
            raise ValidationError(error.message) from error
        if amount > self.most:
            raise ValidationError(_("The amount is too large."))
        return amount


class CoinAmountField(FigureField):
    """Text in coin units."""

    widget = AmountInput

    def __init__(self, coin: Coin, **options: Any) -> None:
        super().__init__(coin.decimals, **options)
        self.coin = coin


class WorthField(CoinAmountField):
    """Text in a currency; cleans to the atomic units of the coin that are worth it now."""

    def __init__(self, coin: Coin, price: int, **options: Any) -> None:
        super().__init__(coin, **options)
        self.price = price

    def clean(self, value: Any) -> Any:
        text = forms.CharField.clean(self, value)
        try:
            return worth_to_amount(text, self.coin, self.price) if text else None
        except WalletError as error:
            raise ValidationError(error.message) from error


def worth_to_amount(text: str, coin: Coin, price: int) -> int:
    """Atomic units for "12.50" of a currency. price: as rates.Worth has it. Raises InvalidAmount."""
    amount = rates.amount_of(money.parse_positive(text, 2), coin.decimals, price)
    if not amount:
        raise InvalidAmount(gettext("This is worth less than the smallest part of the coin."))
    return amount


class SendForm(forms.Form):
    """`everything` is the Max button: then the amount may be anything. worth: what one coin is worth in `currency`;
    with it the amount may be typed in either."""

    to = forms.CharField(
        label=_("To"),
        max_length=2010,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "list": "labels"}
        ),
        error_messages={"required": _("Enter a user name, an e-mail address or a coin address.")},
    )
    comment = forms.CharField(
        label=_("Note"),
        max_length=500,
        required=False,
        help_text=_("You see it in your activity; a member you pay does too."),
    )

    def __init__(
        self, *args: Any, coin: Coin, everything: bool = False, extra: ExtraWords | None = None,
        invoices: bool = False, worth: rates.Worth | None = None, currency: str = "", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        if worth is not None:
            units = [(COIN, coin.symbol), (CURRENCY, currency)]
            self.fields["unit"] = forms.ChoiceField(label=_("Amount is in"), choices=units, required=False)
        if extra is not None:
            plain = forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"})
            self.fields["extra"] = forms.CharField(
                label=extra.name, help_text=extra.help, max_length=200, required=False, widget=plain
            )
        self.fields["to"].help_text = _("A member’s user name or e-mail, or a %(coin)s address or payment link.") % {
            "coin": coin.name
        }
        said: dict[str, Any] = {"label": _("Amount"), "required": not (everything or invoices)}
        if worth is None:
            said["label"] = _("Amount in %(symbol)s") % {"symbol": coin.symbol}
        if everything:
            self.fields["amount"] = forms.CharField(widget=AmountInput, **said)
        elif worth is not None and self.data.get("unit") == CURRENCY:
            self.fields["amount"] = WorthField(coin, worth.price, **said)
        else:
            self.fields["amount"] = CoinAmountField(coin, **said)
        self.fields["amount"].help_text = _("Or press Max to send all that is available, less the fee.")
        if invoices:
            self.fields["to"].help_text = _("An invoice, or a member’s user name or e-mail.")
            self.fields["amount"].help_text = _("An invoice names its amount itself: then leave this empty.")
        self.order_fields(["to", "extra", "amount", "unit", "comment"])


class RequestedAmountForm(forms.Form):
    """The optional amount in a payment link."""

    def __init__(self, *args: Any, coin: Coin, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = CoinAmountField(
            coin, label=_("Amount in %(symbol)s") % {"symbol": coin.symbol}, required=False
        )


class PurseForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("For you and your programs: “web shop”, “tip jar”.")
    )


class SatsForm(forms.Form):
    """Whole satoshi: what people who use Lightning count in."""

    sats = FigureField(0, most=2_100_000_000_000_000, label=_("Sats"), widget=forms.TextInput({"inputmode": "numeric"}))


class InvoiceForm(forms.Form):
    """What an invoice asks for, and for how long it can be paid."""

    memo = forms.CharField(
        label=_("What it is for"),
        max_length=639,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("The payer reads it in the invoice."),
    )
    lifetime = forms.ChoiceField(
        label=_("Can be paid for"),
        initial="3600",
        choices=[("600", _("10 minutes")), ("3600", _("an hour")), ("86400", _("a day")), ("604800", _("a week"))],
    )

    def __init__(self, *args: Any, coin: Coin, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = CoinAmountField(coin, label=_("Amount in %(symbol)s") % {"symbol": coin.symbol})
        if coin.decimals >= MILLISATOSHI:
            one = money.plain(10 ** (coin.decimals - SATOSHI), coin.decimals)
            self.fields["amount"].help_text = _("One satoshi is %(one)s %(symbol)s.") % {
                "one": one, "symbol": coin.symbol
            }  # fmt: skip
        self.order_fields(["amount", "memo", "lifetime"])


class LabelForm(forms.Form):
    label = forms.CharField(max_length=60, required=False)


def _choices(first: Any, choices: list[Any]) -> list[Any]:
    return [("", first), *((value, str(label)[:1].upper() + str(label)[1:]) for value, label in choices)]


class ActivityFilters(forms.Form):
    """Filters live in the URL; whatever it says that we do not know counts as no filter."""

    coin = forms.ChoiceField(required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    status = forms.ChoiceField(label=_("State"), required=False)
    since = forms.DateField(label=_("From"), required=False, widget=DateInput())
    until = forms.DateField(label=_("To"), required=False, widget=DateInput())
    text = forms.CharField(
        label=_("Search"), required=False, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, coins: list[Coin], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._coins = {coin.symbol: coin for coin in coins}
        choices = [("", _("All coins")), *((coin.symbol, f"{coin.name} ({coin.symbol})") for coin in coins)]
        self.fields["coin"] = forms.ChoiceField(label=_("Coin"), required=False, choices=choices)
        self._offer("kind", _("All kinds"), Operation.Kind.choices)
        self._offer("status", _("Any state"), Operation.Status.choices)
        self.order_fields(["coin", "kind", "status", "since", "until", "text"])
        self.full_clean()

    def _offer(self, name: str, first: Any, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = _choices(first, choices)

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\0", "")

    def value(self, name: str) -> str:
        found = self.cleaned_data.get(name)
        return found.isoformat() if isinstance(found, date) else str(found or "")

    @property
    def chosen(self) -> dict[str, str]:
        return {name: self.value(name) for name in self.fields if self.value(name)}

    @property
    def chips(self) -> list[tuple[str, str]]:
        """(words of a filter, the address's query without it)."""
        return [(self._words(name), urlencode({**self.chosen, name: ""})) for name in self.chosen]

    def _words(self, name: str) -> str:
        field = self.fields[name]
        value = self.value(name)
        if isinstance(field, forms.ChoiceField):
            return str(dict(field.choices).get(value, value))  # type: ignore[arg-type]
        return f"{field.label}: {date_format(self.cleaned_data[name]) if isinstance(field, forms.DateField) else value}"

    @property
    def wanted(self) -> Wanted:
        """In the reader's time zone; a day means all of it."""
        said = self.cleaned_data
        return Wanted(
            self._coins.get(self.value("coin")), self.value("kind"), self.value("status"),
            _midnight(said.get("since")), _midnight(said.get("until"), days=1), self.value("text"),
        )  # fmt: skip


def _midnight(day: date | None, days: int = 0) -> datetime | None:
    if day is None or not 1970 <= day.year <= 9000:
        return None
    return timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min))


class ContactForm(forms.Form):
    """coin: a coin's symbol for an outside address, empty for a member."""

    label = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("What you call them. Nobody else sees it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}), error_messages={"required": _("Give a name.")},
    )  # fmt: skip
    coin = forms.ChoiceField(label=_("Kind"), required=False)
    to = forms.CharField(
        label=_("User name, e-mail or address"), max_length=1000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": _("Enter whom you pay.")},
    )  # fmt: skip
    extra = forms.CharField(label=_("Payment id or tag"), max_length=200, required=False)

    def __init__(self, *args: Any, coins: list[Coin], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._coins = {coin.symbol: coin for coin in coins}
        field = self.fields["coin"]
        assert isinstance(field, forms.ChoiceField)
        addresses = [(coin.symbol, _("an address of %(coin)s") % {"coin": coin.name}) for coin in coins]
        field.choices = [("", _("a member of this site")), *addresses]

    @property
    def chosen_coin(self) -> Coin | None:
        return self._coins.get(self.cleaned_data["coin"])
