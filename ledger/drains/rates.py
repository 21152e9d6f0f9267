"""Asks the configured source what coins are worth. Off unless a site names one."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache

from ledger.services import rates
from wallets_site.base.net import Client, NetError

log = logging.getLogger(__name__)
EVERY: Final = 300  # seconds
_ASKED: Final = "rates:asked"


def is_due() -> bool:
    return bool(settings.WALLETS_RATES_URL) and cache.get(_ASKED) is None


def refresh() -> int:
    """How many rates were taken; nothing when another process asked a moment ago."""
    url = settings.WALLETS_RATES_URL
    if not url or not cache.add(_ASKED, 1, EVERY):
        return 0
    client = Client(public_only=True)
    try:
        answer = client.get(url)
        said = read(answer.body) if answer.status == 200 else None
    except (NetError, ValueError) as error:
        log.warning("no rates: %s", error if isinstance(error, NetError) else "the answer is not JSON")
        return 0
    finally:
        client.close()
    taken = rates.take(said, source=str(urlsplit(url).hostname))
    if not taken:
        log.warning("no rates: the answer (status %s) names no coin of this site", answer.status)
    return taken


def read(body: bytes) -> Any:
    """JSON with exact numbers. Raises ValueError."""
    try:
        return json.loads(body, parse_float=Decimal)
    except (RecursionError, ArithmeticError):  # too deep; an exponent of more than 18 digits
        raise ValueError("not to be read") from None
