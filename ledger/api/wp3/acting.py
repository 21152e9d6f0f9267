"""do_move, do_withdraw, do_new_address: money and addresses, each by one service."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpResponse

from accounts.api_keys import Scope
from accounts.capabilities import Capability
from accounts.queries import find_by_id
from ledger import money
from ledger.api.wp3 import texts
from ledger.api.wp3.answers import MOVE, NOT_ALLOWED, UNSPECIFIED, WITHDRAW, Refusal, never_cached, success
from ledger.api.wp3.asked import Asked, allow
from ledger.models import Coin
from ledger.services import addresses, moves, plugin_api
from wallets_site.base import crypto
from wallets_site.base.errors import InsufficientFunds, InvalidAmount, NotAllowed, WalletError
from wallets_site.base.ids import new_key
from wallets_site.base.prepared import Question

NOTHING_LEFT: Final = "Amount after deducting fees must be positive"
MAX_KEY: Final = 100


def move_question(asked: Asked) -> Question | None:
    """Who is paid, for who asks ahead."""
    to = asked.text("move_toaccount")
    return plugin_api.person_question(to) if to and asked.version > 1 else None


def do_move(asked: Asked) -> HttpResponse:
    user = asked.who(Scope.SEND)
    allow(user, Capability.HAS_WALLETS, Capability.SEND_TO_USER)
    asked.demand_nonce(user, "do-move")
    symbol, to, figure = _required(asked, MOVE, "symbol", "move_toaccount", "move_amount")
    title = f"Could not move {_shown(symbol)}: "
    key = _key(asked, title, MOVE)
    recipient = plugin_api.find_person(to) if asked.version > 1 else find_by_id(to)
    if recipient is None:
        told = f"Could not find user {texts.clean(to)[:60]}. Please enter a valid slug, email, or login name."
        raise Refusal(MOVE, title + told)
    if recipient.pk == user.pk:
        raise Refusal(MOVE, title + "Cannot send funds to self")
    coin = _coin(symbol, f'{title}Adapter for "{_shown(symbol)}" is not online for move action', MOVE)
    amount = _amount(figure, coin, title, MOVE)
    comment, tags = _typed(asked, "move_comment"), asked.text("move_tags") or ""
    try:
        moves.move_now(
            user=user, coin=coin, recipient=recipient, amount=amount, key=key, proof=asked.proof(user),
            includes_fee=settings.WALLETS_API3_AMOUNT_INCLUDES_FEE, comment=texts.comment_of(comment, MOVE),
            tags=texts.tags_of(tags, MOVE),
        )  # fmt: skip
    except WalletError as error:
        raise _refused(error, title, MOVE, amount, coin) from error
    return never_cached(success(asked.request))


def do_withdraw(asked: Asked) -> HttpResponse:
    user = asked.who(Scope.WITHDRAW)
    allow(user, Capability.HAS_WALLETS, Capability.WITHDRAW)
    asked.demand_nonce(user, "do-withdraw")
    symbol, address, figure = _required(asked, WITHDRAW, "symbol", "withdraw_address", "withdraw_amount")
    title = f"Could not withdraw {_shown(symbol)}: "
    key = _key(asked, title, WITHDRAW)
    if not address.strip():
        raise Refusal(WITHDRAW, title + "You must specify a withdrawal address")
    coin = _coin(symbol, f'{title}Adapter for "{_shown(symbol)}" is not online for withdrawal', WITHDRAW)
    amount = _amount_to_withdraw(figure, coin, title)
    if plugin_api.owner_of_address(coin, address.strip()) == user.pk:
        told = "You cannot withdraw to one of your own deposit addresses on this system."
        raise Refusal(WITHDRAW, title + told)
    comment, note = _typed(asked, "withdraw_comment"), _typed(asked, "withdraw_comment_to")
    extra = texts.comment_of(_typed(asked, "withdraw_extra"), WITHDRAW)[:200]
    try:
        plugin_api.withdraw(
            user=user, coin=coin, address=address.strip(), extra=extra, amount=amount, key=key,
            includes_fee=settings.WALLETS_API3_AMOUNT_INCLUDES_FEE, proof=asked.proof(user),
            comment=texts.comment_of(comment, WITHDRAW), note=texts.comment_of(note, WITHDRAW),
        )  # fmt: skip
    except WalletError as error:
        raise _refused(error, title, WITHDRAW, amount, coin) from error
    return never_cached(success(asked.request))


def do_new_address(asked: Asked) -> HttpResponse:
    user = asked.who(Scope.RECEIVE)
    allow(user, Capability.HAS_WALLETS)
    asked.demand_nonce(user, "do-new-address")
    symbol = asked.text("symbol")
    title = "Could not create new address: "
    if symbol is None:
        raise Refusal(UNSPECIFIED, title + "Required parameter missing: symbol")
    coin = _coin(symbol, f'{title}Adapter for "{_shown(symbol)}" is not online', UNSPECIFIED)
    key = _key(asked, title, UNSPECIFIED)
    try:
        row = addresses.assign_address(user=user, coin=coin, key=key, needs=Capability.HAS_WALLETS)
    except WalletError as error:
        raise _refused(error, title, UNSPECIFIED, 0, coin) from error
    more = {"address": row.address, "extra": row.extra} if row.extra else {}
    return never_cached(success(asked.request, new_address=row.address, **more))


def _required(asked: Asked, code: int, *names: str) -> list[str]:
    found = []
    for name in names:
        text = asked.text(name)
        if text is None:
            what = "move" if code == MOVE else "withdraw"
            raise Refusal(code, f"Could not {what} : Required parameter missing: {name}")
        found.append(text)
    return found


def _typed(asked: Asked, name: str) -> str:
    return asked.text(name) or ""


def _shown(symbol: str) -> str:
    return texts.clean(symbol)[:10].upper()


def _coin(symbol: str, otherwise: str, code: int) -> Coin:
    coin = plugin_api.active_coin(symbol)
    if coin is None:
        raise Refusal(code, otherwise)
    return coin


def _amount(figure: str, coin: Coin, title: str, code: int) -> int:
    """Atomic units; whatever is no plain decimal is refused, in the plugin's words where it refuses too."""
    if texts.is_nothing(figure):
        raise Refusal(code, title + NOTHING_LEFT)
    try:
        return money.parse_positive(figure.strip(" "), coin.decimals)
    except InvalidAmount as error:
        raise Refusal(code, title + error.message) from error


def _amount_to_withdraw(figure: str, coin: Coin, title: str) -> int:
    minimum = plugin_api.minimum_withdrawal(coin)
    nothing = texts.is_nothing(figure)
    if nothing and not minimum:
        raise Refusal(WITHDRAW, title + NOTHING_LEFT)
    amount = 0 if nothing else _amount(figure, coin, title, WITHDRAW)
    if amount < minimum:
        least = texts.at_least_six(minimum, coin.decimals)
        raise Refusal(WITHDRAW, f'{title}Minimum witdrawal amount for "{coin.symbol}" is {least}')
    return amount


def _key(asked: Asked, title: str, code: int) -> str:
    """The idempotency key: the header; else, of jQuery's clients, nonce and `_`; else every request is a new one."""
    given = asked.request.headers.get("Idempotency-Key")
    if given is not None:
        if not (given.isascii() and given.isprintable() and 1 <= len(given) <= MAX_KEY):
            raise Refusal(code, f"{title}The Idempotency-Key must have 1 to {MAX_KEY} printable characters.")
        return f"api:{given}"
    counter = asked.request.GET.get("_", "")
    if asked.cookie and counter:
        return "api3:" + crypto.digest({"nonce": asked.request.GET.get("_wpnonce", ""), "_": counter[:100]})
    return f"api3:{new_key()}"


def _refused(error: WalletError, title: str, code: int, amount: int, coin: Coin) -> Refusal:
    """Our refusal in the plugin's envelope."""
    if isinstance(error, NotAllowed) and "capability" in error.data:
        return Refusal(NOT_ALLOWED, "Not allowed")
    if isinstance(error, InsufficientFunds):
        asked_for = amount if settings.WALLETS_API3_AMOUNT_INCLUDES_FEE else int(error.data.get("total", amount))
        available = int(error.data.get("available", 0))
        figures = f"{texts.printed(asked_for, coin)} > {texts.printed(available, coin)}"
        return Refusal(code, f"{title}Insufficient available funds: {figures}")
    return Refusal(code, title + error.message)
