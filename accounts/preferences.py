"""How a person likes their pages: currency, language, time zone, theme, hidden balances."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from accounts.models import Theme, User


@contextmanager
def as_read_by(user: User) -> Iterator[None]:
    """Whatever is written inside is in this person's language and time zone; the site's where they chose none."""
    with translation.override(user.language or settings.LANGUAGE_CODE), timezone.override(zone_of(user)):
        yield


def zone_of(user: User) -> zoneinfo.ZoneInfo | None:
    """None, which is the site's, where none was chosen, or one that this machine no longer knows."""
    try:
        return zoneinfo.ZoneInfo(user.time_zone) if user.time_zone else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None


def zones() -> list[str]:
    """Names of time zones as people know them: REGION/CITY."""
    regions = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    known = zoneinfo.available_timezones()
    return ["UTC", *sorted(name for name in known if name.split("/")[0] in regions)]


class PreferencesForm(forms.Form):
    currency = forms.ChoiceField(label=_("Show values in"))
    language = forms.ChoiceField(label=_("Language"), required=False)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    theme = forms.ChoiceField(label=_("Theme"), required=False, choices=Theme.choices)
    hide_balances = forms.BooleanField(
        label=_("Hide balances"), required=False, help_text=_("Dots stand in their place until you show them again.")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        initial = {name: getattr(user, name) for name in self.base_fields}
        initial["currency"] = user.currency or settings.WALLETS_CURRENCIES[0]
        super().__init__(*args, **{**kwargs, "initial": initial})
        self._offer("currency", [(each, each) for each in settings.WALLETS_CURRENCIES])
        self._offer("language", [("", _("as the browser asks")), *settings.LANGUAGES])
        self._offer("time_zone", [("", settings.TIME_ZONE), *((name, name.replace("_", " ")) for name in zones())])

    def _offer(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


def keep(*, user: User, values: dict[str, Any]) -> None:
    """Values as PreferencesForm cleaned them."""
    for name in PreferencesForm.base_fields:
        setattr(user, name, values[name])
    user.save(update_fields=list(PreferencesForm.base_fields))


def toggle_balances(*, user: User) -> bool:
    """Hide them, or show them again; whether they are hidden now."""
    user.hide_balances = not user.hide_balances
    user.save(update_fields=["hide_balances"])
    return user.hide_balances
