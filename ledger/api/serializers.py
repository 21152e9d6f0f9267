"""What the REST API takes and gives. Amounts are decimal strings in coin units, exact to the last digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ledger import money, queries
from ledger.models import Address, Coin, Operation
from ledger.services.quotes import Quote

if TYPE_CHECKING:
    _Text = serializers.Field[str, Any, str, Any]
    _Form = serializers.Serializer[dict[str, Any]]
else:
    _Text = serializers.Field
    _Form = serializers.Serializer


@extend_schema_field(OpenApiTypes.STR)
class AmountText(_Text):
    """A JSON string such as "0.5". A number is refused: it may have lost digits on its way here."""

    default_error_messages = {"text": 'Write the amount as a string, for example "0.5".'}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("text")
        return data

    def to_representation(self, value: Any) -> str:
        return str(value)


class Strict(_Form):
    """Unknown fields are refused, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError(dict.fromkeys(unknown, "Unknown field."))
        return super().to_internal_value(data)


class SendRequest(Strict):
    coin = serializers.CharField(max_length=10)
    to = serializers.CharField(max_length=1000)
    amount = AmountText()
    extra = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    comment = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class AddressOrder(Strict):
    coin = serializers.CharField(max_length=10)
    label = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")  # type: ignore[assignment]


def coin_data(coin: Coin) -> dict[str, Any]:
    return {
        "symbol": coin.symbol, "name": coin.name, "decimals": coin.decimals, "confirmations": coin.confirmations,
        "terms": {
            name: getattr(queries.terms(coin), name)
            for name in ("move_fee", "withdrawal_fee", "move_minimum", "withdrawal_minimum", "withdrawal_maximum",
                         "withdrawal_daily")
        },
    }  # fmt: skip


def account_data(item: queries.CoinBalance) -> dict[str, Any]:
    places = item.coin.decimals
    return {
        "coin": item.coin.symbol, "balance": money.plain(item.total, places),
        "available": money.plain(item.available, places), "held": money.plain(item.held, places),
        "incoming": money.plain(item.incoming, places), "deposits": item.state.deposits_ok,
        "withdrawals": item.state.withdrawals_ok, "reason": item.state.reason,
    }  # fmt: skip


def operation_data(row: Operation) -> dict[str, Any]:
    places = row.coin.decimals
    return {
        "id": row.pk, "kind": row.kind, "incoming": row.incoming, "coin": row.coin.symbol, "status": row.status,
        "amount": money.plain(row.net, places), "fee": money.plain(row.fee, places),
        "total": money.plain(row.gross, places), "counterpart": row.counterpart.username if row.counterpart else None,
        "address": row.address, "extra": row.extra, "txid": row.txid, "confirmations": row.confirmations,
        "comment": row.comment, "waiting_for": queries.waiting_for(row), "created": row.created_at,
        "updated": row.updated_at, "done": row.done_at,
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
