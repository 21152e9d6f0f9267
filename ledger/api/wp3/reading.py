"""get_coins_info and get_transactions."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse
from django.templatetags.static import static

from accounts.capabilities import Capability
from ledger.api.wp3 import texts
from ledger.api.wp3.answers import (
    TRANSACTIONS,
    Refusal,
    moment,
    never_cached,
    number,
    private,
    success,
    ten_decimals,
)
from ledger.api.wp3.asked import Asked, allow
from ledger.models import Coin, Dispatch, Operation, Withdrawal
from ledger.services import plugin_api, site_settings

MOST: Final = 1000
DEPOSIT_RETRIES: Final = "255"


def get_coins_info(asked: Asked) -> HttpResponse:
    user = asked.who()
    allow(user, Capability.HAS_WALLETS)
    coins = {sheet.coin.symbol: _coin(sheet) for sheet in plugin_api.sheets(user)}
    return never_cached(success(asked.request, coins=coins or []))


def _coin(sheet: plugin_api.Sheet) -> dict[str, Any]:
    coin, places = sheet.coin, sheet.coin.decimals
    found = {
        "symbol": coin.symbol,
        "name": coin.name,
        "is_fiat": coin.is_fiat,
        "is_crypto": coin.is_crypto,
        "icon_url": coin.icon_url or settings.SITE_URL + static("icons/favicon.svg"),
        "sprintf": texts.pattern_of(coin),
        "extra_desc": coin.extra_label,
        "explorer_uri_address": coin.explorer_address.replace("%", "%%").replace("{address}", "%s"),
        "explorer_uri_tx": coin.explorer_tx.replace("%", "%%").replace("{txid}", "%s"),
        "balance": number(sheet.balance, places),
        "available_balance": number(sheet.available, places),
        "rate": False,
        "move_fee": number(sheet.move_fee[0], places),
        "move_fee_proportional": number(sheet.move_fee[1], 6),
        "withdraw_fee": number(sheet.withdraw_fee[0], places),
        "withdraw_fee_proportional": number(sheet.withdraw_fee[1], 6),
        "min_withdraw": number(sheet.min_withdraw, places),
        "deposit_address": sheet.address,
    }
    return {**found, "deposit_extra": sheet.extra} if sheet.extra else found


def get_transactions(asked: Asked) -> HttpResponse:
    user = asked.who()
    allow(user, Capability.HAS_WALLETS, Capability.LIST_TRANSACTIONS)
    symbol = asked.text("symbol") or ""
    coin = plugin_api.active_coin(symbol)
    if coin is None:
        message = f'Could not get transactions: Adapter for "{symbol[:10].upper()}" is not online'
        raise Refusal(TRANSACTIONS, message, transactions=[])
    count, first = min(asked.whole("tx_count"), MOST), asked.whole("tx_from")
    rows = plugin_api.operations(user, coin, count=count, first=first)
    waiting = any(row.status != Operation.Status.DONE for row in rows)
    move_tries = site_settings.current().retries_move if waiting else 1
    shown = [_Row(row, coin, move_tries).shown for row in rows]
    return private(success(asked.request, transactions=shown))


class _Row:
    """An operation as a row of the plugin's table: every value a text."""

    def __init__(self, row: Operation, coin: Coin, move_tries: int) -> None:
        self.row, self.coin, self.decimals, self.move_tries = row, coin, coin.decimals, move_tries
        self.withdrawal: Withdrawal | None = getattr(row, "withdrawal", None)
        self.is_move = row.kind == Operation.Kind.MOVE

    @property
    def shown(self) -> dict[str, Any]:
        row, other = self.row, self.row.counterpart
        sign = "" if row.incoming else "-"
        return {
            "category": row.kind,
            "tags": f"{'receive' if row.incoming else 'send'} {row.tags}" if self.is_move else row.tags,
            "account": str(row.user_id),
            "other_account": str(row.counterpart_id) if row.counterpart_id else None,
            "address": "" if self.is_move else row.address,
            "extra": row.extra,
            "txid": self._txid(),
            "symbol": self.coin.symbol,
            "amount": sign + ten_decimals(row.gross, self.decimals),
            "fee": ten_decimals(row.fee, self.decimals),
            "comment": row.comment,
            "created_time": moment(row.created_at),
            "updated_time": moment(row.updated_at),
            "confirmations": str(row.confirmations),
            "status": self._status(),
            "retries": self._retries(),
            "admin_confirm": str(int(row.admin_confirm)),
            "user_confirm": str(int(row.user_confirm)),
            "other_account_name": plugin_api.name_of(other) if other else None,
        }

    def _txid(self) -> str | None:
        """A move has the plugin's kind of name, the same for both of its rows but for the end."""
        if not self.is_move:
            return self.row.txid or None
        first = self.row.pair_id if self.row.incoming else self.row.pk
        return f"move-{first:014x}.{(first or 0) % 10**8:08d}-{'receive' if self.row.incoming else 'send'}"

    def _status(self) -> str:
        """ "done" means to the plugin that the network has it; here it is pending until it is confirmed there."""
        sent = self.withdrawal and self.withdrawal.dispatch
        if sent and self.row.status == Operation.Status.PENDING and sent.outcome == Dispatch.Outcome.SENT:
            return str(Operation.Status.DONE)
        return self.row.status

    def _retries(self) -> str:
        if self.row.kind == Operation.Kind.DEPOSIT:
            return DEPOSIT_RETRIES
        if self.row.status == Operation.Status.FAILED:
            return "0"
        if self.is_move:
            return "0" if self.row.status == Operation.Status.DONE else str(self.move_tries)
        return str(max(0, self.coin.tries_max - self.row.retries))
