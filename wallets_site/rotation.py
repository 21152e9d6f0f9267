"""New keys in the place of old ones: what is encrypted at rest is encrypted anew with the first field key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db.models import Model

from accounts import keys
from accounts.models import DerivedKey
from wallets_site.base import crypto

# Every column that holds what crypto.encrypt() made; tests/site/test_rotation.py looks for others.
COLUMNS: Final = (
    ("adapters.Wallet", "options"),
    ("ledger.Webhook", "secret"),
    ("ledger.Webhook", "previous_secret"),
    ("ledger.Invoice", "sealed_preimage"),
)
# In the JSON of a second step.
FACTOR_PARTS: Final = ("secret", "seed")
SAID_EVERY: Final = 500


@dataclass(frozen=True, slots=True)
class Step:
    """renewed of seen so far, in one column."""

    place: str
    seen: int
    renewed: int
    is_last: bool = False


def renew_all() -> Iterator[Step]:
    """Says how far it has come. May be stopped and begun again at any moment: what is new already is passed over.

    Raises ImproperlyConfigured where no key opens something.
    """
    for label, column in COLUMNS:
        rows = apps.get_model(label)._default_manager.exclude(**{column: ""})
        yield from _each(f"{label}.{column}", rows, partial(_renew_column, column=column))
    yield from _each("mfa.Authenticator.data", Authenticator.objects.all(), _renew_factor)


def _each(place: str, rows: Any, renew: Callable[[Any], bool]) -> Iterator[Step]:
    seen = renewed = 0
    for row in rows.order_by("pk").iterator(chunk_size=SAID_EVERY):
        seen += 1
        renewed += renew(row)
        if seen % SAID_EVERY == 0:
            yield Step(place, seen, renewed)
    yield Step(place, seen, renewed, is_last=True)


def _renew_column(row: Model, column: str) -> bool:
    """Unless somebody changed it meanwhile: what they wrote is new anyhow."""
    old = str(getattr(row, column))
    new = crypto.renewed(old)
    if new is None:
        return False
    return bool(type(row)._default_manager.filter(pk=row.pk, **{column: old}).update(**{column: new}))


def _renew_factor(row: Authenticator) -> bool:
    old = dict(row.data)
    new = {name: crypto.renewed(value) for name, value in old.items() if name in FACTOR_PARTS and value}
    new = {name: value for name, value in new.items() if value is not None}
    if not new:
        return False
    return bool(Authenticator.objects.filter(pk=row.pk, data=old).update(data={**old, **new}))


def derived_before() -> int:
    """How many keys that people may look at again still come from the previous WALLETS_KEY_SECRET."""
    return sum(keys.is_of_previous_secret(row) for row in DerivedKey.objects.order_by("pk").iterator(chunk_size=500))
