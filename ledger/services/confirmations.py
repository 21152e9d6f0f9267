"""Which confirmations a payment needs, and the link by which its owner gives theirs.

The token of a link is derived from the operation and its version, so that it stands nowhere: not in the outbox and,
but for its digest, not in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings

from accounts import proof as proofs
from ledger import events
from ledger.models import Coin, Operation, Purpose
from ledger.services import rules, site_settings
from wallets_site.base import crypto
from wallets_site.base.clock import now

TOKEN: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Needs:
    user: bool
    admin: bool

    @property
    def any(self) -> bool:
        return self.user or self.admin


def needed(*, coin: Coin, purpose: Purpose, amount: int, proof: proofs.Proof) -> Needs:
    """amount: what the recipient gets, atomic units. The owner's mail is asked for where no factor was shown."""
    known = rules.current()
    site = known.site
    is_move = purpose == Purpose.MOVE
    by_mail = site.confirm_move_user if is_move else site.confirm_withdraw_user
    by_program = proof.factor == proofs.Factor.PLUGIN_API
    by_manager = site.confirm_move_admin if is_move else site.approve_withdrawals
    by_manager |= by_program and not is_move and site.confirm_withdraw_admin
    if not by_manager:
        limit = known.of(coin).limits.get(purpose)
        by_manager = limit is not None and limit.approve_above is not None and amount > limit.approve_above
    return Needs(user=by_mail and by_program, admin=by_manager)


def ask(operation: Operation) -> None:
    """Tell whoever has to confirm; inside the transaction that wrote the operation."""
    if operation.needs_user_confirm and not operation.user_confirm:
        hours = site_settings.current().confirm_link_hours
        operation.confirm_digest = digest_of(token_of(operation))
        operation.confirm_expires_at = now() + timedelta(hours=hours)
        operation.save(update_fields=["confirm_digest", "confirm_expires_at"])
        name = "confirm_move" if operation.kind == Operation.Kind.MOVE else "confirm_withdrawal"
        events.emit(name, user_id=operation.user_id, operation=operation)
    if operation.needs_admin_confirm and not operation.admin_confirm:
        events.emit("approval_needed", operation=operation)


def token_of(operation: Operation) -> str:
    """32 hex digits: the confirmation of this version of this operation."""
    said = {"confirm": operation.pk, "version": operation.version}
    made = hmac.new(settings.WALLETS_KEY_SECRET.encode(), crypto.canonical(said), hashlib.sha256)
    return made.hexdigest()[:32]


def digest_of(token: str) -> str:
    return crypto.digest({"confirmation": token})


def find(token: str) -> Operation | None:
    """The operation this link is for, while it may still be confirmed by it."""
    if TOKEN.fullmatch(token) is None:
        return None
    rows = Operation.objects.select_related("coin", "counterpart").filter(
        confirm_digest=digest_of(token), status=Operation.Status.UNCONFIRMED, confirm_expires_at__gt=now()
    )
    return rows.first()
