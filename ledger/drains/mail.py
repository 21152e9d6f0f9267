"""The outbox: events that somebody should hear of become letters, and letters that are due are sent."""

from __future__ import annotations

import logging
from typing import Final

from ledger.drains.clock import Budget
from ledger.models import Delivery, Event
from ledger.services import mail
from wallets_site.base.clock import now

log = logging.getLogger(__name__)
BATCH: Final = 200


def has_work() -> bool:
    due = Delivery.objects.filter(state=Delivery.State.QUEUED, next_at__lte=now())
    return Event.objects.filter(mail_due=True).exists() or due.exists()


def deliver() -> int:
    """Plan, then send what is due; how many were sent. One that fails is tried again after a growing pause."""
    budget, sent = Budget(), 0
    for event_id in list(Event.objects.filter(mail_due=True).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        mail.plan(event_id)
    rows = Delivery.objects.filter(state=Delivery.State.QUEUED, next_at__lte=now()).order_by("next_at", "pk")
    for row in list(rows.select_related("event__operation__coin", "event__operation__counterpart", "user")[:BATCH]):
        if not budget.left:
            break
        sent += mail.claim(row) and _send(row)
    return sent


def _send(row: Delivery) -> bool:
    try:
        letter = mail.compose(row)
        if letter is not None:
            letter.send()
    except Exception as error:  # noqa: BLE001 - whatever the mail server or a template of the site's raises
        log.warning("mail %s: %s", row.pk, type(error).__name__)
        mail.note_sent(row, f"{type(error).__name__}: {error}")
        return False
    mail.note_sent(row)
    return letter is not None
