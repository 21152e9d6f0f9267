"""Bounds of a coin's payments: what allows less counts at once, what allows more needs a second person and a wait.

As for versions of the rules (policy_sets.py): where nobody else could agree, the wait alone remains.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import What, record
from accounts.capabilities import Capability, require
from ledger import events, locks
from ledger.models import Coin, Limit, LimitChange, Purpose
from ledger.services import site_settings
from ledger.services.mail import people_who_may
from wallets_site.base.clock import now
from wallets_site.base.errors import NotAllowed, NotFound, WrongState

if TYPE_CHECKING:
    from accounts.models import User

State = LimitChange.State
FIELDS: Final = ("minimum", "maximum", "daily", "approve_above")
OPEN: Final = (State.ASKED, State.AGREED)
Bounds = Mapping[str, int | None]
Pairs = Mapping[str, tuple[int | None, int | None]]  # by field: what stands, what shall


def allows_more(name: str, old: int | None, new: int | None) -> bool:
    """Whether a payment that was refused, or waited for a manager, would pass with the new bound (None: no bound)."""
    if old is None or old == new:
        return False
    return new is None or (new < old if name == "minimum" else new > old)


def change(*, user: User, coin: Coin, purpose: Purpose, bounds: Bounds, where: str = "") -> LimitChange | None:
    """Put these bounds in the place of those that stand, field by field: at once where they allow less.

    Returns what must wait, or None. A change of the same limit that waited is overtaken. Raises NotAllowed.
    """
    require(user, Capability.MANAGE_WALLETS)
    site_settings.current()
    with transaction.atomic():
        locks.site_settings()  # one limit is compared and changed at a time
        row = _standing(coin, purpose)
        asked = {name: (getattr(row, name), bounds.get(name)) for name in FIELDS}
        differs = {name: pair for name, pair in asked.items() if pair[0] != pair[1]}
        if not differs:
            return None
        looser = {name: pair for name, pair in differs.items() if allows_more(name, *pair)}
        tighter = {name: pair for name, pair in differs.items() if name not in looser}
        waiting = LimitChange.objects.filter(coin=coin, purpose=purpose, state__in=OPEN).first()
        if waiting is not None:
            if waiting.fields == _texts(looser) and not tighter:
                return waiting
            waiting.state, waiting.ended_at = State.LAPSED, now()
            waiting.save(update_fields=["state", "ended_at"])
        _write(row, tighter, user, where)
        return _ask(user, coin, purpose, looser, where) if looser else None


def agree(*, user: User, change_id: int, where: str = "") -> LimitChange:
    """The second person. It counts when its time has come. Raises NotAllowed to the asker, NotFound, WrongState."""
    require(user, Capability.MANAGE_WALLETS)
    site_settings.current()
    with transaction.atomic(durable=True):
        row = _open(change_id)
        if row.state != State.ASKED:
            raise WrongState(_("Somebody agreed to it already."))
        if row.asked_by_id == user.pk:
            raise NotAllowed(_("Somebody else must agree to what you asked for."))
        row.state, row.agreed_by, row.agreed_at = State.AGREED, user, now()
        row.save(update_fields=["state", "agreed_by", "agreed_at"])
        record(What.LIMIT_RAISE_AGREED, who=user, ip=where, object=row, changes=row.fields)
        _apply_if_due(row)
    return row


def drop(*, user: User, change_id: int, where: str = "") -> LimitChange:
    """Any manager alone: nothing is allowed that was not before. Raises NotFound, WrongState."""
    require(user, Capability.MANAGE_WALLETS)
    site_settings.current()
    with transaction.atomic(durable=True):
        row = _open(change_id)
        row.state, row.ended_at = State.DROPPED, now()
        row.save(update_fields=["state", "ended_at"])
        record(What.LIMIT_RAISE_DROPPED, who=user, ip=where, object=row, changes=row.fields)
    return row


def apply_due() -> int:
    """What was agreed to and whose time has come; how many there were."""
    due = LimitChange.objects.filter(state=State.AGREED, effective_at__lte=now()).values_list("pk", flat=True)
    done = 0
    for pk in list(due):
        with transaction.atomic(durable=True):
            locks.site_settings()
            row = LimitChange.objects.filter(pk=pk, state=State.AGREED).first()
            done += row is not None and _apply_if_due(row)
    return done


def _ask(user: User, coin: Coin, purpose: Purpose, looser: Pairs, where: str) -> LimitChange:
    others = people_who_may(Capability.MANAGE_WALLETS).filter(is_staff=True).exclude(pk=user.pk)
    alone = not others.exists()
    row = LimitChange.objects.create(
        coin=coin, purpose=purpose, fields=_texts(looser),
        asked_by=user, alone=alone, state=State.AGREED if alone else State.ASKED,
        effective_at=now() + timedelta(hours=settings.WALLETS_LOOSEN_HOURS),
    )  # fmt: skip
    record(What.LIMIT_RAISE_ASKED, who=user, ip=where, object=row, changes=row.fields)
    events.emit("limit_raise_asked", coin=coin.symbol, by=user.pk, effective_at=row.effective_at.isoformat())
    _apply_if_due(row)
    return row


def _apply_if_due(row: LimitChange) -> bool:
    """Only over the very bounds it was asked for. The lock of change() is held."""
    if row.state != State.AGREED or row.effective_at > now():
        return False
    limit = _standing(row.coin, Purpose(row.purpose))
    stands = all(_text(getattr(limit, name)) == old for name, (old, _new) in row.fields.items())
    row.state, row.ended_at = State.DONE if stands else State.LAPSED, now()
    row.save(update_fields=["state", "ended_at"])
    if stands:
        pairs = {name: (getattr(limit, name), _number(new)) for name, (_old, new) in row.fields.items()}
        _write(limit, pairs, row.agreed_by or row.asked_by, "")
        events.emit("limit_raised", coin=row.coin.symbol, by=row.asked_by_id)
    return stands


def _write(row: Limit, pairs: Pairs, user: User, where: str) -> None:
    if not pairs:
        return
    for name, (_old, new) in pairs.items():
        setattr(row, name, new)
    if row.pk and all(getattr(row, name) is None for name in FIELDS):
        row.delete()
    else:
        row.save()
    said = {name: [str(old), str(new)] for name, (old, new) in pairs.items()}
    site_settings.record_change(user=user, what=f"{row.coin} {row.purpose} limit", changes=said, where=where)


def _standing(coin: Coin, purpose: Purpose) -> Limit:
    return Limit.objects.filter(coin=coin, purpose=purpose).first() or Limit(coin=coin, purpose=purpose)


def _open(change_id: int) -> LimitChange:
    locks.site_settings()
    row = LimitChange.objects.select_related("coin").filter(pk=change_id).first()
    if row is None:
        raise NotFound(_("There is no such change."))
    if row.state not in OPEN:
        raise WrongState(_("This change is over: ask for it again."))
    return row


def _texts(pairs: Pairs) -> dict[str, list[str | None]]:
    return {name: [_text(old), _text(new)] for name, (old, new) in pairs.items()}


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
