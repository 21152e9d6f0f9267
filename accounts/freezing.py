"""The link in every mail about security: it stops the account, once, without a sign-in, and does nothing else."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import freeze_links, helping, holds, sessions
from accounts.audit import What, record
from accounts.models import FreezeLink, User
from wallets_site.base.clock import now
from wallets_site.base.errors import NotFound


def freeze(token: str, *, where: str = "") -> User:
    """Nothing leaves the account, nobody stays signed in, and no change that waits goes on. Raises NotFound."""
    link = freeze_links.find(token)
    with transaction.atomic():
        if link is None or not FreezeLink.objects.filter(pk=link.pk, used_at=None).update(used_at=now()):
            raise NotFound(_("This link was used already or is over 7 days old."))
        user = link.user
        if user.frozen_at is None:
            holds.place(user=user, reason=holds.Reason.FROZEN, where=where)
            User.objects.filter(pk=user.pk).update(frozen_at=now())
        sessions.end_all(user)
        cancel_pending_email(user)
        helping.stop_all(user)
        record(What.ACCOUNT_FROZEN, who=user, ip=where, object=link.email)
    user.refresh_from_db()
    return user


def cancel_pending_email(user: User) -> None:
    """A new address that was asked for and not confirmed is forgotten."""
    EmailAddress.objects.filter(user=user, verified=False, primary=False).delete()
