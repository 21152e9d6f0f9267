"""Letting somebody in again who lost their second step or their mailbox.

One of the staff asks and says how they know who it is, a second one agrees, and three days pass in which both
mailboxes were told and either can stop it. Payouts wait for seven days from then on.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from accounts import freeze_links, holds, sessions
from accounts.audit import What, record
from accounts.capabilities import Capability, require
from accounts.models import AccessHelp, User
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, WrongState

log = logging.getLogger(__name__)
WAITS: Final = timedelta(days=3)
State = AccessHelp.State


def ask(*, actor: User, email: str, kind: str, reason: str, new_email: str = "", where: str = "") -> AccessHelp:
    """The first of two. `email`: the member's present one. Raises NotAllowed, NotFound, InvalidRequest."""
    require(actor, Capability.MANAGE_WALLETS)
    user = User.objects.filter(email=email.strip().lower(), is_active=True, managed_by=None).first()
    if user is None:
        raise NotFound(_("There is no member with this e-mail address."))
    if user.pk == actor.pk:
        raise NotAllowed(_("Somebody else must ask this for you."))
    if not reason.strip():
        raise InvalidRequest(_("Say how you know that it was the owner."))
    wanted = _checked(kind, new_email)
    try:
        with transaction.atomic():
            made = AccessHelp.objects.create(
                user=user, kind=kind, new_email=wanted, asked_by=actor, reason=reason.strip()[:300]
            )
            record(What.HELP_ASKED, who=actor, ip=where, object=made, about=user, kind=kind, reason=made.reason)
    except IntegrityError as error:
        raise WrongState(_("Help for this member is under way already.")) from error
    _tell(made, "help_asked")
    return made


def agree(*, actor: User, help_id: int, where: str = "") -> AccessHelp:
    """The second of two: three days from now it is done, and payouts wait from now on."""
    require(actor, Capability.APPROVE_PAYMENTS)
    row = _open(help_id)
    if actor.pk in (row.asked_by_id, row.user_id):
        raise NotAllowed(_("Somebody else must confirm what you asked for."))
    with transaction.atomic():
        waiting = AccessHelp.objects.filter(pk=row.pk, state=State.ASKED)
        if not waiting.update(state=State.AGREED, agreed_by=actor, agreed_at=now(), due_at=now() + WAITS):
            raise WrongState(_("This was agreed to already."))
        holds.place(user=row.user, reason=holds.Reason.HELP, where=where)
        record(What.HELP_AGREED, who=actor, ip=where, object=row, about=row.user)
    row.refresh_from_db()
    _tell(row, "help_agreed")
    return row


def stop(*, actor: User, help_id: int, where: str = "") -> AccessHelp:
    """Any of the staff who may ask or agree can stop it while it is not done."""
    if actor.pk != _open(help_id).asked_by_id:
        require(actor, Capability.APPROVE_PAYMENTS)
    row = _open(help_id)
    AccessHelp.objects.filter(pk=row.pk, state__in=AccessHelp.OPEN).update(state=State.STOPPED, ended_at=now())
    record(What.HELP_STOPPED, who=actor, ip=where, object=row, about=row.user)
    row.refresh_from_db()
    return row


def stop_all(user: User) -> None:
    """Its owner, or whoever reads their mail, froze the account."""
    rows = AccessHelp.objects.filter(user=user, state__in=AccessHelp.OPEN)
    if rows.update(state=State.STOPPED, ended_at=now()):
        record(What.HELP_STOPPED, who=user, object="by a link in a mail")


def carry_out_due() -> int:
    """What two agreed to and nobody stopped for three days; how many."""
    done = 0
    for pk in list(AccessHelp.objects.filter(state=State.AGREED, due_at__lte=now()).values_list("pk", flat=True)):
        with transaction.atomic():
            if not AccessHelp.objects.filter(pk=pk, state=State.AGREED).update(state=State.DONE, ended_at=now()):
                continue
            row = AccessHelp.objects.select_related("user").get(pk=pk)
            old = row.user.email
            if not _carry_out(row):
                AccessHelp.objects.filter(pk=pk).update(state=State.STOPPED)
                continue
        _tell(row, "help_done", also=old)
        done += 1
    return done


def _carry_out(row: AccessHelp) -> bool:
    """Whether it could be done: the new address may belong to somebody else by now."""
    user = row.user
    if row.new_email:
        if _is_taken(row.new_email):
            return False
        EmailAddress.objects.filter(user=user).delete()
        EmailAddress.objects.create(user=user, email=row.new_email, primary=True, verified=False)
        user.email = row.new_email
        user.save(update_fields=["email"])
    else:
        Authenticator.objects.filter(user=user).delete()
    sessions.end_all(user)
    holds.place(user=user, reason=holds.Reason.HELP)
    record(What.HELP_DONE, who=row.agreed_by, object=row, about=user, kind=row.kind)
    return True


def _checked(kind: str, new_email: str) -> str:
    wanted = new_email.strip().lower()
    if kind not in AccessHelp.Kind.values or bool(wanted) != (kind == AccessHelp.Kind.NEW_EMAIL):
        raise InvalidRequest(_("A new address is needed for a lost mailbox, and for nothing else."))
    if wanted:
        try:
            validate_email(wanted)
        except ValidationError as error:
            raise InvalidRequest(_("This is no e-mail address.")) from error
        if _is_taken(wanted):
            raise InvalidRequest(_("There is an account with this e-mail."))
    return wanted


def _is_taken(email: str) -> bool:
    return User.objects.filter(email=email).exists() or EmailAddress.objects.filter(email=email).exists()


def _open(help_id: int) -> AccessHelp:
    row = AccessHelp.objects.select_related("user").filter(pk=help_id).first()
    if row is None:
        raise NotFound(_("There is no such request."))
    if row.state not in AccessHelp.OPEN:
        raise WrongState(_("This request is over."))
    return row


def _tell(row: AccessHelp, template: str, *, also: str = "") -> None:
    """To the old and to the new mailbox, each with a link of its own that stops everything."""
    for address in {row.user.email, row.new_email, also} - {""}:
        said = {
            "site_name": settings.SITE_NAME, "site_url": settings.SITE_URL, "row": row, "due_at": row.due_at,
            "freeze_url": freeze_links.new_link(row.user, address),
        }  # fmt: skip
        subject = render_to_string(f"accounts/email/{template}_subject.txt", said).strip()
        text = render_to_string(f"accounts/email/{template}_message.txt", said)
        try:
            send_mail(f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}", text, None, [address])
        except OSError:  # what SMTP raises: one mailbox that cannot be reached keeps no other from hearing
            log.exception("a mail about access help %s was not sent", row.pk)
