"""What the rules look at, read from the ledger under the locks of the payer's accounts: at most five statements,
and of these only what some rule asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts import proof as proofs
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


@dataclass(frozen=True, slots=True)
class Spent:
    """One payment of a person: what the recipient gets, atomic units."""

    coin_id: int
    amount: int
    at: datetime


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
    spent = [*(_spent(user.pk, coin, asks, moment) if asks & SUMS else ()), Spent(coin.pk, quote.amount, moment)]
    return Facts(
        initiator=initiator,
        destination="member" if quote.recipient is not None else "external",
        coin_id=coin.pk,
        amount=quote.amount,
        hour=timezone.localtime(moment, timezone.get_default_timezone()).hour,
        groups=frozenset(user.groups.values_list("pk", flat=True)) if "groups" in asks else frozenset(),
        account_age=(moment - user.date_joined) // HOUR,
        destination_age=_known_for(user, quote, moment) if "destination_age" in asks else 0,
        value=worth([Spent(coin.pk, quote.amount, moment)], rated),
        **sums(spent, coin.pk, moment, rated),
    )


def sums(spent: Iterable[Spent], coin_id: int, moment: datetime, prices: Prices) -> dict[str, Any]:
    """Of these payments, the newest included: amounts of the coin, and the worth of all coins."""
    month = [each for each in spent if each.at > moment - MONTH]
    day = [each for each in month if each.at > moment - DAY]
    return {
        "day": sum(each.amount for each in day if each.coin_id == coin_id),
        "month": sum(each.amount for each in month if each.coin_id == coin_id),
        "day_value": worth(day, prices),
        "month_value": worth(month, prices),
    }


def worth(spent: Iterable[Spent], prices: Prices) -> int | None:
    """Hundredths of the site's first currency; None where a rate is missing."""
    amounts: dict[int, int] = {}
    for each in spent:
        amounts[each.coin_id] = amounts.get(each.coin_id, 0) + each.amount
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


def _spent(user_id: int, coin: Coin, asks: frozenset[str], moment: datetime) -> list[Spent]:
    """What this person sent, asked to send or has set aside in the window, without what never happened."""
    since = moment - (MONTH if asks & {"month", "month_value"} else DAY)
    sent = Operation.objects.filter(user=user_id, incoming=False, created_at__gt=since).exclude(status__in=UNDONE)
    aside = Hold.objects.filter(user=user_id, created_at__gt=since)
    if not asks & VALUES:
        sent, aside = sent.filter(coin=coin), aside.filter(coin=coin)
    own = Q(counterpart=user_id)
    found = [
        Spent(coin_id, gross - fee, at)
        for coin_id, gross, fee, at in sent.exclude(own).values_list("coin_id", "gross", "fee", "created_at")
    ]
    rows = aside.values_list("coin_id", "amount", "captured", "state", "created_at")
    return found + [
        Spent(coin_id, amount if state == Hold.State.OPEN else captured, at)
        for coin_id, amount, captured, state, at in rows
    ]


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
