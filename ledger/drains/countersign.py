"""Nothing leaves without the signer's consent, where one is configured: the worker's side of it."""

from __future__ import annotations

import json
import logging
import socket
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from ledger import events
from ledger.drains.signer.words import LONGEST_LINE, is_signed
from ledger.models import Dispatch
from ledger.services import wallets

log = logging.getLogger(__name__)
SECONDS: Final = 80  # the signer asks its node as well


def why_not(row: Dispatch) -> str:
    """Empty when this may be sent: the signer agreed, or there is none."""
    if not settings.WALLETS_SIGNER:
        return ""
    answer = _ask(row.pk)
    if answer is None:
        return _("Waiting for the signer, which does not answer. It goes on by itself.")
    if is_signed(row, str(answer.get("signature", "")), settings.WALLETS_SIGNER_KEY):
        return ""
    reason = str(answer.get("refused") or "its signature is not one of the configured key")[:200]
    _tell(row, reason)
    return _("The signer does not agree: %(reason)s") % {"reason": reason}


def _ask(pk: int) -> dict[str, Any] | None:
    """None when nothing is known: it is down, or says nothing that can be read."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(SECONDS)
            line.connect(settings.WALLETS_SIGNER)
            line.sendall(json.dumps({"dispatch": pk}).encode() + b"\n")
            with line.makefile("rb") as said:
                found = json.loads(said.readline(LONGEST_LINE))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _tell(row: Dispatch, reason: str) -> None:
    log.error("dispatch %s: the signer does not agree: %s", row.pk, reason)
    if wallets.first_this_hour(f"unsigned:{row.pk}"):
        events.emit("payout_unsigned", dispatch=row.pk, reason=reason)
