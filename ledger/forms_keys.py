from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.api_keys import PHRASES
from ledger.forms import CoinAmountField, MomentInput
from ledger.models import Coin
from ledger.services import inbox

TERMS = [("0", _("never")), ("30", _("after 30 days")), ("90", _("after 90 days")), ("365", _("after a year"))]


def _upper(phrase: str) -> str:
    words = gettext(phrase)
    return words[:1].upper() + words[1:]


def typed(form: forms.Form) -> str:
    """What was typed, as a query string: nothing of it is secret."""
    kept = form.data.copy() if isinstance(form.data, QueryDict) else QueryDict(mutable=True)
    for name in set(kept) - set(form.fields):
        del kept[name]
    return kept.urlencode()


class ApiKeyForm(forms.Form):
    """One optional bound a day for each coin; caps: those that were given, atomic units."""

    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("What you call the program. Nobody else sees it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}), error_messages={"required": _("Give a name.")},
    )  # fmt: skip
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), widget=forms.CheckboxSelectMultiple,
        choices=lambda: [(scope.value, f"{_upper(phrase)} ({scope.value})") for scope, phrase in PHRASES.items()],
        error_messages={"required": _("Choose at least one.")},
    )  # fmt: skip
    days = forms.TypedChoiceField(label=_("It expires"), choices=TERMS, coerce=int, initial="90")
    addresses = forms.CharField(
        label=_("It comes only from"), required=False, max_length=1000, widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        help_text=_("IP addresses or networks such as 192.0.2.0/24, separated by spaces. Empty: from anywhere."),
    )  # fmt: skip

    def __init__(self, *args: Any, coins: list[Coin], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._coins = coins
        for coin in coins:
            self.fields[self._name(coin)] = CoinAmountField(
                coin, label=_("%(coin)s it may spend in 24 hours") % {"coin": coin.name}, required=False,
                help_text=_("Fees included. Empty: no bound but your own."),
            )  # fmt: skip

    @staticmethod
    def _name(coin: Coin) -> str:
        return f"cap_{coin.symbol}"

    @property
    def caps(self) -> dict[Coin, int]:
        found = {coin: self.cleaned_data[self._name(coin)] for coin in self._coins}
        return {coin: daily for coin, daily in found.items() if daily}

    def clean_addresses(self) -> list[str]:
        return str(self.cleaned_data["addresses"]).replace(",", " ").split()

    def typed(self) -> str:
        return typed(self)

    @staticmethod
    def typed_before(query: QueryDict) -> dict[str, Any]:
        found: dict[str, Any] = {name: query[name] for name in query if name != "scopes"}
        return {**found, "scopes": query.getlist("scopes") or ["read"]}


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address"), max_length=2000, error_messages={"required": _("Enter the address of your program.")},
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false",
                                      "autocapitalize": "none"}),
        help_text=_("https://… on the public internet."),
    )  # fmt: skip
    label = forms.CharField(
        label=_("Name"), max_length=60, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    names = forms.MultipleChoiceField(
        label=_("What it hears of"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Nothing chosen: of everything."),
    )  # fmt: skip

    def __init__(self, *args: Any, names: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["names"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(name, f"{inbox.words(name)} ({name})") for name in names]

    def typed(self) -> str:
        return typed(self)

    @staticmethod
    def typed_before(query: QueryDict) -> dict[str, Any]:
        return {"url": query.get("url", ""), "label": query.get("label", ""), "names": query.getlist("names")}


class ResendForm(forms.Form):
    """Which messages of a webhook are pushed again: those of a subject, or of a time, or both."""

    subject = forms.CharField(
        label=_("Of this subject"), max_length=60, required=False, widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        help_text=_("As it stands beside the messages, for example operation:12."),
    )  # fmt: skip
    since = forms.DateTimeField(label=_("From"), required=False, widget=MomentInput())
    until = forms.DateTimeField(label=_("Until"), required=False, widget=MomentInput())

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        since, until = found.get("since"), found.get("until")
        if not self.errors and not found.get("subject") and since is None:
            self.add_error("since", _("Say of which subject, or since when."))
        if since and until and until <= since:
            self.add_error("until", _("This is before the beginning."))
        return found
