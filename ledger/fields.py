"""AmountField: an exact, non-negative integer of atomic units, up to 50 digits, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

DIGITS: Final = 50
MAX_AMOUNT: Final = 10**DIGITS - 1


def check_amount(value: object) -> int:
    """The value itself, if it is an int (no bool) from 0 to 10^50 - 1; raises ValueError."""
    if type(value) is not int:
        raise ValueError(f"an amount is an int of atomic units, not {type(value).__name__}")
    if not 0 <= value <= MAX_AMOUNT:
        raise ValueError("an amount has 1 to 50 digits and no sign")
    return value


def to_database(amount: int, vendor: str) -> int | str:
    """numeric(50,0) takes the int; SQLite keeps 50 zero-padded digits, whose byte order is numeric order."""
    return amount if vendor == "postgresql" else f"{amount:0{DIGITS}d}"


_ST = TypeVar("_ST", contravariant=True)
_GT = TypeVar("_GT", covariant=True)

if TYPE_CHECKING:
    _Field = models.Field
else:

    class _Field(models.Field):
        def __class_getitem__(cls, _types: object) -> type:
            return cls


class AmountField(_Field[_ST, _GT]):
    _pyi_private_set_type: int
    _pyi_private_get_type: int
    description = "Amount in atomic units"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return f"numeric({DIGITS},0)" if connection.vendor == "postgresql" else "text"

    def db_check(self, connection: BaseDatabaseWrapper) -> str | None:
        column = connection.ops.quote_name(str(self.column))
        if connection.vendor == "postgresql":
            return f"{column} >= 0"
        return (
            f"{column} IS NULL OR (typeof({column}) = 'text' AND length({column}) = {DIGITS}"
            f" AND {column} NOT GLOB '*[^0-9]*')"
        )

    def get_internal_type(self) -> str:
        return "AmountField"

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return None if prepared is None else check_amount(prepared)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        amount = value if prepared else self.get_prep_value(value)
        return None if amount is None else to_database(check_amount(amount), connection.vendor)

    def from_db_value(
        self, value: str | Decimal | None, expression: object, connection: BaseDatabaseWrapper
    ) -> int | None:
        return None if value is None else int(value)

    def to_python(self, value: Any) -> Any:
        if value is None or type(value) is int:
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= DIGITS:
            return int(value)
        raise ValidationError("An amount in atomic units is 1 to 50 digits.")

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        try:
            if value is not None:
                check_amount(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))

    def formfield(self, *args: Any, **kwargs: Any) -> None:
        """People type coin units, which need the coin's decimals: forms declare their own field."""
        return


class AmountSum(models.Aggregate):
    """The exact sum of an AmountField over the rows of a group: an int; None over no rows.

    SQLite knows no whole numbers of 50 digits: it adds five pieces of ten digits each, exactly up to 900 million rows,
    and they are put together here.
    """

    function = "SUM"
    output_field = models.TextField()

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        pieces = [
            f"SUM(CAST(SUBSTR(%(expressions)s, {start}, {_PIECE}) AS INTEGER))" for start in range(1, DIGITS, _PIECE)
        ]
        return self.as_sql(compiler, connection, template=" || ':' || ".join(pieces), **context)

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Callable[..., int | None]]:
        return [_put_together]


_PIECE: Final = 10


def _put_together(value: str | Decimal | None, expression: object, connection: object) -> int | None:
    if not isinstance(value, str):
        return None if value is None else int(value)
    total = 0
    for piece in value.split(":"):
        total = total * 10**_PIECE + int(piece)
    return total
