"""What an API key may spend: a bound for each coin over 24 hours, counted under the account's lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import api_keys
from accounts.models import ApiKey
from accounts.proof import Proof
from ledger import events
from ledger.fields import AmountSum
from ledger.models import Coin, KeyCap, KeySpend, Operation
from ledger.money import plain
from ledger.services.limits import UNDONE
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidAmount, LimitReached

if TYPE_CHECKING:
    from accounts.models import User


def make_key(
    *, user: User, name: str, scopes: Iterable[str], proof: Proof, key: str, expires_at: datetime | None = None,
    addresses: Iterable[str] = (), caps: Mapping[Coin, int] | None = None,
) -> tuple[ApiKey, str]:  # fmt: skip
    """accounts.api_keys.make_key with bounds, in atomic units, by coin."""
    bounds = caps or {}
    if any(daily <= 0 for daily in bounds.values()):
        raise InvalidAmount(_("A bound must be more than zero."))
    with transaction.atomic():
        made, text = api_keys.make_key(
            user=user, name=name, scopes=scopes, proof=proof, key=key, expires_at=expires_at, addresses=addresses
        )
        if text:
            events.emit("key_made", user_id=user.pk, key=made.name, scopes=made.scopes)
            KeyCap.objects.bulk_create([KeyCap(key=made, coin=coin, daily=daily) for coin, daily in bounds.items()])
    return made, text


def check(*, proof: Proof, coin: Coin, total: int) -> None:
    """Raises LimitReached when `total`, fees included, is above what is left. Its caller holds the account's lock."""
    if proof.key_id is None:
        return
    cap = KeyCap.objects.filter(key_id=proof.key_id, coin=coin).first()
    if cap is None:
        return
    left = max(0, cap.daily - spent(proof.key_id, coin))
    if total > left:
        text = f"{plain(left, coin.decimals)} {coin.symbol}"
        raise LimitReached(
            _("This key may spend %(text)s more in these 24 hours, fees included.") % {"text": text}, left=str(left)
        )


def note(*, proof: Proof, operation: Operation) -> Operation:
    """Remember which key asked for it; in the transaction that wrote it."""
    if proof.key_id is not None:
        KeySpend.objects.create(key_id=proof.key_id, operation=operation)
    return operation


def spent(key_id: int, coin: Coin) -> int:
    """What this key sent or asked to send in the last 24 hours, without what failed or was cancelled."""
    rows = Operation.objects.filter(spent_by__key_id=key_id, coin=coin, created_at__gt=now() - timedelta(days=1))
    return int(rows.exclude(status__in=UNDONE).aggregate(gross=AmountSum("gross"))["gross"] or 0)


Caps = list[tuple[Coin, int, int]]


def caps_of(key: ApiKey) -> Caps:
    """(coin, bound, left now), atomic units."""
    return caps_of_many([key])[key.pk]


def caps_of_many(keys: Iterable[ApiKey]) -> dict[int, Caps]:
    """The same of each key; as many statements for many as for one."""
    found: dict[int, Caps] = {key.pk: [] for key in keys}
    rows = list(KeyCap.objects.filter(key__in=list(found)).select_related("coin").order_by("coin__position", "coin_id"))
    used = _spent_by(found) if rows else {}
    for row in rows:
        found[row.key_id].append((row.coin, row.daily, max(0, row.daily - used.get((row.key_id, row.coin_id), 0))))
    return found


def _spent_by(keys: Iterable[int]) -> dict[tuple[int, int], int]:
    """By key and coin, as spent() counts."""
    recent = KeySpend.objects.filter(key__in=list(keys), operation__created_at__gt=now() - timedelta(days=1))
    sums: dict[tuple[int, int], int] = {}
    counted = recent.exclude(operation__status__in=UNDONE)
    for key, coin, gross in counted.values_list("key_id", "operation__coin_id", "operation__gross"):
        sums[key, coin] = sums.get((key, coin), 0) + gross
    return sums
