"""What the REST API takes and gives. Amounts are decimal strings in coin units, exact to the last digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

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
    to = serializers.CharField(max_length=2010)  # an invoice, as a link
    amount = AmountText()
    extra = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    comment = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class AddressOrder(Strict):
    coin = serializers.CharField(max_length=10)
    label = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")  # type: ignore[assignment]
