"""What the WordPress API reads and asks for, in the ledger's terms. It holds no rule of its own about money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.proof import Proof
from accounts.queries import find_recipient
from ledger.models import Account, Address, Coin, FeeRule, Kind, Limit, Operation, Purpose, Withdrawal
from ledger.services import addresses, fees, moves, sending, withdrawals
from ledger.services.quotes import Quote
from wallets_site.base.errors import InsufficientFunds

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Sheet:
    """A coin as programs see it, for one person. Atomic units; ppm: millionths of the amount."""

    coin: Coin
    balance: int
    available: int
    move_fee: tuple[int, int]  # fixed, ppm
    withdraw_fee: tuple[int, int]
    min_withdraw: int
    address: str
    extra: str


def active_coin(symbol: str) -> Coin | None:
    """By its symbol in either letter case; nothing that only looks alike in another script."""
    if not symbol.isascii():
        return None
    return Coin.objects.filter(symbol=symbol.upper(), is_active=True).first()


def sheets(user: User) -> list[Sheet]:
    """Every active coin by name, byte by byte. The number of statements does not grow with anything."""
    coins = sorted(Coin.objects.filter(is_active=True), key=lambda coin: coin.name.encode())
    ids = [coin.pk for coin in coins]
    rules = FeeRule.objects.filter(coin__in=ids).values_list("coin_id", "purpose", "fixed", "ppm")
    charged = {(coin_id, purpose): (fixed, ppm) for coin_id, purpose, fixed, ppm in rules}
    bounds = Limit.objects.filter(coin__in=ids, purpose=Purpose.WITHDRAWAL).values_list("coin_id", "minimum")
    minimums = dict(bounds)
    rows = Account.objects.filter(owner=user, number=0, coin__in=ids)
    stands = {(row.coin_id, row.kind): row for row in rows}
    spent = _fees_on_their_way(user, [row.coin_id for row in rows if row.kind == Kind.HELD and row.balance])
    shown = _addresses(user, coins, stands)
    found = []
    for coin in coins:
        free, held = (_balance(stands.get((coin.pk, kind))) for kind in (Kind.USER, Kind.HELD))
        address, extra = shown.get(coin.pk, ("", ""))
        found.append(
            Sheet(
                coin, free + held - spent.get(coin.pk, 0), free, charged.get((coin.pk, Purpose.MOVE), (0, 0)),
                charged.get((coin.pk, Purpose.WITHDRAWAL), (0, 0)), minimums.get(coin.pk) or 0, address, extra,
            )
        )  # fmt: skip
    return found


def _balance(row: Account | None) -> int:
    return row.balance if row else 0


def _fees_on_their_way(user: User, coin_ids: Sequence[int]) -> dict[int, int]:
    """Fees still held for payments the network already has: the plugin counts those as spent."""
    if not coin_ids:
        return {}
    rows = Withdrawal.objects.filter(coin__in=coin_ids, state=Withdrawal.State.ATTEMPTED)
    total: dict[int, int] = {}
    for owner, coin_id, fee, reserve in rows.values_list("operation__user_id", "coin_id", "fee", "network_reserve"):
        if owner == user.pk:
            total[coin_id] = total.get(coin_id, 0) + fee + reserve
    return total


def _addresses(user: User, coins: Sequence[Coin], stands: dict[tuple[int, str], Account]) -> dict[int, tuple[str, str]]:
    """The newest address of each coin; who has none yet gets one that lies ready."""
    ids = [row.pk for (_, kind), row in stands.items() if kind == Kind.USER]
    rows = Address.objects.filter(account__in=ids, amount=None).order_by("assigned_at", "pk")
    shown = {coin_id: (address, extra) for coin_id, address, extra in rows.values_list("coin_id", "address", "extra")}
    if missing := [coin for coin in coins if coin.pk not in shown]:
        fresh = addresses.first_from_pool(user=user, coins=missing)
        shown |= {coin_id: (row.address, row.extra) for coin_id, row in fresh.items()}
    return shown


def operations(user: User, coin: Coin, *, count: int, first: int) -> list[Operation]:
    """Newest first, from the `first`-th on. Only numbers are read of what is skipped."""
    wanted = Operation.objects.filter(user=user, coin=coin).order_by("-created_at", "-id")
    ids = list(wanted.values_list("pk", flat=True)[first : first + count])
    rows = Operation.objects.filter(pk__in=ids).select_related("counterpart", "withdrawal__dispatch")
    return sorted(rows, key=lambda row: (row.created_at, row.pk), reverse=True)


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
    return sorted((pk, name or _nameless(pk)) for pk, name in pairs)


def name_of(person: User) -> str:
    """The public name: who has chosen none is a number to others, never an e-mail address."""
    return person.username or _nameless(person.pk)


def _nameless(pk: int) -> str:
    return f"user {pk}"
