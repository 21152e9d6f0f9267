"""get_coins_info and get_transactions."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse
from django.templatetags.static import static

from accounts.api_keys import Scope
from accounts.capabilities import Capability
from ledger import money
from ledger.api.wp3 import texts
from ledger.api.wp3.answers import TRANSACTIONS, Refusal, moment, never_cached, private, respond, success, ten_decimals
from ledger.api.wp3.asked import Asked, allow
from ledger.models import Coin, Dispatch, Operation
from ledger.services import plugin_api, site_settings
from ledger.services.plugin_api import Line, Sheet, Terms
from ledger.services.rates import DECIMALS as RATE_DECIMALS

DEPOSIT_RETRIES: Final = "255"
_MOVE, _DEPOSIT, _DONE = (str(each) for each in (Operation.Kind.MOVE, Operation.Kind.DEPOSIT, Operation.Status.DONE))


def get_coins_info(asked: Asked) -> HttpResponse:
    user = asked.who(Scope.READ)
    allow(user, Capability.HAS_WALLETS)
    coins = ",".join(_coin(sheet) for sheet in plugin_api.sheets(user))
    shown = f"{{{coins}}}" if coins else "[]"
    return never_cached(respond(asked.request, f'{{"coins":{shown},"result":"success"}}'))


def _coin(sheet: Sheet) -> str:
    """The coin as JSON. Numbers are exact decimal literals: 1 at 8 decimals is 0.00000001, never 1.0e-8."""
    terms = sheet.terms
    first, last = _constant(terms, settings.SITE_URL)
    available = money.plain(sheet.available, terms.decimals)
    balance = money.plain(sheet.balance, terms.decimals)
    extra = f',"deposit_extra":{json.dumps(sheet.extra)}' if sheet.extra else ""
    code = f',"deposit_address_qrcode_uri":{json.dumps(sheet.uri)}' if sheet.uri not in ("", sheet.address) else ""
    return (
        f'{first},"balance":{balance},"available_balance":{available},{last},'
        f'"deposit_address":{json.dumps(sheet.address)}{extra}{code}}}'
    )


@lru_cache(maxsize=500)
def _constant(terms: Terms, site: str) -> tuple[str, str]:
    """What stands before a person's own figures, and behind them."""
    first = {
        "symbol": terms.symbol,
        "name": terms.name,
        "is_fiat": terms.is_fiat,
        "is_crypto": terms.is_crypto,
        "icon_url": terms.icon_url or site + static("icons/favicon.svg"),
        "sprintf": texts.pattern_of(terms),
        "extra_desc": terms.extra_label,
        "explorer_uri_address": terms.explorer_address.replace("%", "%%").replace("{address}", "%s"),
        "explorer_uri_tx": terms.explorer_tx.replace("%", "%%").replace("{txid}", "%s"),
    }
    figures = {
        "rate": "false" if terms.rate is None else money.plain(terms.rate, RATE_DECIMALS),
        "move_fee": money.plain(terms.move_fee[0], terms.decimals),
        "move_fee_proportional": money.plain(terms.move_fee[1], 6),
        "withdraw_fee": money.plain(terms.withdraw_fee[0], terms.decimals),
        "withdraw_fee_proportional": money.plain(terms.withdraw_fee[1], 6),
        "min_withdraw": money.plain(terms.minimum, terms.decimals),
    }
    opening = f"{json.dumps(terms.symbol)}:{json.dumps(first, separators=(',', ':'))[:-1]}"
    return opening, ",".join(f'"{name}":{figure}' for name, figure in figures.items())


def get_transactions(asked: Asked) -> HttpResponse:
    user = asked.who(Scope.READ)
    allow(user, Capability.HAS_WALLETS, Capability.LIST_TRANSACTIONS)
    symbol = asked.text("symbol") or ""
    coin = plugin_api.active_coin(symbol)
    if coin is None:
        message = f'Could not get transactions: Adapter for "{symbol[:10].upper()}" is not online'
        raise Refusal(TRANSACTIONS, message, transactions=[])
    rows = plugin_api.lines(user, coin, count=asked.whole("tx_count"), first=asked.whole("tx_from"))
    waiting = any(row.status != _DONE for row in rows)
    move_tries = site_settings.current().retries_move if waiting else 1
    return private(success(asked.request, transactions=[_shown(row, coin, move_tries) for row in rows]))


def _shown(row: Line, coin: Coin, move_tries: int) -> dict[str, Any]:
    """An operation as a row of the plugin's table: every value a text."""
    is_move, decimals = row.kind == _MOVE, coin.decimals
    sign = "" if row.incoming else "-"
    other = row.counterpart_id
    return {
        "category": row.kind,
        "tags": f"{'receive' if row.incoming else 'send'} {row.tags}" if is_move else row.tags,
        "account": str(row.user_id),
        "other_account": None if other is None else str(other),
        "address": "" if is_move else row.address,
        "extra": row.extra,
        "txid": _move_txid(row) if is_move else row.txid or None,
        "symbol": coin.symbol,
        "amount": sign + ten_decimals(int(row.gross), decimals),
        "fee": ten_decimals(int(row.fee), decimals),
        "comment": row.comment,
        "created_time": moment(row.created_at),
        "updated_time": moment(row.updated_at),
        "confirmations": str(row.confirmations),
        "status": _status(row),
        "retries": _retries(row, coin, move_tries),
        "admin_confirm": "1" if row.admin_confirm else "0",
        "user_confirm": "1" if row.user_confirm else "0",
        "other_account_name": None if other is None else plugin_api.name_of(other, row.counterpart_name),
    }


def _move_txid(row: Line) -> str:
    """The plugin's kind of name, the same for both rows of a move but for the end."""
    first = (row.pair_id if row.incoming else row.id) or 0
    return f"move-{first:014x}.{first % 10**8:08d}-{'receive' if row.incoming else 'send'}"


def _status(row: Line) -> str:
    """ "done" means to the plugin that the network has it; here it is pending until it is confirmed there."""
    sent = row.status == Operation.Status.PENDING and row.outcome == Dispatch.Outcome.SENT
    return str(Operation.Status.DONE) if sent else row.status


def _retries(row: Line, coin: Coin, move_tries: int) -> str:
    if row.kind == _DEPOSIT:
        return DEPOSIT_RETRIES
    if row.status == Operation.Status.FAILED:
        return "0"
    if row.kind == _MOVE:
        return "0" if row.status == _DONE else str(move_tries)
    return str(max(0, coin.tries_max - row.retries))
