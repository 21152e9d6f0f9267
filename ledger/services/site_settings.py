"""What the site's people decided, in one row; every change of it stands in the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models, transaction

from accounts.audit import What, record
from accounts.capabilities import Capability, require
from ledger.models import SiteSettings
from ledger.models.site import ONE, SECRET_FIELDS, new_cron_nonce

if TYPE_CHECKING:
    from accounts.models import User


def current() -> SiteSettings:
    """The settings; the defaults where nobody has changed anything yet."""
    return SiteSettings.objects.filter(pk=ONE).first() or SiteSettings.objects.get_or_create(pk=ONE)[0]


def changes_of(before: models.Model, after: models.Model) -> dict[str, list[str]]:
    """Field by field what differs, as texts. Secrets are named, never shown."""
    found = {}
    for field in before._meta.concrete_fields:
        old, new = field.value_from_object(before), field.value_from_object(after)
        if old != new:
            found[field.name] = ["changed"] if field.name in SECRET_FIELDS else [str(old), str(new)]
    return found


def record_change(*, user: User, what: str, changes: dict[str, Any], where: str = "") -> None:
    """One line in the trail: which settings, from what to what. Writes nothing when nothing changed."""
    if changes:
        record(What.SETTINGS_CHANGED, who=user, ip=where, object=what, changes=changes)


def save(*, user: User, settings: SiteSettings, where: str = "") -> SiteSettings:
    """Keep validated settings and who changed what. Raises NotAllowed, ValidationError."""
    require(user, Capability.MANAGE_WALLETS)
    settings.pk = ONE
    settings.full_clean()
    with transaction.atomic():
        changes = changes_of(current(), settings)
        settings.save()
        record_change(user=user, what="site settings", changes=changes, where=where)
    return settings


def rotate_cron_nonce(*, user: User, where: str = "") -> SiteSettings:
    """A new cron address; the old one does nothing from now on."""
    settings = current()
    settings.cron_nonce = new_cron_nonce()
    return save(user=user, settings=settings, where=where)
