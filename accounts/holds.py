"""Payouts wait after what a thief would do first: a new password, another second step, another address.

Its owner sees the reason and cannot lift it. Lifting takes two of the staff, neither of them the owner.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.audit import What, record
from accounts.capabilities import Capability, require
from accounts.models import PayoutHold, User
from accounts.queries import open_holds, payout_hold
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, PayoutsHeld, WrongState

Reason = PayoutHold.Reason
USUAL: Final = timedelta(hours=24)
LONGER: Final = {Reason.RECOVERY_CODE: timedelta(hours=72), Reason.HELP: timedelta(days=7)}
ENDLESS: Final = datetime(9999, 12, 31, tzinfo=UTC)


def place(*, user: User, reason: Reason, where: str = "") -> PayoutHold:
    """Keep this person's payouts back from now on, for 24 hours or as long as the reason asks for."""
    until = ENDLESS if reason == Reason.FROZEN else now() + LONGER.get(reason, USUAL)
    with transaction.atomic():
        hold = PayoutHold.objects.create(user=user, reason=reason, until=until, ip=where or None)
        User.objects.filter(Q(held_until=None) | Q(held_until__lt=until), pk=user.pk).update(held_until=until)
        record(What.PAYOUTS_HELD, who=user, ip=where, object=hold.reason, until=until.isoformat())
    user.refresh_from_db(fields=["held_until"])
    return hold


def demand_payouts(user: User) -> None:
    """Raises PayoutsHeld, with the reason and the end, while nothing may go out of this account."""
    hold = payout_hold(user)
    if hold is not None:
        raise PayoutsHeld(in_words(hold), until=hold.until.isoformat(), reason=hold.reason)


def demand_not_frozen(user: User) -> None:
    """Raises PayoutsHeld for an account that was frozen: not even members are paid from it."""
    if user.frozen_at is not None:
        demand_payouts(user)


def in_words(hold: PayoutHold) -> str:
    """What stands on the pages, and in the answers of all programs."""
    said = {"reason": _reason_of(hold), "until": date_format(timezone.localtime(hold.until), "j M Y H:i T")}
    if hold.is_endless:
        return _("Nothing leaves this account: %(reason)s. Ask the people who run this site to free it.") % said
    return _("Payouts wait until %(until)s, because %(reason)s.") % said


def _reason_of(hold: PayoutHold) -> str:
    return str(Reason(hold.reason).label)


def ask_lift(*, actor: User, hold_id: int, reason: str, where: str = "") -> PayoutHold:
    """The first of two says that it was the owner. Raises NotAllowed, NotFound, WrongState, InvalidRequest."""
    require(actor, Capability.MANAGE_WALLETS)
    if not reason.strip():
        raise InvalidRequest(_("Say how you know that it was the owner."))
    hold = _open(hold_id, actor)
    with transaction.atomic():
        asked = PayoutHold.objects.filter(pk=hold.pk, lifted_at=None)
        asked.update(asked_by=actor, asked_reason=reason.strip()[:300])
        record(What.HOLD_LIFT_ASKED, who=actor, ip=where, object=hold, about=hold.user, reason=reason.strip()[:300])
    hold.refresh_from_db()
    return hold


def lift(*, actor: User, hold_id: int, where: str = "") -> PayoutHold:
    """The second of two agrees, and payouts go on where no other hold stands. Raises as ask_lift()."""
    require(actor, Capability.APPROVE_PAYMENTS)
    hold = _open(hold_id, actor)
    if hold.asked_by_id is None:
        raise WrongState(_("Nobody has asked to lift this hold yet."))
    if hold.asked_by_id == actor.pk:
        raise NotAllowed(_("Somebody else must confirm what you asked for."))
    with transaction.atomic():
        # The row first: a hold that is placed meanwhile waits for it, and is then seen by nobody or by both.
        User.objects.filter(pk=hold.user_id).update(held_until=F("held_until"))
        lifted = PayoutHold.objects.filter(pk=hold.pk, lifted_at=None, asked_by=hold.asked_by_id)
        if not lifted.update(lifted_by=actor, lifted_at=now()):
            raise WrongState(_("This hold has ended already."))
        left = open_holds(hold.user)
        frozen = {} if left.filter(reason=Reason.FROZEN).exists() else {"frozen_at": None}
        latest = left.order_by().aggregate(latest=Max("until"))["latest"]
        User.objects.filter(pk=hold.user_id).update(held_until=latest, **frozen)
        record(What.HOLD_LIFTED, who=actor, ip=where, object=hold, about=hold.user)
    hold.refresh_from_db()
    return hold


def _open(hold_id: int, actor: User) -> PayoutHold:
    hold = PayoutHold.objects.select_related("user").filter(pk=hold_id).first()
    if hold is None:
        raise NotFound(_("There is no such hold."))
    if hold.user_id == actor.pk:
        raise NotAllowed(_("You cannot lift a hold of your own account."))
    if hold.lifted_at is not None or hold.until <= now():
        raise WrongState(_("This hold has ended already."))
    return hold
