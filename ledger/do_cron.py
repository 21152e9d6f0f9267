"""do_cron: the same drains as the cluster's, once, on one thread behind the answer; alone it suffices.

However many call at once, one run works, in one process. It takes new work for 20 seconds; what is left waits for
the next call, and whatever dies in the middle goes on there: truth stands in the tables.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from django.db import connections

from accounts import helping
from ledger import locks
from ledger.drains import chores, mail, pay, rates, reconcile, scan, webhooks
from ledger.drains.clock import new_work_for
from ledger.drains.tidy import tidy
from ledger.models import CoinWallet, CronRun
from ledger.services import lifecycle, limit_changes
from wallets_site.base.clock import now

log = logging.getLogger(__name__)
NEW_WORK_SECONDS: Final = 20
_busy = threading.Lock()


def start() -> threading.Thread | None:
    """Begin a run behind the caller's back; None when one is at work in this process."""
    if not _busy.acquire(blocking=False):
        return None
    thread = threading.Thread(target=_run_and_close, name="do_cron", daemon=True)
    thread.start()
    return thread


def is_busy() -> bool:
    """Whether a run is at work in this process."""
    return _busy.locked()


def _run_and_close() -> None:
    try:
        run()
    except Exception:
        log.exception("do_cron stopped")
    finally:
        connections.close_all()
        _busy.release()


def run() -> CronRun | None:
    """One run, here and now; None while another process is at it."""
    with locks.exclusive("do_cron") as mine:
        if not mine:
            return None
        row = CronRun.objects.create(started_at=now())
        with new_work_for(NEW_WORK_SECONDS) as budget:
            failed = [name for name, work in _work() if budget.left and not _done(name, work)]
            late = not budget.left
        row.finished_at = now()
        row.result = "not done: " + ", ".join(failed) if failed else "done; more is left" if late else "done"
        row.result = row.result[:300]
        row.save(update_fields=["finished_at", "result"])
        return row


def _work() -> list[tuple[str, Callable[[], object]]]:
    """Everything there is to do, in an order in which one run is enough for what was confirmed before it."""
    steps: list[tuple[str, Callable[[], object]]] = [
        ("payments that waited", lifecycle.release_waited), ("unconfirmed requests", lifecycle.expire_unconfirmed),
        ("help with access", helping.carry_out_due), ("limits", limit_changes.apply_due),
    ]  # fmt: skip
    for use in CoinWallet.objects.select_related("coin", "wallet").order_by("wallet__state", "pk"):
        pk, name = use.wallet_id, use.wallet.name
        steps += [
            (f"deposits of {name}", lambda pk=pk: _answered(scan.scan(pk))),  # type: ignore[misc]
            (f"payouts of {name}", lambda pk=pk: _answered(pay.pay(pk))),  # type: ignore[misc]
            (f"chores of {name}", lambda pk=pk: chores.chores(pk)),  # type: ignore[misc]
        ]
    for coin_id in reconcile.due_coins():
        steps.append((f"solvency of coin {coin_id}", lambda pk=coin_id: reconcile.reconcile(pk)))  # type: ignore[misc]
    last = [
        ("the books", reconcile.keep_books), ("shared accounts", chores.roll_up), ("mail", mail.deliver),
        ("webhooks", webhooks.deliver), ("rates", rates.refresh), ("old rows", tidy),
    ]  # fmt: skip
    return [*steps, *last]


def _answered(said: bool) -> None:
    if not said:
        raise NotAnswered


class NotAnswered(Exception):
    """The node did not answer, or another process is at the same work."""


def _done(name: str, work: Callable[[], object]) -> bool:
    try:
        work()
    except NotAnswered:
        return False
    except Exception:
        log.exception("do_cron: %s", name)
        return False
    return True
