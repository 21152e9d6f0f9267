"""Text <-> atomic units, by string and int code only. The one validator for every figure that enters."""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext

from ledger.fields import MAX_AMOUNT
from wallets_site.base.errors import InvalidAmount

MAX_TEXT: Final = 90
_PLAIN: Final = re.compile(r"(0|[1-9][0-9]{0,49})(?:\.([0-9]{1,36}))?", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9.]+", re.ASCII)


def parse(text: object, decimals: int) -> int:
    """Atomic units of a decimal text such as "0.5"; raises InvalidAmount with one clear sentence.

    Only ASCII digits and one dot: no sign, exponent, separator, space or other script's digits.
    """
    if not isinstance(text, str):
        raise InvalidAmount(gettext('Write the amount as text, for example "0.5".'))
    matched = _PLAIN.fullmatch(text) if len(text) <= MAX_TEXT else None
    if matched is None:
        raise InvalidAmount(_why(text))
    whole, fraction = matched.group(1), matched.group(2) or ""
    if len(fraction.rstrip("0")) > decimals:
        raise InvalidAmount(
            gettext("This coin has %(decimals)s decimals; the amount has %(fraction)s.")
            % {"decimals": decimals, "fraction": len(fraction)},
            decimals=decimals,
        )
    amount = int(whole + fraction[:decimals].ljust(decimals, "0"))
    if amount > MAX_AMOUNT:
        raise InvalidAmount(gettext("The amount is too large."))
    return amount


def parse_positive(text: object, decimals: int) -> int:
    """As parse(), and more than zero."""
    amount = parse(text, decimals)
    if amount == 0:
        raise InvalidAmount(gettext("The amount must be more than zero."))
    return amount


def _why(text: str) -> str:
    """The most helpful sentence for a text that is no plain decimal."""
    if not text.strip():
        return gettext("Enter an amount.")
    if len(text) > MAX_TEXT or (_DIGITS.fullmatch(text) and len(text.split(".")[0]) > 50):
        return gettext("The amount has too many digits.")
    if text.startswith("-"):
        return gettext("The amount must be more than zero: leave out the minus sign.")
    if "," in text:
        return gettext("Use a dot for decimals and no thousands separators, for example 1.5.")
    if re.fullmatch(r"[0-9.]+[eE][+-]?[0-9]+", text, re.ASCII):
        return gettext("Write the amount out in full, without an exponent.")
    if re.fullmatch(r"[0-9]*\.[0-9]{37,}", text, re.ASCII):
        return gettext("The amount has too many decimals.")
    return gettext("Enter digits 0-9 and at most one dot, for example 0.5.")


def plain(amount: int, decimals: int) -> str:
    """Exact decimal text, no trailing zeros, no exponent: 150000000 at 8 decimals is "1.5"."""
    sign, digits = ("-", str(-amount)) if amount < 0 else ("", str(amount))
    if decimals == 0:
        return sign + digits
    digits = digits.rjust(decimals + 1, "0")
    whole, fraction = digits[:-decimals], digits[-decimals:].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def fixed(amount: int, decimals: int) -> str:
    """Exact decimal text with all decimals, for columns that line up and for machine formats."""
    text = plain(amount, decimals)
    if decimals == 0:
        return text
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(decimals, '0')}"
