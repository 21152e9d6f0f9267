"""What people type, as the plugin cleans it (WordPress's sanitize_text_field), and figures as its pages print them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from django.utils.html import strip_tags

from ledger import money
from ledger.api.wp3.answers import Refusal
from ledger.models import Coin
from ledger.services.plugin_api import Terms

LONGEST_COMMENT: Final = 500
LONGEST_TAGS: Final = 190
_FIGURE: Final = re.compile(r"\s*([+-]?)([0-9]*)(?:\.([0-9]*))?", re.ASCII)
_PATTERN: Final = re.compile(r"%01\.([0-9]{1,2})f")


def clean(text: str) -> str:
    """One line without markup and control characters."""
    if text.isascii() and text.isprintable() and "<" not in text and "  " not in text:
        return text.strip()
    line = re.sub(r"\s+", " ", strip_tags(text.replace("\ufffd", "")))
    return "".join(each for each in line if unicodedata.category(each) not in ("Cc", "Cs", "Co", "Cn")).strip()


def comment_of(text: str, code: int) -> str:
    """Raises Refusal: the plugin answers a comment its table cannot hold with a dump of the row."""
    cleaned = clean(text)
    if len(cleaned) > LONGEST_COMMENT:
        raise Refusal(code, f"A comment has at most {LONGEST_COMMENT} characters.")
    return cleaned


def tags_of(text: str, code: int) -> str:
    """Split at white space, each once, in the order they came."""
    tags = " ".join(dict.fromkeys(clean(text).split()))
    if len(tags) > LONGEST_TAGS:
        raise Refusal(code, f"The tags have at most {LONGEST_TAGS} characters together.")
    return tags


def is_nothing(figure: str) -> bool:
    """Whether PHP would read this as zero or less: no digits in front, only zeros, or a minus."""
    sign, whole, fraction = _FIGURE.match(figure).groups(default="")  # type: ignore[union-attr]
    return sign == "-" or not (whole + fraction).strip("0")


def pattern_of(coin: Coin | Terms) -> str:
    return coin.pattern or f"{coin.symbol} %01.{min(coin.decimals, 8)}f"


def printed(amount: int, coin: Coin) -> str:
    """An amount in the coin's pattern: "฿0.50000000"."""
    pattern = pattern_of(coin)
    found = _PATTERN.search(pattern)
    places = int(found[1]) if found else coin.decimals
    whole, _, fraction = money.plain(amount, coin.decimals).partition(".")
    text = f"{whole}.{fraction.ljust(places, '0')[:places]}" if places else whole
    return _PATTERN.sub(text, pattern)


def at_least_six(amount: int, decimals: int) -> str:
    """PHP's %f, and every digit a smaller amount needs: "0.010000"."""
    whole, _, fraction = money.plain(amount, decimals).partition(".")
    return f"{whole}.{fraction.ljust(6, '0')}"
