"""A database older than its chain: noticed before anything is paid, and put right under the eyes of two people.

From the moment it is noticed, payouts and sends wait, address numbers jump, addresses that stood ready are set aside
(somebody may hold them), and every wallet is read again from its beginning, both ways. A transfer out that the books
do not know is matched to the withdrawals that still wait, or booked to suspense for people to say whose it was.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from django.db import DatabaseError, transaction
from django.db.models import Case, QuerySet, When
from django.utils.translation import gettext as _

from accounts import audit
from accounts.capabilities import Capability, require
from ledger import events, locks, posting
from ledger.models import (
    Address,
    Coin,
    CoinWallet,
    Dispatch,
    Freeze,
    Generation,
    Kind,
    Operation,
    Recovered,
    Recovery,
    RecoveryWallet,
    Transaction,
)
from ledger.models.recovery import ONE
from ledger.pokes import enqueue
from ledger.services import generation
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, WrongState

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)
JUMP: Final = 1000  # numbers left out after the first restored backup, twice as many after the second …
UNDECIDED: Final = (Recovered.State.SEEN, Recovered.State.BLOCKED)


class _Overtaken(Exception):
    """Another process entered recovery in the same moment."""


def current() -> Recovery | None:
    return Recovery.objects.filter(is_open=True).first()


# -- noticing --


def look(*, missing_counts: bool = True) -> Recovery | None:
    """Compare the file with the database; the open recovery, if there is one now.

    missing_counts: whether a file that was there once and is gone means that nothing can be known.
    """
    made, mark = generation.row(), generation.read()
    reason = ""
    if mark is None:
        if not made.marked:
            generation.write()
        elif missing_counts and _has_history():
            reason = "The file that tells how far this site had got is missing."
    elif mark.site != made.site:
        if _has_history():
            reason = "The file that tells how far this site had got belongs to another database."
        else:
            generation.write(replace=True)
    elif mark.number > made.number:
        reason = f"The database stands at {made.number}, the site had got to {mark.number}: it is an older copy."
    if reason:
        _enter(made, mark, reason)
    return current()


def look_at_start() -> None:
    """For a process that begins to serve. A database that cannot be asked yet is asked again by the worker."""
    try:
        look(missing_counts=False)
    except DatabaseError as error:
        log.warning("cannot tell whether this database is an older copy: %s", error)


def _has_history() -> bool:
    return any(model.objects.exists() for model in (Transaction, Dispatch, Address))


def _enter(made: Generation, mark: generation.Mark | None, reason: str) -> None:
    number, jumps = max(made.number, mark.number if mark else 0) + 1, max(made.jumps, mark.jumps if mark else 0) + 1
    try:
        with transaction.atomic(durable=True):
            recovery = current() or Recovery.objects.create(reason=reason)
            for wallet_id in CoinWallet.objects.order_by("wallet_id").values_list("wallet_id", flat=True):
                _stop(recovery, locks.coin_wallet(wallet_id), JUMP * jumps)
            mine = Generation.objects.filter(pk=ONE, number=made.number, site=made.site)
            if not mine.update(number=number, jumps=jumps, marked=True):
                raise _Overtaken
            events.emit("recovery_started", reason=reason)
    except _Overtaken:
        return
    generation.write(replace=True)
    log.error("recovery: %s Payouts wait until two people end it.", reason)


def _stop(recovery: Recovery, use: CoinWallet, jump: int) -> None:
    use.next_number += jump
    use.save(update_fields=["next_number"])
    use.wallet.cursor = ""
    use.wallet.save(update_fields=["cursor"])
    # Held by nobody's account they are never given away again, and what comes to them is seen and kept in suspense.
    pooled = Address.objects.filter(wallet=use.wallet, account=None)
    aside = pooled.update(account=posting.account(use.coin, Kind.SUSPENSE))
    RecoveryWallet.objects.update_or_create(
        recovery=recovery, wallet=use.wallet, defaults={"read_at": None, "set_aside": aside, "note": "not read yet"}
    )
    Freeze.objects.update_or_create(
        cause=Freeze.Cause.RECOVERY, subject=f"recovery:{recovery.pk}:{use.wallet_id}",
        defaults={"wallet": use.wallet, "reason": recovery.reason, "ended_at": None},
    )  # fmt: skip


# -- while it lasts --


def reading(wallet_id: int) -> RecoveryWallet | None:
    """This wallet's part of the open recovery."""
    rows = RecoveryWallet.objects.select_related("recovery", "wallet")
    return rows.filter(wallet_id=wallet_id, recovery__is_open=True).first()


def note(wallet_id: int, words: str, *, read: bool) -> None:
    """What the worker found: whether everything was read and judged, and what it still waits for."""
    part = reading(wallet_id)
    if part is not None:
        part.note, part.read_at = words[:300], now() if read else None
        part.save(update_fields=["note", "read_at"])


def undecided(wallet_id: int) -> QuerySet[Recovered]:
    return Recovered.objects.filter(wallet_id=wallet_id, state__in=UNDECIDED, recovery__is_open=True)


def demand_over() -> None:
    """Raises WrongState while a withdrawal that waits may be one that was paid already."""
    if current() is not None:
        raise WrongState(_("The site is being restored from a backup: please wait until its managers are done."))


def demand_read(coin: Coin) -> None:
    """Raises WrongState until it is known which withdrawals of this coin were paid after the backup was made."""
    parts = RecoveryWallet.objects.filter(recovery__is_open=True, wallet__use__coin=coin, read_at=None)
    if parts.exists():
        raise WrongState(_("The chain is still being read after a restored backup: this may have been paid already."))


def findings(recovery: Recovery, most: int = 200) -> list[tuple[Recovered, str]]:
    """Transfers out that the books did not know, undecided ones first; with whoever paid that address before."""
    order = Case(When(state__in=UNDECIDED, then=0), When(state=Recovered.State.SUSPENSE, then=1), default=2)
    rows = Recovered.objects.filter(recovery=recovery).select_related("coin", "wallet").order_by(order, "pk")[:most]
    return [(row, _paid_before(row)) for row in rows]


def _paid_before(row: Recovered) -> str:
    if row.state not in (*UNDECIDED, Recovered.State.SUSPENSE) or not row.address:
        return ""
    before = Operation.objects.filter(coin=row.coin, address=row.address, incoming=False).order_by("-pk")
    found = before.select_related("user").first()
    return str(found.user) if found else ""


# -- ending it --


def still_missing(recovery: Recovery) -> list[str]:
    """Why it cannot end yet, one sentence for each wallet that payouts go out from."""
    said = []
    parts = RecoveryWallet.objects.filter(recovery=recovery, wallet__use__is_active=True).select_related("wallet")
    for part in parts.order_by("wallet__name"):
        open_ones = undecided(part.wallet_id).count()
        if part.read_at is None or open_ones:
            words = part.note or _("%(count)s transfers are undecided") % {"count": open_ones}
            said.append(f"{part.wallet.name}: {words}")
    return said


def ask_end(*, user: User, reason: str) -> Recovery:
    """The first of two people says that all was looked into. Raises WrongState while something is undecided."""
    require(user, Capability.MANAGE_WALLETS)
    if not reason.strip():
        raise InvalidRequest(_("Say why payouts may go on."))
    with transaction.atomic(durable=True):
        recovery = _open()
        recovery.asked_by, recovery.asked_reason = user, reason.strip()[:300]
        recovery.save(update_fields=["asked_by", "asked_reason"])
        audit.record(audit.What.RECOVERY_END_ASKED, who=user, object=recovery, reason=recovery.asked_reason)
    return recovery


def confirm_end(*, user: User) -> Recovery:
    """The second person agrees: payouts go on. Raises NotAllowed to the first one."""
    require(user, Capability.APPROVE_PAYMENTS)
    with transaction.atomic(durable=True):
        recovery = _open()
        if recovery.asked_by_id is None:
            raise WrongState(_("Nobody has asked for the end of this recovery yet."))
        if recovery.asked_by_id == user.pk:
            raise NotAllowed(_("Somebody else must confirm what you asked for."))
        ended = Recovery.objects.filter(pk=recovery.pk, is_open=True, asked_by=recovery.asked_by_id)
        if not ended.update(is_open=False, ended_by=user, ended_at=now()):
            raise WrongState(_("This recovery has ended already."))
        Freeze.objects.filter(cause=Freeze.Cause.RECOVERY, ended_at=None).update(
            ended_at=now(), ended_by=user, ended_reason="The recovery was ended by two people."
        )
        events.emit("recovery_ended", by=user.pk)
        audit.record(audit.What.RECOVERY_ENDED, who=user, object=recovery)
        generation.bump()
    recovery.refresh_from_db()
    for wallet_id in CoinWallet.objects.filter(is_active=True).values_list("wallet_id", flat=True):
        enqueue("pay", wallet_id)
    return recovery


def _open() -> Recovery:
    recovery = current()
    if recovery is None:
        raise NotFound(_("No recovery is under way."))
    if missing := still_missing(recovery):
        raise WrongState(_("Not yet: %(missing)s") % {"missing": "; ".join(missing)})
    return recovery
