"""An outside opinion on a payment before it is made: a function of the site's own, named by WALLETS_SCREEN.

It gets a Payment and answers "allow", "hold" or "refuse", or one of these with a reason. It runs before the payment's
transaction and never in one. An exception, a timeout and any other answer count as hold.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import connection, connections
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from ledger.services.quotes import Quote

log = logging.getLogger(__name__)
AT_ONCE: Final = 8  # one that hangs must not take a thread with each payment


class Answer(StrEnum):
    ALLOW = "allow"
    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Payment:
    """What is asked about. amount: atomic units; recipient: number of the member who gets it, None for the outside."""

    kind: str
    user_id: int
    coin: str
    decimals: int
    amount: int
    address: str
    extra: str
    recipient: int | None


@dataclass(frozen=True, slots=True)
class Screened:
    """reason: for managers, never for the sender."""

    answer: Answer
    reason: str = ""


def ask(quote: Quote) -> Screened | None:
    """None when it may go on as it is, and always when no function is named."""
    if not settings.WALLETS_SCREEN:
        return None
    if connection.in_atomic_block:
        return Screened(Answer.HOLD, "it could not be screened: a transaction was open")
    payment = Payment(
        quote.kind, quote.user_id, quote.coin.symbol, quote.coin.decimals, quote.amount, quote.address, quote.extra,
        quote.recipient.pk if quote.recipient is not None else None,
    )  # fmt: skip
    try:
        job = _pool().submit(_call, settings.WALLETS_SCREEN, payment)
        said = _read(job.result(timeout=settings.WALLETS_SCREEN_SECONDS))
    except TooLate:
        job.cancel()
        said = Screened(Answer.HOLD, f"the screening gave no answer in {settings.WALLETS_SCREEN_SECONDS} seconds")
    except Exception as error:
        log.exception("the screening failed")
        said = Screened(Answer.HOLD, f"the screening failed: {type(error).__name__}")
    return None if said.answer == Answer.ALLOW else said


def _call(path: str, payment: Payment) -> Any:
    try:
        function: Callable[[Payment], Any] = import_string(path)
        return function(payment)
    finally:
        connections.close_all()


def _read(said: Any) -> Screened:
    answer, reason = said if isinstance(said, tuple) and len(said) == 2 else (said, "")
    if answer not in list(Answer):
        return Screened(Answer.HOLD, "the screening gave an answer that is none")
    return Screened(Answer(answer), str(reason)[:200])


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="screening")
