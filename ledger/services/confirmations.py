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
from ledger.models import Coin, Operation, PolicyDecision, Purpose
from ledger.services import rules, site_settings
from ledger.services.policy_rules import Policy
from ledger.services.screening import Screened
from wallets_site.base import crypto
from wallets_site.base.clock import now

TOKEN: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Needs:
    """policy, screen: what must still be asked under the locks (services/policy.py); outcome: what these decided."""

    user: bool
    admin: bool
    policy: Policy | None = None
    screen: Screened | None = None
    outcome: PolicyDecision | None = None

    @property
    def any(self) -> bool:
        return self.user or self.admin or (self.outcome is not None and self.outcome.holds)

    @property
    def watched(self) -> bool:
        """Whether it is known under the locks only if anything is needed."""
        return self.policy is not None or self.screen is not None


def needed(*, coin: Coin, purpose: Purpose, amount: int, proof: proofs.Proof, screen: Screened | None = None) -> Needs:
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
    return Needs(user=by_mail and by_program, admin=by_manager, policy=known.policy, screen=screen)


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
    """32 hex digits: the confirmation of this version of this operation.

    A link that was asked for before the secret was replaced stays what it was.
    """
    said = crypto.canonical({"confirm": operation.pk, "version": operation.version})
    secrets = [one for one in (settings.WALLETS_KEY_SECRET, settings.WALLETS_KEY_SECRET_PREVIOUS) if one]
    made = [hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()[:32] for secret in secrets]
    return next((token for token in made if digest_of(token) == operation.confirm_digest), made[0])


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
