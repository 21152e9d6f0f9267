"""What the REST API takes. Amounts are decimal strings in coin units, exact to the last digit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api_keys import MOST_ADDRESSES, Scope
from ledger.models import Operation
from ledger.services import feed

if TYPE_CHECKING:
    _Text = serializers.Field[str, Any, str, Any]
    _Whole = serializers.Field[int, Any, int, Any]
    _Form = serializers.Serializer[dict[str, Any]]
else:
    _Text = _Whole = serializers.Field
    _Form = serializers.Serializer

LARGEST: Final = 10**18 - 1
_DIGITS: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


@extend_schema_field({"type": "string", "pattern": r"^[0-9]{1,40}(\.[0-9]{1,36})?$", "example": "0.5"})
class AmountText(_Text):
    """A JSON string such as "0.5". A number is refused: it may have lost digits on its way here."""

    default_error_messages = {"text": 'Write the amount as a string, for example "0.5".'}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("text")
        return data

    def to_representation(self, value: Any) -> str:
        return str(value)


class Words(serializers.CharField):
    """Text only: a number or a truth value is not read as if it were text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(_Whole):
    """A whole number up to 18 digits, ASCII only; in a query string its digits."""

    default_error_messages = {"number": "Write a whole number from {least} to {most}."}

    def __init__(self, *, least: int = 0, most: int = LARGEST, **options: Any) -> None:
        super().__init__(**options)
        self.least, self.most = least, most

    def to_internal_value(self, data: Any) -> int:
        text = str(data) if isinstance(data, str | int) and not isinstance(data, bool) else ""
        if _DIGITS.fullmatch(text) is None or not self.least <= int(text) <= self.most:
            self.fail("number", least=self.least, most=self.most)
        return int(text)

    def to_representation(self, value: Any) -> int:
        return int(value)


def whole(least: int = 0, most: int = LARGEST, **options: Any) -> Whole:
    schema = {"type": "integer", "minimum": least, "maximum": most}
    described = extend_schema_field(schema)(type("Whole", (Whole,), {}))
    return described(least=least, most=most, **options)  # type: ignore[no-any-return]


class Strict(_Form):
    """Unknown fields are refused, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError(dict.fromkeys(map(str, unknown), "Unknown field."))
        return super().to_internal_value(data)


def optional(most: int, **options: Any) -> Words:
    return Words(max_length=most, required=False, allow_blank=True, default="", **options)


class NoQuery(Strict):
    """An endpoint that takes no parameters."""


class CoinQuery(Strict):
    coin = Words(max_length=10)
    customer_ref = optional(100)


class OperationsQuery(Strict):
    coin = Words(max_length=10, required=False)
    kind = serializers.ChoiceField(Operation.Kind.choices, required=False)
    status = serializers.ChoiceField(Operation.Status.choices, required=False)
    before = whole(required=False)
    limit = whole(1, 100, required=False, default=25)


class EventsQuery(Strict):
    after = whole(required=False, default=0)
    limit = whole(1, feed.MOST, required=False, default=100)


class PageQuery(Strict):
    before = whole(required=False)
    limit = whole(1, 100, required=False, default=25)


class DeliveriesQuery(PageQuery):
    subject = optional(60)


class CurrencyQuery(Strict):
    currency = Words(max_length=3, min_length=3, required=False)


class SendRequest(Strict):
    coin = Words(max_length=10)
    to = Words(max_length=2010)  # an invoice, as a link
    amount = AmountText(required=False, default="")  # only an invoice names its own
    extra = optional(200)
    comment = optional(500)
    level = optional(20)  # of the network's fee, one of the coin's fee_levels


class InvoicesQuery(PageQuery):
    coin = Words(max_length=10)


class InvoiceOrder(Strict):
    coin = Words(max_length=10)
    amount = AmountText()
    memo = optional(639)
    expires_in = whole(1, 30 * 86_400, required=False)
    description_hash = optional(64)


class AddressOrder(Strict):
    coin = Words(max_length=10)
    label = optional(60)  # type: ignore[assignment]
    customer_ref = optional(100)


class AddressChange(Strict):
    label = Words(max_length=60, allow_blank=True)  # type: ignore[assignment]


class ContactOrder(Strict):
    label = Words(max_length=60)  # type: ignore[assignment]
    to = Words(max_length=1000)
    coin = Words(max_length=10, required=False)
    extra = optional(200)


class Cap(Strict):
    coin = Words(max_length=10)
    daily = AmountText()


class KeyOrder(Strict):
    name = Words(max_length=60)
    scopes = serializers.ListField(child=serializers.ChoiceField([scope.value for scope in Scope]), min_length=1)
    expires = serializers.DateTimeField(required=False, allow_null=True, default=None)
    addresses = serializers.ListField(
        child=Words(max_length=60), required=False, default=list, max_length=MOST_ADDRESSES
    )
    caps = serializers.ListField(child=Cap(), required=False, default=list, max_length=100)


class WebhookOrder(Strict):
    url = Words(max_length=2000)
    names = serializers.ListField(child=Words(max_length=40), required=False, default=list, max_length=100)
    label = optional(60)  # type: ignore[assignment]


class WebhookChange(Strict):
    active = serializers.BooleanField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(self.initial_data.get("active"), bool):
            raise serializers.ValidationError({"active": "Write true or false."})
        return attrs


class ResendOrder(Strict):
    subject = optional(60)
    since = serializers.DateTimeField(required=False, allow_null=True, default=None)
    until = serializers.DateTimeField(required=False, allow_null=True, default=None)
