"""Hands queued messages over to people's programs: several at once, to one target one after the other."""

from __future__ import annotations

import logging
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

from django.conf import settings

from ledger.drains.alone import alone
from ledger.drains.clock import Budget
from ledger.models import Push
from ledger.services import feed, webhooks
from wallets_site.base.net import Client, NetError

log = logging.getLogger(__name__)
LINES: Final = 8
OF_ONE_PERSON: Final = 3
READ_SECONDS: Final = 8
TOTAL_SECONDS: Final = 12
LARGEST: Final = 65_536
_Outcome = tuple[int | None, str, int]


def has_work() -> bool:
    return webhooks.has_due() or bool(feed.behind())


def deliver() -> int:
    """Bring the feeds of those who listen up to date and hand over what is due; how many were taken."""
    taken = 0

    def work() -> bool:
        nonlocal taken
        budget = Budget()
        for user_id in feed.behind():
            while budget.left and feed.publish(user_id):
                pass
        taken += _hand_over(budget)
        webhooks.forget_old()
        return True

    alone("webhooks", work)
    return taken


def _hand_over(budget: Budget) -> int:
    """The threads only call; everything that is read or written here stays in this one."""
    running: dict[Future[_Outcome], Push] = {}
    taken = 0
    with ThreadPoolExecutor(max_workers=LINES) as pool:
        while True:
            if budget.left:
                for push in _next(list(running.values())):
                    running[pool.submit(_call, webhooks.address_of(push), push.body, webhooks.headers_of(push))] = push
            if not running:
                return taken
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                push, (status, error, milliseconds) = running.pop(future), future.result()
                webhooks.note(push, status=status, error=error, milliseconds=milliseconds)
                taken += not error


def _next(running: list[Push]) -> list[Push]:
    """What to begin now; one slow person does not take every line."""
    per_person = Counter(push.user_id for push in running)
    begun = []
    for push in webhooks.due(busy={push.target for push in running}, most=LINES - len(running)):
        if per_person[push.user_id] < OF_ONE_PERSON and webhooks.claim(push):
            per_person[push.user_id] += 1
            begun.append(push)
    return begun


def _call(url: str, body: str, headers: dict[str, str]) -> _Outcome:
    """(status or None, what went wrong, milliseconds). Nothing of the answer's text is kept."""
    client = Client(public_only=True, largest=LARGEST, inside=settings.WALLETS_WEBHOOK_PRIVATE)
    started = time.monotonic()
    status, error = None, ""
    try:
        status = client.post(
            url, body.encode(), headers=headers, read_seconds=READ_SECONDS, total_seconds=TOTAL_SECONDS
        ).status
        error = "" if 200 <= status < 300 else f"It answered with {status}."
    except NetError as failure:
        error = str(failure)
    finally:
        client.close()
    return status, error, int((time.monotonic() - started) * 1000)
