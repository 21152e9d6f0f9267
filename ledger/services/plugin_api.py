"""What the WordPress API reads and asks for, in the ledger's terms. It holds no rule of its own about money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db.models import FilteredRelation, OuterRef, Q, QuerySet, Subquery

from accounts.proof import Proof
from accounts.queries import find_recipient
from ledger.models import Account, Address, Coin, Kind, Limit, Operation, Purpose, Withdrawal
from ledger.services import addresses, fees, moves, sending, withdrawals
from ledger.services.quotes import Quote
from ledger.services.rates import currency_of
from wallets_site.base.errors import InsufficientFunds
from wallets_site.base.prepared import Prepared

if TYPE_CHECKING:
    from accounts.models import User


class Terms(NamedTuple):
    """A coin as programs see it, the same for everybody. Atomic units; ppm: millionths of the amount."""

    coin_id: int
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
    move_fixed: int | None
    move_ppm: int | None
    withdraw_fixed: int | None
    withdraw_ppm: int | None
    minimum: int | None
    rate: int | None  # 10^-12 of the currency's unit for one whole coin


@dataclass(frozen=True, slots=True)
class Sheet:
    """A coin's terms and what one person has of it. Atomic units."""

    terms: Terms
    balance: int
    available: int
    address: str
    extra: str


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


def _coin(symbol: str) -> QuerySet[Coin, Any]:
    return Coin.objects.filter(symbol=symbol, is_active=True).values_list(*_COIN_COLUMNS)


def _terms(currency: str) -> QuerySet[Coin, Any]:
    joined: dict[str, Any] = {
        "move": FilteredRelation("fees", condition=Q(fees__purpose=Purpose.MOVE)),
        "withdraw": FilteredRelation("fees", condition=Q(fees__purpose=Purpose.WITHDRAWAL)),
        "bound": FilteredRelation("limits", condition=Q(limits__purpose=Purpose.WITHDRAWAL)),
        "rate": FilteredRelation("rates", condition=Q(rates__currency=currency)),
    }
    rows = Coin.objects.filter(is_active=True).annotate(**joined).order_by("pk")
    return rows.values_list(
        "pk", *Terms._fields[1:11], "move__fixed", "move__ppm", "withdraw__fixed", "withdraw__ppm", "bound__minimum",
        "rate__price",
    )  # fmt: skip


def _held(user: int) -> QuerySet[Account, Any]:
    newest = Address.objects.filter(account=OuterRef("pk"), amount=None).order_by("-assigned_at", "-pk")
    rows = Account.objects.filter(owner=user, number=0).order_by()
    return rows.values_list(
        "coin_id", "kind", "debits", "credits", Subquery(newest.values("address")[:1]),
        Subquery(newest.values("extra")[:1]),
    )  # fmt: skip


def _lines(user: int, coin: int, first: int, count: int) -> QuerySet[Operation, Any]:
    """Of what is skipped only the index is read."""
    wanted = Operation.objects.filter(user=user, coin=coin).order_by("-created_at", "-id")
    rows = Operation.objects.filter(pk__in=wanted.values("pk")[first : first + count]).order_by("-created_at", "-id")
    return rows.values_list(
        "pk", *Line._fields[1:8], "counterpart__username", *Line._fields[9:-1], "withdrawal__dispatch__outcome"
    )  # fmt: skip


_COIN_COLUMNS: Final = tuple(field.attname for field in Coin._meta.concrete_fields)
_COIN: Final = Prepared(_coin, symbol=str)
_TERMS: Final = Prepared(_terms, currency=str)
_HELD: Final = Prepared(_held, user=int)
_LINES: Final = Prepared(_lines, user=int, coin=int, first=int, count=int)


def active_coin(symbol: str) -> Coin | None:
    """By its symbol in either letter case; nothing that only looks alike in another script."""
    row = _COIN.first(symbol=symbol.upper()) if symbol.isascii() else None
    return None if row is None else Coin.from_db("default", _COIN_COLUMNS, row)


def sheets(user: User) -> list[Sheet]:
    """Every active coin by name, byte by byte. The number of statements does not grow with anything."""
    coins = sorted((Terms(*row) for row in _TERMS.rows(currency=currency_of(user))), key=lambda row: row.name.encode())
    free: dict[int, int] = {}
    held: dict[int, int] = {}
    shown: dict[int, tuple[str, str]] = {}
    for coin_id, kind, debits, credits, address, extra in _HELD.rows(user=user.pk):
        (free if kind == Kind.USER else held)[coin_id] = int(credits) - int(debits)
        if address is not None:
            shown[coin_id] = (address, extra)
    spent = _fees_on_their_way(user, [coin_id for coin_id, amount in held.items() if amount])
    if missing := [coin.coin_id for coin in coins if coin.coin_id not in shown]:
        fresh = addresses.first_from_pool(user=user, coins=missing)
        shown |= {coin_id: (row.address, row.extra) for coin_id, row in fresh.items()}
    found = []
    for coin in coins:
        pk = coin.coin_id
        available = free.get(pk, 0)
        balance = available + held.get(pk, 0) - spent.get(pk, 0)
        found.append(Sheet(coin, balance, available, *shown.get(pk, ("", ""))))
    return found


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
    """Newest first, from the `first`-th on."""
    if not count:
        return []
    return [Line(*row) for row in _LINES.rows(user=user.pk, coin=coin.pk, first=first, count=count)]


def find_person(text: str) -> User | None:
    """By number, user name or proven e-mail. The same statement whatever the answer."""
    return find_recipient(text, numbers=True)


def move(
    *, user: User, coin: Coin, recipient: User, amount: int, includes_fee: bool, proof: Proof, key: str,
    comment: str, tags: str,
) -> Operation:  # fmt: skip
    """Raises WalletError; InsufficientFunds tells the total and what is available."""
    net, fee = fees.split(coin, Purpose.MOVE, amount, includes_fee=includes_fee)
    quote = Quote("move", coin, user.pk, recipient, "", "", net, fee, includes_fee=includes_fee)
    try:
        return moves.request_move(user=user, quote=quote, proof=proof, key=key, comment=comment, tags=tags)
    except InsufficientFunds as error:
        raise InsufficientFunds(error.message, total=str(quote.total), **error.data) from error


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
    return Limit.objects.filter(coin=coin, purpose=Purpose.WITHDRAWAL).values_list("minimum", flat=True).first() or 0


def former_counterparties(user: User) -> list[tuple[int, str]]:
    """(number, name) of the people this one has exchanged coins with: no list of members for strangers."""
    rows = Operation.objects.filter(user=user, counterpart__isnull=False, counterpart__is_active=True)
    pairs = rows.values_list("counterpart_id", "counterpart__username").distinct()
    return sorted((pk, name_of(pk, name)) for pk, name in pairs)


def name_of(pk: int, username: str | None) -> str:
    """The public name: who has chosen none is a number to others, never an e-mail address."""
    return username or f"user {pk}"
