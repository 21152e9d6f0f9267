"""A person is forgotten: their name, their ways in and their words go; the books and the trail keep their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import proof as proofs
from accounts.audit import What, record
from accounts.capabilities import Capability, require
from accounts.models import AccessHelp, ApiKey, AuditEvent, DerivedKey, FreezeLink, Invitation, PayoutHold, User
from ledger import locks
from ledger.models import (
    Account,
    Address,
    Contact,
    Delivery,
    Event,
    Feed,
    FeedItem,
    Freeze,
    Hold,
    Inbox,
    Invoice,
    InvoiceNote,
    Mute,
    Operation,
    PolicyDecision,
    Purse,
    Push,
    Webhook,
)
from ledger.services import privacy
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, WrongState

if TYPE_CHECKING:
    from django.db.models import QuerySet

NOBODY: Final = "erased-{pk}@erased.invalid"
_ENDED: Final = (Operation.Status.DONE, Operation.Status.FAILED, Operation.Status.CANCELLED)


def forget(
    *, user: User, actor: User, proof: proofs.Proof | None = None, typed: str = "", reason: str = "", where: str = ""
) -> None:
    """For good. Themselves by a fresh Proof and their typed e-mail; anybody else with MANAGE_WALLETS and a reason.

    Raises WrongState, with the reason, while anything of theirs is not at its end; NotAllowed for staff.
    """
    if actor.pk == user.pk:
        proofs.demand(proof, user)
        privacy.demand_typed(user, typed)
    else:
        require(actor, Capability.MANAGE_WALLETS)
        if not reason.strip():
            raise InvalidRequest(_("Say why: it stands in the audit trail."))
    with transaction.atomic(durable=True):
        if ids := list(Account.objects.filter(owner=user).values_list("pk", flat=True)):
            locks.accounts(ids)
        _demand_nothing_open(User.objects.get(pk=user.pk))
        _close_ways_in(user)
        _drop_words(user)
        _blank_person(user)
        _blank_trails(user)
        if actor.pk == user.pk:
            record(What.PERSON_ERASED, who=user, about=user)
        else:
            record(What.PERSON_ERASED, who=actor, ip=where, about=user, reason=reason.strip()[:300])


def obstacles(user: User) -> list[str]:
    """Why this person cannot be forgotten now, each with what to do; empty when they can."""
    accounts = Account.objects.select_related("coin").filter(owner=user).order_by("coin__symbol", "kind")
    held = sorted({each.coin.symbol for each in accounts if each.credits != each.debits})
    found = []
    if held:
        found.append(_("There is money in this account (%(coins)s): send it away first.") % {"coins": ", ".join(held)})
    if Hold.objects.filter(user=user, state=Hold.State.OPEN).exists():
        found.append(_("Money is set aside in this account: wait until that ends."))
    if Operation.objects.filter(user=user).exclude(status__in=_ENDED).exists():
        found.append(_("A payment is not at its end: cancel it, or wait for it."))
    if Freeze.objects.filter(user=user, ended_at=None).exists() or _is_held(user):
        found.append(_("Payouts of this account are stopped: ask the people who run this site."))
    if user.managed.filter(is_active=True).exists():
        found.append(_("Programs of this account made other accounts: close those first."))
    return found


def _is_held(user: User) -> bool:
    return user.held_until is not None and user.held_until > now()


def _demand_nothing_open(user: User) -> None:
    if user.is_staff or user.is_superuser:
        raise NotAllowed(_("Take the rights of a manager away first: what managers did must keep its name until then."))
    if user.email == NOBODY.format(pk=user.pk):
        raise WrongState(_("This person was forgotten already."))
    if words := obstacles(user):
        raise WrongState(" ".join(words))


def _close_ways_in(user: User) -> None:
    sessions = UserSession.objects.filter(user=user)
    Session.objects.filter(session_key__in=list(sessions.values_list("session_key", flat=True))).delete()
    for rows in (sessions, Authenticator.objects.filter(user=user), DerivedKey.objects.filter(owner=user)):
        rows.delete()
    EmailAddress.objects.filter(user=user).delete()
    FreezeLink.objects.filter(user=user).delete()
    AccessHelp.objects.filter(user=user).update(new_email="")
    ApiKey.objects.filter(owner=user, revoked_at=None).update(revoked_at=now())
    ApiKey.objects.filter(owner=user).update(name="", addresses=[], last_ip=None)
    user.groups.clear()
    user.user_permissions.clear()


def _drop_words(user: User) -> None:
    """What they wrote or were told. What others wrote of them, such as a contact's label, goes as well."""
    gone: tuple[QuerySet[Any], ...] = (
        Contact.objects.filter(Q(user=user) | Q(member=user)),
        Push.objects.filter(user=user),
        Webhook.objects.filter(user=user),
        FeedItem.objects.filter(user=user),
        Feed.objects.filter(user=user),
        Delivery.objects.filter(user=user),
        Mute.objects.filter(user=user),
        Inbox.objects.filter(user=user),
        InvoiceNote.objects.filter(invoice__account__owner=user),
    )
    for rows in gone:
        rows.delete()
    Event.objects.filter(user=user).update(data={}, mail_due=False, in_feed=True)
    Operation.objects.filter(user=user).update(comment="", note="", tags="")
    Address.objects.filter(account__owner=user).update(label="", customer_ref="")
    Invoice.objects.filter(account__owner=user).update(memo="")
    Purse.objects.filter(account__owner=user).update(name="")
    PolicyDecision.objects.filter(user=user).update(inputs={})
    PayoutHold.objects.filter(user=user).update(ip=None, asked_reason="")


def _blank_person(user: User) -> None:
    user.email, user.username, user.label = NOBODY.format(pk=user.pk), None, ""
    user.is_active, user.last_login = False, None
    user.language = user.time_zone = user.currency = user.theme = ""
    user.set_unusable_password()
    user.save()


def _blank_trails(user: User) -> None:
    """The trail's digests stay, so that its chain holds; the admin's own log names people in its rows."""
    AuditEvent.objects.filter(about=user, erased_at=None).update(object="", ip=None, data={}, salt="", erased_at=now())
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=kind, object_id=str(user.pk)).update(
        object_repr=NOBODY.format(pk=user.pk), change_message=""
    )
    Invitation.objects.filter(used_by=user).update(email="")
