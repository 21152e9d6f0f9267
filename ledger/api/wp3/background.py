"""notify and do_cron: called by daemons and by cron, with no session and no key."""

from __future__ import annotations

import hmac

from django.http import HttpResponse

from ledger import do_cron as cron
from ledger.api.notify import body_of, hint, too_many
from ledger.api.wp3.answers import UNSPECIFIED, Refusal, success
from ledger.api.wp3.asked import Asked
from ledger.services import site_settings


def notify(asked: Asked) -> HttpResponse:
    """Success whatever is said: the answer tells nobody which coins and payments this site knows."""
    said = [asked.text(name) or "" for name in ("symbol", "notify_type", "notify_message")]
    secret = asked.text("notify_secret") or ""
    if not hint(asked.where, *said, secret=secret, body=body_of(asked.request)):
        return too_many()
    return success(asked.request)


def do_cron(asked: Asked) -> HttpResponse:
    """Answers first; the work goes on behind it."""
    given = asked.text("cron_nonce") or ""
    wanted = site_settings.current().cron_nonce
    if not wanted or not hmac.compare_digest(wanted.encode(), given.encode()):
        raise Refusal(UNSPECIFIED, "Error while trigerring cron tasks: You must supply the cron nonce.")
    cron.start()
    return success(asked.request)
