"""What the WordPress API reads and asks for, in the ledger's terms. It holds no rule of its own about money."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.proof import Proof
from accounts.queries import find_recipient, recipient_question
from ledger import nodes
from ledger.models import Account, Address, Coin, Kind, Operation, Purpose, Rate, Withdrawal
from ledger.services import addresses, fees, moves, rules, sending, withdrawals
from ledger.services.purses import SYMBOL
from ledger.services.quotes import Quote
from ledger.services.rates import currency_of
from ledger.services.rules import CoinRules
from wallets_site.base.errors import InsufficientFunds
from wallets_site.base.prepared import Prepared, Question

if TYPE_CHECKING:
    from accounts.models import User

MOST_LINES: Final = 1000


class Terms(NamedTuple):
    """A coin as programs see it, the same for everybody. Atomic units; ppm: millionths of the amount."""

    pk: int
    symbol: str
    name: str
    decimals: int
    is_fiat: bool
    is_crypto: bool
    icon_url: str
    pattern: str
    extra_label: str
    explorer_address: str
    explorer_tx: str
    move_fee: tuple[int, int]  # atomic units, ppm
    withdraw_fee: tuple[int, int]
    minimum: int
    rate: int | None  # 10^-12 of the currency's unit for one whole coin


@dataclass(frozen=True, slots=True)
class Sheet:
    """A coin's terms and what one person has of it. Atomic units."""

    terms: Terms
    balance: int
    available: int
    address: str
    extra: str
    uri: str  # where a code must say more than the address does


class Line(NamedTuple):
    """An operation of one person and coin, as read for programs. Atomic units."""

    id: int
    pair_id: int | None
    kind: str
    incoming: bool
    status: str
    tags: str
    user_id: int
    counterpart_id: int | None
    counterpart_name: str | None
    address: str
    extra: str
    txid: str
    gross: int
    fee: int
    comment: str
    created_at: datetime
    updated_at: datetime
    confirmations: int
    retries: int
    admin_confirm: bool
    user_confirm: bool
    outcome: str | None  # of its dispatch, when a payout was prepared


def _held(user: int) -> QuerySet[Account, Any]:
    newest = Address.objects.filter(account=OuterRef("pk"), amount=None).order_by("-assigned_at", "-pk")
    rows = Account.objects.filter(owner=user, number=0).order_by()
    return rows.values_list(
        "coin_id", "kind", "debits", "credits", Subquery(newest.values("address")[:1]),
        Subquery(newest.values("extra")[:1]),
    )  # fmt: skip


def _lines(most: int, *, with_purses: bool) -> Prepared:
    """Of what is skipped only the index is read. The database plans anew for each length: a list has one of few."""

    def make(user: int, coin: int, first: int) -> QuerySet[Operation, Any]:
        own = Operation.objects.filter(user=user, coin=coin).order_by("-created_at", "-id")
        own = own.filter(account__number=0) if with_purses else own
        wanted = own.values("pk")[first : first + most]
        return Operation.objects.filter(pk__in=wanted).order_by("-created_at", "-id").values_list(
            "pk", *Line._fields[1:8], "counterpart__username", *Line._fields[9:-1], "withdrawal__dispatch__outcome"
        )  # fmt: skip

    return Prepared(make, user=int, coin=int, first=int)


_RATES: Final = Prepared(
    lambda currency: Rate.objects.filter(currency=currency).values_list("coin_id", "price"), currency=str
)
_HELD: Final = Prepared(_held, user=int)
_LINES: Final = {most: _lines(most, with_purses=False) for most in (10, 100, MOST_LINES)}
_MAIN_LINES: Final = {most: _lines(most, with_purses=True) for most in _LINES}  # of the one coin that has purses


def active_coin(symbol: str) -> Coin | None:
    """By its symbol in either letter case; nothing that only looks alike in another script."""
    known = rules.current().symbols.get(symbol.strip(" ").upper()) if symbol.isascii() else None
    return None if known is None else copy(known.coin)


def _terms(known: CoinRules, rate: int | None) -> Terms:
    coin, limit = known.coin, known.limits.get(Purpose.WITHDRAWAL)
    minimum = limit.minimum or 0 if limit is not None else 0
    return Terms(
        coin.pk, coin.symbol, coin.name, coin.decimals, coin.is_fiat, coin.is_crypto, coin.icon_url, coin.pattern,
        coin.extra_label, coin.explorer_address, coin.explorer_tx, known.fee(Purpose.MOVE),
        known.fee(Purpose.WITHDRAWAL), minimum, rate,
    )  # fmt: skip


def sheets(user: User) -> list[Sheet]:
    """Every active coin by name, byte by byte. The number of statements does not grow with anything."""
    rated = {coin_id: int(price) for coin_id, price in _RATES.rows(currency=currency_of(user))}
    known = sorted(rules.current().symbols.values(), key=lambda each: each.coin.name.encode())
    coins = [_terms(each, rated.get(each.coin.pk)) for each in known]
    free: dict[int, int] = {}
    held: dict[int, int] = {}
    shown: dict[int, tuple[str, str]] = {}
    for coin_id, kind, debits, credits, address, extra in _HELD.rows(user=user.pk):
        (free if kind == Kind.USER else held)[coin_id] = int(credits) - int(debits)
        if address is not None:
            shown[coin_id] = (address, extra)
    spent = _fees_on_their_way(user, [coin_id for coin_id, amount in held.items() if amount])
    if missing := [coin.pk for coin in coins if coin.pk not in shown]:
        fresh = addresses.first_from_pool(user=user, coins=missing)
        shown |= {coin_id: (row.address, row.extra) for coin_id, row in fresh.items()}
    links, found = _links(user, shown), []
    for coin in coins:
        pk = coin.pk
        available = free.get(pk, 0)
        balance = available + held.get(pk, 0) - spent.get(pk, 0)
        found.append(Sheet(coin, balance, available, *shown.get(pk, ("", "")), links.get(pk, "")))
    return found


def _links(user: User, shown: dict[int, tuple[str, str]]) -> dict[int, str]:
    """Payment links of addresses with a second part, which a code of the address alone would lose."""
    parted = {pk: pair for pk, pair in shown.items() if pair[1]}
    if not parted:
        return {}
    rows = Address.objects.filter(account__owner=user, coin__in=parted).select_related("wallet")
    return {
        row.coin_id: nodes.payment_uri(row, None) for row in rows if (row.address, row.extra) == parted[row.coin_id]
    }


def _fees_on_their_way(user: User, coin_ids: Sequence[int]) -> dict[int, int]:
    """Fees still held for payments the network already has: the plugin counts those as spent."""
    if not coin_ids:
        return {}
    rows = Withdrawal.objects.filter(
        operation__user=user, coin__in=coin_ids, state=Withdrawal.State.ATTEMPTED
    ).values_list("coin_id", "fee", "network_reserve")
    total: dict[int, int] = {}
    for coin_id, fee, reserve in rows:
        total[coin_id] = total.get(coin_id, 0) + fee + reserve
    return total


def lines(user: User, coin: Coin, *, count: int, first: int) -> list[Line]:
    """Newest first, from the `first`-th on, at most MOST_LINES: of the main account, as the balance is its alone."""
    if not count:
        return []
    questions = _MAIN_LINES if coin.symbol == SYMBOL else _LINES
    asked = next((question for most, question in questions.items() if count <= most), questions[MOST_LINES])
    return [Line(*row) for row in asked.rows(user=user.pk, coin=coin.pk, first=first)[:count]]


def find_person(text: str) -> User | None:
    """By number, user name or proven e-mail. The same statement whatever the answer."""
    return find_recipient(text, numbers=True)


def person_question(text: str) -> Question:
    """What find_person() will ask, for who asks ahead."""
    return recipient_question(text, numbers=True)


def withdraw(
    *, user: User, coin: Coin, address: str, extra: str, amount: int, includes_fee: bool, proof: Proof, key: str,
    comment: str, note: str,
) -> Operation:  # fmt: skip
    """The same to an address; a member's own address makes it a move."""
    net, _ = fees.split(coin, Purpose.WITHDRAWAL, amount, includes_fee=includes_fee)
    done = sending.find_sent(user=user, coin=coin, to=address, amount=net, extra=extra, key=key)
    if done is not None:
        return done
    quote = withdrawals.preview_withdrawal(
        user=user, coin=coin, address=address, amount=amount, extra=extra, includes_fee=includes_fee
    )
    _demand_covered(user, quote)
    if quote.kind == "move":
        return moves.request_move(user=user, quote=quote, proof=proof, key=key, comment=comment)
    return withdrawals.request_withdrawal(user=user, quote=quote, proof=proof, key=key, comment=comment, note=note)


def _demand_covered(user: User, quote: Quote) -> None:
    available = sending.available_of(user, quote.coin)
    if quote.total > available:
        raise InsufficientFunds("Insufficient available funds", available=str(available), total=str(quote.total))


def owner_of_address(coin: Coin, address: str) -> int | None:
    """Whose deposit address this is, if it is a member's."""
    rows = Address.objects.filter(coin=coin, address=address, account__isnull=False)
    return rows.values_list("account__owner_id", flat=True).first()


def minimum_withdrawal(coin: Coin) -> int:
    limit = rules.current().of(coin).limits.get(Purpose.WITHDRAWAL)
    return limit.minimum or 0 if limit is not None else 0


def former_counterparties(user: User) -> list[tuple[int, str]]:
    """(number, name) of the people this one has exchanged coins with: no list of members for strangers."""
    rows = Operation.objects.filter(user=user, counterpart__isnull=False, counterpart__is_active=True)
    pairs = rows.values_list("counterpart_id", "counterpart__username").distinct()
    return sorted((pk, name_of(pk, name)) for pk, name in pairs)


def name_of(pk: int, username: str | None) -> str:
    """The public name: who has chosen none is a number to others, never an e-mail address."""
    return username or f"user {pk}"
