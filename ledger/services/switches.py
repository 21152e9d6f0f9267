"""Switches that stop things by hand, for one coin or the whole site. One manager stops; two let payouts go on.

What is stopped is read with the other rules (services/rules.py), so that everybody sees it at once, the worker too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import What as Audit
from accounts.audit import record
from accounts.capabilities import Capability, require
from ledger import events, locks
from ledger.models import Coin, Switch
from ledger.services import rules
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, SiteReadOnly, WrongState

if TYPE_CHECKING:
    from accounts.models import User

What = Switch.What
LONGEST: Final = 200


def turn_on(*, user: User, what: Switch.What, coin: Coin | None, reason: str, where: str = "") -> Switch:
    """Stop it now; the switch that stands already where there is one. Members read the reason.

    Raises NotAllowed, InvalidRequest.
    """
    require(user, Capability.MANAGE_WALLETS)
    text = reason.strip()[:LONGEST]
    if not text:
        raise InvalidRequest(_("Say why: members read it."))
    if what == What.READ_ONLY and coin is not None:
        raise InvalidRequest(_("Only the whole site can be set to reading."))
    if (standing := _standing(what, coin)) is not None:
        return standing
    try:
        with transaction.atomic(durable=True):
            made = Switch.objects.create(what=what, coin=coin, reason=text, on_by=user)
            record(Audit.SWITCH_ON, who=user, ip=where, object=made, reason=text)
            events.emit("switched_off", what=what, coin=coin.symbol if coin else "", reason=text, by=user.pk)
    except IntegrityError:  # somebody else did at this moment
        found = _standing(what, coin)
        assert found is not None
        return found
    rules.forget_recent()
    return made


def _standing(what: Switch.What, coin: Coin | None) -> Switch | None:
    return Switch.objects.filter(what=what, coin=coin, off_at=None).first()


def turn_off(*, user: User, switch_id: int, reason: str, where: str = "") -> Switch:
    """Let it go on. Of payouts the first person only asks for it, and another one does it: see confirm_off.

    Raises NotAllowed, InvalidRequest, NotFound, WrongState.
    """
    require(user, Capability.MANAGE_WALLETS)
    text = reason.strip()[:LONGEST]
    if not text:
        raise InvalidRequest(_("Say why it may go on."))
    with transaction.atomic(durable=True):
        row = _open(switch_id)
        row.asked_by, row.asked_reason = user, text
        if row.what != What.PAYOUTS:
            row.off_by, row.off_at = user, now()
        row.save(update_fields=["asked_by", "asked_reason", "off_by", "off_at"])
        record(Audit.SWITCH_OFF if row.off_at else Audit.SWITCH_OFF_ASKED, who=user, ip=where, object=row, reason=text)
        events.emit("switch_asked" if row.off_at is None else "switched_on", what=row.what, by=user.pk, reason=text)
    rules.forget_recent()
    return row


def confirm_off(*, user: User, switch_id: int, where: str = "") -> Switch:
    """The second person lets payouts go on. Raises NotAllowed to the one who asked, NotFound, WrongState."""
    require(user, Capability.APPROVE_PAYMENTS)
    with transaction.atomic(durable=True):
        row = _open(switch_id)
        if row.asked_by_id is None:
            raise WrongState(_("Nobody has asked for this yet."))
        if row.asked_by_id == user.pk:
            raise NotAllowed(_("Somebody else must confirm what you asked for."))
        row.off_by, row.off_at = user, now()
        row.save(update_fields=["off_by", "off_at"])
        record(Audit.SWITCH_OFF, who=user, ip=where, object=row, reason=row.asked_reason)
        events.emit("switched_on", what=row.what, by=user.pk, reason=row.asked_reason)
    rules.forget_recent()
    return row


def _open(switch_id: int) -> Switch:
    row = locks.switch(switch_id)
    if row is None:
        raise NotFound(_("There is no such switch."))
    if row.off_at is not None:
        raise WrongState(_("This goes on already."))
    return row


def payouts_stopped(coin: Coin) -> bool:
    """Whether nothing of this coin may leave: asked right before each send."""
    return What.PAYOUTS in rules.current().of(coin).halted


def deposits_stopped(coin: Coin) -> bool:
    """Whether what comes in waits before it is credited; known up to a second late. Reading alone stops no deposit."""
    return rules.recent().stop(What.DEPOSITS, coin) is not None


def read_only() -> SiteReadOnly | None:
    """What to answer to whoever wants to change something while the site only reads; known up to a second late."""
    reason = rules.recent().stop(What.READ_ONLY)
    return None if reason is None else _refusal(reason)


def demand_writable() -> None:
    """Raises SiteReadOnly."""
    reason = rules.current().stop(What.READ_ONLY)
    if reason is not None:
        raise _refusal(reason)


def _refusal(reason: str) -> SiteReadOnly:
    words = _("This site can only be read for now: %(reason)s Balances are safe.") % {"reason": _sentence(reason)}
    return SiteReadOnly(words, reason=reason)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else text + "."
