"""The audit trail of accounts: one writer, one list of names."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext_noop

from accounts.models import AuditEvent, User
from wallets_site.base import caller

_USER: Final = re.compile(r"user ([0-9]{1,18})", re.ASCII)


class What(StrEnum):
    SIGNED_UP = "signed_up"
    LOGIN = "login"
    LOGIN_FAILED = "login_failed"
    LOGOUT = "logout"
    CONFIRMED_IDENTITY = "confirmed_identity"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an event
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of an event
    EMAIL_PROVEN = "email_proven"
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_CHANGED = "email_changed"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_RENEWED = "factor_renewed"
    HANDLE_CHOSEN = "handle_chosen"
    INVITATION_MADE = "invitation_made"
    INVITATION_USED = "invitation_used"
    PERSON_ADDED = "person_added"
    PERSON_CHANGED = "person_changed"
    PERSON_ACTIVATED = "person_activated"
    PERSON_DEACTIVATED = "person_deactivated"
    KEY_RENEWED = "key_renewed"
    CONTACT_CONFIRMED = "contact_confirmed"
    CONTACTS_LOCKED = "contacts_locked"
    CONTACTS_UNLOCK_ASKED = "contacts_unlock_asked"
    PAYOUT_PROPOSED = "payout_proposed"
    PAYOUT_DECIDED = "payout_decided"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    WEBHOOK_ADDED = "webhook_added"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_REMOVED = "webhook_removed"
    RECOVERY_END_ASKED = "recovery_end_asked"
    RECOVERY_ENDED = "recovery_ended"
    SETTINGS_CHANGED = "settings_changed"
    NODE_ASKED = "node_asked"
    SWITCH_ON = "switch_on"
    SWITCH_OFF_ASKED = "switch_off_asked"
    SWITCH_OFF = "switch_off"
    RULES_DRAFTED = "rules_drafted"
    RULES_CHANGED = "rules_changed"
    RULES_PUBLISHED = "rules_published"
    RULES_DROPPED = "rules_dropped"
    LIMIT_RAISE_ASKED = "limit_raise_asked"
    LIMIT_RAISE_AGREED = "limit_raise_agreed"
    LIMIT_RAISE_DROPPED = "limit_raise_dropped"
    PAYMENT_APPROVED = "payment_approved"
    PAYMENT_REFUSED = "payment_refused"
    ADJUSTMENT_PROPOSED = "adjustment_proposed"
    ADJUSTMENT_DECIDED = "adjustment_decided"
    TRANSACTION_REVERSED = "transaction_reversed"
    FREEZE_ENDED = "freeze_ended"
    AUDIT_EXPORTED = "audit_exported"
    SECRETS_ROTATED = "secrets_rotated"
    DATA_EXPORTED = "data_exported"
    PERSON_ERASED = "person_erased"
    PAYOUTS_HELD = "payouts_held"
    HOLD_LIFT_ASKED = "hold_lift_asked"
    HOLD_LIFTED = "hold_lifted"
    ACCOUNT_FROZEN = "account_frozen"
    SIGNED_OUT = "signed_out"
    HELP_ASKED = "help_asked"
    HELP_AGREED = "help_agreed"
    HELP_STOPPED = "help_stopped"
    HELP_DONE = "help_done"


# What AuditEvent.in_words says, named here for those who translate.
WORDS = (
    gettext_noop("Signed up"),
    gettext_noop("Login"),
    gettext_noop("Login failed"),
    gettext_noop("Logout"),
    gettext_noop("Confirmed identity"),
    gettext_noop("Second factor failed"),
    gettext_noop("Password changed"),
    gettext_noop("Password reset"),
    gettext_noop("Email proven"),
    gettext_noop("Email change asked"),
    gettext_noop("Email changed"),
    gettext_noop("Factor added"),
    gettext_noop("Factor removed"),
    gettext_noop("Factor renewed"),
    gettext_noop("Handle chosen"),
    gettext_noop("Invitation made"),
    gettext_noop("Invitation used"),
    gettext_noop("Person added"),
    gettext_noop("Person changed"),
    gettext_noop("Person activated"),
    gettext_noop("Person deactivated"),
    gettext_noop("Key renewed"),
    gettext_noop("Contact confirmed"),
    gettext_noop("Contacts locked"),
    gettext_noop("Contacts unlock asked"),
    gettext_noop("Settings changed"),
    gettext_noop("Payout proposed"),
    gettext_noop("Payout decided"),
    gettext_noop("Key made"),
    gettext_noop("Key revoked"),
    gettext_noop("Webhook added"),
    gettext_noop("Webhook changed"),
    gettext_noop("Webhook removed"),
    gettext_noop("Payment approved"),
    gettext_noop("Payment refused"),
    gettext_noop("Data exported"),
    gettext_noop("Person erased"),
    gettext_noop("Payouts held"),
    gettext_noop("Hold lift asked"),
    gettext_noop("Hold lifted"),
    gettext_noop("Account frozen"),
    gettext_noop("Recovery end asked"),
    gettext_noop("Recovery ended"),
    gettext_noop("Node asked"),
    gettext_noop("Signed out"),
    gettext_noop("Help asked"),
    gettext_noop("Help agreed"),
    gettext_noop("Help stopped"),
    gettext_noop("Help done"),
)


def client_ip(request: HttpRequest | None) -> str:
    """The caller's address as the proxy settings allow to know it; empty when it cannot be known."""
    return "" if request is None else caller.address_of(request)


def record(
    what: str, *, who: User | None, ip: str = "", object: object = "", about: User | None = None, **data: Any
) -> AuditEvent:
    """Add one line to the trail. `data` is JSON-safe and holds no secret, no code, no password.

    about: whom it happened to. Left out, it is the person `object` names (a User, or "user 7"), else `who`.
    """
    row = AuditEvent(who=who, what=str(what), object=str(object)[:200], ip=ip or None, data=data)
    row.about_id = about.pk if about is not None else _named(object) or row.who_id
    row.salt = secrets.token_hex(16)
    row.digest = details_digest(row)
    row.save(force_insert=True)
    return row


def details_digest(row: AuditEvent) -> str:
    """SHA-256 of what an erasure takes away, the same before and after the database had it. Salted, so that nobody
    finds out by trying what was erased."""
    address = ip_address(row.ip).packed.hex() if row.ip else ""
    text = json.dumps([row.salt, row.object, address, row.data], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _named(object: object) -> int | None:
    """The number of the person meant."""
    if isinstance(object, User):
        return int(object.pk)
    found = _USER.fullmatch(object) if isinstance(object, str) else None
    return int(found[1]) if found else None
