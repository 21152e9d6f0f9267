"""What programs are told of our things, by REST and by webhook: one form. Amounts are decimal strings in coin units."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from accounts.models import ApiKey
from ledger import money, nodes, queries
from ledger.models import Address, Coin, Contact, FeedItem, Invoice, Operation, Push, Webhook
from ledger.services import contacts, key_caps, rates, waiting
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
        "extra": _extra_of(coin), "fee_levels": list(nodes.fee_levels(coin)),
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


def operation_data(row: Operation, known: waiting.Estimates | None = None) -> dict[str, Any]:
    """known: estimates shared by the rows of one list."""
    said = waiting.explain(row, known)
    return {**operation_facts(row), "waiting_for": said.words, "waiting": waiting_data(said) if said.who else None}


def waiting_data(said: waiting.Waiting) -> dict[str, Any]:
    """Seconds; null where this site has seen too few of the kind to say."""
    usual = said.estimate
    return {
        "words": said.words, "who": said.who, "elapsed": said.elapsed, "p50": usual.p50 if usual else None,
        "p90": usual.p90 if usual else None, "sample": usual.sample if usual else 0,
        "likely_left": said.likely_left, "nearly_sure_left": said.nearly_sure_left, "until": said.until,
    }  # fmt: skip


def operation_facts(row: Operation) -> dict[str, Any]:
    """What stands in its row."""
    places = row.coin.decimals
    return {
        "id": row.pk, "kind": row.kind, "incoming": row.incoming, "coin": row.coin.symbol, "status": row.status,
        "purse": row.number, "amount": money.plain(row.net, places), "fee": money.plain(row.fee, places),
        "total": money.plain(row.gross, places), "counterpart": row.counterpart.username if row.counterpart else None,
        "address": row.address, "extra": row.extra, "txid": row.txid, "payment_hash": row.payment_hash,
        "confirmations": row.confirmations,
        "confirmed": bool(row.txid) and row.confirmations >= max(1, row.coin.confirmations),
        "comment": row.comment, "created": row.created_at, "updated": row.updated_at, "done": row.done_at,
    }  # fmt: skip


def address_data(row: Address, uri: str) -> dict[str, Any]:
    return {
        "id": row.pk, "coin": row.coin.symbol, "address": row.address, "extra": row.extra, "label": row.label,
        "customer_ref": row.customer_ref, "uri": uri, "created": row.assigned_at,
    }  # fmt: skip


def invoice_data(row: Invoice) -> dict[str, Any]:
    return {
        "payment_hash": row.payment_hash, "coin": row.coin.symbol, "invoice": row.bolt11,
        "amount": money.plain(row.amount, row.coin.decimals), "memo": row.memo, "status": row.status,
        "created": row.created_at, "expires": row.expires_at, "paid": row.paid_at, "operation": row.operation_id,
    }  # fmt: skip


def quote_data(quote: Quote) -> dict[str, Any]:
    places = quote.coin.decimals
    return {
        "kind": quote.kind, "coin": quote.coin.symbol, "amount": money.plain(quote.amount, places),
        "fee": money.plain(quote.fee, places), "network_reserve": money.plain(quote.network_reserve, places),
        "total": money.plain(quote.total, places), "address": quote.address, "extra": quote.extra,
        "recipient": quote.recipient.username if quote.recipient else None, "level": quote.level,
        "wait": quote.wait, "warnings": list(quote.warnings),
        "expires": quote.expires_at,
    }  # fmt: skip


def bound_data(bound: queries.Bound) -> dict[str, Any]:
    def text(amount: int | None) -> str | None:
        return None if amount is None else money.plain(amount, bound.coin.decimals)

    return {
        "coin": bound.coin.symbol, "purpose": bound.purpose, "minimum": text(bound.minimum),
        "maximum": text(bound.maximum), "daily": text(bound.daily), "used": text(bound.used), "left": text(bound.left),
    }  # fmt: skip


def rate_data(coin: Coin, worth: rates.Worth) -> dict[str, Any]:
    return {
        "coin": coin.symbol, "price": money.plain(worth.price, rates.DECIMALS), "at": worth.at,
        "stale": worth.is_stale, "source": worth.source,
    }  # fmt: skip


def contact_data(row: Contact) -> dict[str, Any]:
    return {
        "id": row.pk, "label": row.label, "member": str(row.member) if row.member else None,
        "coin": row.coin.symbol if row.coin else None, "address": row.address, "extra": row.extra,
        "confirmed": row.confirmed_at, "usable_from": contacts.usable_from(row),
    }  # fmt: skip


def caps_data(key: ApiKey, caps: key_caps.Caps | None = None) -> list[dict[str, Any]]:
    return [
        {"coin": coin.symbol, "daily": money.plain(daily, coin.decimals), "left": money.plain(left, coin.decimals)}
        for coin, daily, left in (key_caps.caps_of(key) if caps is None else caps)
    ]


def key_data(key: ApiKey, caps: key_caps.Caps | None = None) -> dict[str, Any]:
    """caps: where the caller asked for those of many keys at once."""
    return {
        "id": key.pk, "name": key.name, "prefix": key.prefix, "scopes": key.scopes, "addresses": key.addresses,
        "caps": caps_data(key, caps), "created": key.created_at, "expires": key.expires_at, "revoked": key.revoked_at,
        "last_used": key.last_used_at, "last_ip": key.last_ip,
    }  # fmt: skip


def webhook_data(row: Webhook) -> dict[str, Any]:
    return {
        "id": row.pk, "url": row.url, "label": row.label, "names": row.names, "active": row.is_active,
        "reason": row.reason, "failures": row.failures, "created": row.created_at,
        "previous_secret_until": row.previous_until,
    }  # fmt: skip


def push_data(row: Push) -> dict[str, Any]:
    waits = row.state == Push.State.QUEUED
    return {
        "id": row.pk, "webhook": row.webhook_id, "name": row.name, "subject": row.subject, "state": row.state,
        "created": row.created_at, "sent": row.sent_at, "next": row.next_at if waits else None,
        "attempts": [
            {"at": each.at, "status": each.status, "error": each.error, "milliseconds": each.milliseconds}
            for each in sorted(row.attempts.all(), key=lambda each: each.pk)
        ],
    }  # fmt: skip
