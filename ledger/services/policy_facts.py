"""What the rules look at, read from the ledger under the locks of the payer's accounts: at most five statements,
and of these only what some rule asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone

from accounts import proof as proofs
from ledger.fields import AmountSum
from ledger.models import Account, Coin, Contact, Hold, Kind, Operation, Rate
from ledger.services import rates
from ledger.services.limits import UNDONE
from ledger.services.policy_rules import Facts, Initiator, Policy
from wallets_site.base.clock import now

if TYPE_CHECKING:
    from accounts.models import User
    from ledger.services.quotes import Quote

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
MONTH: Final = timedelta(days=30)
Prices = dict[int, tuple[int, int]]  # by coin: 10^-12 of the currency's unit for a whole one, its decimals
SUMS: Final = frozenset(("day", "month", "day_value", "month_value"))
VALUES: Final = frozenset(("value", "day_value", "month_value"))


Amounts = Mapping[int, int]  # by coin, atomic units


def initiator_of(proof: proofs.Proof) -> Initiator:
    """A purse's key is the one key that has no number."""
    if proof.factor == proofs.Factor.PLUGIN_API:
        return Initiator.V3
    if proof.factor == proofs.Factor.KEY:
        return Initiator.LNBITS if proof.key_id is None else Initiator.API_KEY
    return Initiator.PAGE


def accounts_to_lock(user_id: int, policy: Policy | None) -> list[int]:
    """All accounts of this person, where a rule adds up: two payments at once must not both find room."""
    if policy is None or not policy.asks & SUMS:
        return []
    return list(Account.objects.filter(owner=user_id, kind=Kind.USER).values_list("pk", flat=True))


def gather(*, user: User, quote: Quote, initiator: str, policy: Policy) -> Facts:
    """Its caller holds the locks of accounts_to_lock(). Without them it is a guess, for previews."""
    moment, coin = now(), quote.coin
    asks = policy.asks
    rated = prices() if asks & VALUES else {}
    day, month = _spent(user.pk, coin, asks, moment) if asks & SUMS else (Counter[int](), Counter[int]())
    day[coin.pk] += quote.amount
    month[coin.pk] += quote.amount
    return Facts(
        initiator=initiator,
        destination="member" if quote.recipient is not None else "external",
        coin_id=coin.pk,
        amount=quote.amount,
        hour=timezone.localtime(moment, timezone.get_default_timezone()).hour,
        groups=frozenset(user.groups.values_list("pk", flat=True)) if "groups" in asks else frozenset(),
        account_age=(moment - user.date_joined) // HOUR,
        destination_age=_known_for(user, quote, moment) if "destination_age" in asks else 0,
        value=worth({coin.pk: quote.amount}, rated),
        day=day[coin.pk],
        month=month[coin.pk],
        day_value=worth(day, rated),
        month_value=worth(month, rated),
    )


def worth(amounts: Amounts, prices: Prices) -> int | None:
    """Hundredths of the site's first currency; None where a rate is missing."""
    if not amounts.keys() <= prices.keys():
        return None
    total = 0
    for pk, amount in amounts.items():
        price, decimals = prices[pk]
        total += rates.value_of(amount, decimals, price)
    return total


def prices() -> Prices:
    rows = Rate.objects.filter(currency=settings.WALLETS_CURRENCIES[0]).values_list(
        "coin_id", "price", "coin__decimals"
    )
    return {coin_id: (int(price), decimals) for coin_id, price, decimals in rows}


def _spent(user_id: int, coin: Coin, asks: frozenset[str], moment: datetime) -> tuple[Counter[int], Counter[int]]:
    """What recipients got in the last day and in the last 30, by coin: what this person sent, asked to send or has set
    aside, without what never happened. Added up by the database, exactly; the longer span only where a rule asks."""
    since = moment - (MONTH if asks & {"month", "month_value"} else DAY)
    today = ExpressionWrapper(Q(created_at__gt=moment - DAY), output_field=BooleanField())
    sent = Operation.objects.filter(user=user_id, incoming=False, created_at__gt=since).exclude(status__in=UNDONE)
    aside = Hold.objects.filter(user=user_id, created_at__gt=since)
    if not asks & VALUES:
        sent, aside = sent.filter(coin=coin), aside.filter(coin=coin)
    is_open = ExpressionWrapper(Q(state=Hold.State.OPEN), output_field=BooleanField())
    by_coin = sent.exclude(counterpart=user_id).order_by().values("coin_id", today=today)
    held = aside.order_by().values("coin_id", today=today, is_open=is_open)
    sums = by_coin.values_list("coin_id", "today", AmountSum("gross"), AmountSum("fee"))
    found = [(coin_id, is_today, gross - fee) for coin_id, is_today, gross, fee in sums]
    for coin_id, is_today, stands, amount, captured in held.values_list(
        "coin_id", "today", "is_open", AmountSum("amount"), AmountSum("captured")
    ):
        found.append((coin_id, is_today, amount if stands else captured))
    day, month = Counter[int](), Counter[int]()
    for coin_id, is_today, amount in found:
        month[coin_id] += amount
        day[coin_id] += amount if is_today else 0
    return +day, +month


def _known_for(user: User, quote: Quote, moment: datetime) -> int:
    """Hours since this person first paid there, or confirmed it as a contact; 0 for a destination never seen."""
    sent = Operation.objects.filter(user=user, incoming=False, status=Operation.Status.DONE)
    known = Contact.objects.filter(user=user, confirmed_at__isnull=False)
    if quote.recipient is not None:
        sent, known = sent.filter(counterpart=quote.recipient), known.filter(member=quote.recipient)
    else:
        sent = sent.filter(coin=quote.coin, address=quote.address, extra=quote.extra)
        known = known.filter(coin=quote.coin, address=quote.address, extra=quote.extra)
    first = sent.order_by("pk").values_list("done_at", flat=True)[:1]
    times = [at for at in (*first, *known.values_list("confirmed_at", flat=True)) if at is not None]
    return (moment - min(times)) // HOUR if times else 0
