"""Threads that wait: for the end of a payment, or with a stream of payments. Few enough that pages still answer.

Seats are counted in each web process. Nothing waits with a database connection in hand.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings
from django.db import connections

from ledger.models import Operation
from ledger.services import purse_payments
from ledger.services.purse_payments import Payment

PAUSE: Final = 0.15


class Seats:
    """all: in this process; each: of one holder."""

    def __init__(self, all: int, each: int) -> None:
        self.all, self.each = all, each
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, holder: str) -> bool:
        with self._lock:
            if self._taken.total() >= self.all or self._taken[holder] >= self.each:
                return False
            self._taken[holder] += 1
            return True

    def leave(self, holder: str) -> None:
        with self._lock:
            self._taken[holder] -= 1
            if self._taken[holder] <= 0:
                del self._taken[holder]

    @contextmanager
    def seat(self, holder: str) -> Iterator[bool]:
        taken = self.take(holder)
        try:
            yield taken
        finally:
            if taken:
                self.leave(holder)


payers = Seats(all=max(1, settings.WEB_THREADS // 4), each=1)


def for_end(operation: Operation) -> Payment:
    """The payment when it has ended, or as it stands after a few seconds; at once where no seat is free."""
    if operation.is_final:
        return purse_payments.of_operation(operation)
    ends = time.monotonic() + settings.LNBITS_PAY_WAIT
    with payers.seat(str(operation.account_id)) as taken:
        while taken and not operation.is_final and time.monotonic() < ends:
            connections.close_all()
            time.sleep(PAUSE)
            operation = Operation.objects.select_related("withdrawal__dispatch").get(pk=operation.pk)
    return purse_payments.of_operation(operation)
