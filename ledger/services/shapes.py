"""What programs are told of our things, by REST and by webhook: one form. Amounts are decimal strings in coin units."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ledger import money, nodes, queries
from ledger.models import Address, Coin, FeedItem, Operation
from ledger.services.quotes import Quote


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def item_data(item: FeedItem) -> dict[str, Any]:
    """One thing of a feed, as it is read and as it is pushed."""
    return {
        "number": item.number, "name": item.name, "subject": item.subject, "created": stamp(item.created_at),
        "data": item.data,
    }  # fmt: skip


def coin_data(coin: Coin) -> dict[str, Any]:
    return {
        "symbol": coin.symbol, "name": coin.name, "decimals": coin.decimals, "confirmations": coin.confirmations,
        "extra": _extra_of(coin),
        "terms": {
            name: getattr(queries.terms(coin), name)
            for name in ("move_fee", "withdrawal_fee", "move_minimum", "withdrawal_minimum", "withdrawal_maximum",
                         "withdrawal_daily")
        },
    }  # fmt: skip


def _extra_of(coin: Coin) -> dict[str, str] | None:
    """How its addresses' second part is called and what it is for; null where there is none."""
    words = nodes.extra_words(coin)
    return None if words is None else {"name": words.name, "help": words.help}


def account_data(item: queries.CoinBalance) -> dict[str, Any]:
    places = item.coin.decimals
    return {
        "coin": item.coin.symbol, "balance": money.plain(item.total, places),
        "available": money.plain(item.available, places), "held": money.plain(item.held, places),
        "incoming": money.plain(item.incoming, places), "deposits": item.state.deposits_ok,
        "withdrawals": item.state.withdrawals_ok, "reason": item.state.reason,
    }  # fmt: skip


def operation_data(row: Operation) -> dict[str, Any]:
    return {**operation_facts(row), "waiting_for": queries.waiting_for(row)}


def operation_facts(row: Operation) -> dict[str, Any]:
    """What stands in its row."""
    places = row.coin.decimals
    return {
        "id": row.pk, "kind": row.kind, "incoming": row.incoming, "coin": row.coin.symbol, "status": row.status,
        "amount": money.plain(row.net, places), "fee": money.plain(row.fee, places),
        "total": money.plain(row.gross, places), "counterpart": row.counterpart.username if row.counterpart else None,
        "address": row.address, "extra": row.extra, "txid": row.txid, "confirmations": row.confirmations,
        "confirmed": bool(row.txid) and row.confirmations >= max(1, row.coin.confirmations),
        "comment": row.comment, "created": row.created_at, "updated": row.updated_at, "done": row.done_at,
    }  # fmt: skip


def address_data(row: Address, uri: str) -> dict[str, Any]:
    return {
        "id": row.pk, "coin": row.coin.symbol, "address": row.address, "extra": row.extra, "label": row.label,
        "uri": uri, "created": row.assigned_at,
    }  # fmt: skip


def quote_data(quote: Quote) -> dict[str, Any]:
    places = quote.coin.decimals
    return {
        "kind": quote.kind, "coin": quote.coin.symbol, "amount": money.plain(quote.amount, places),
        "fee": money.plain(quote.fee, places), "network_reserve": money.plain(quote.network_reserve, places),
        "total": money.plain(quote.total, places), "address": quote.address, "extra": quote.extra,
        "recipient": quote.recipient.username if quote.recipient else None, "warnings": list(quote.warnings),
        "expires": quote.expires_at,
    }  # fmt: skip
