"""Mail about payments: who hears of which event, by which template. The outbox holds neither text nor link.

Templates: templates/ledger/mail/NAME.txt (its first line is the subject) and NAME.html; a file of the same name
under DATA_DIR/templates takes the place of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import formataddr
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from accounts.api_keys import PHRASES
from accounts.capabilities import Capability
from accounts.preferences import as_read_by
from ledger import events
from ledger.models import Delivery, Event, Mute, Operation, SiteSettings
from ledger.services import confirmations, contacts, site_settings
from ledger.services.told import told
from wallets_site.base.clock import now

MOST_TRIES: Final = 8
FIRST_PAUSE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Letter:
    """switch: the setting that turns it off; a request for one's own confirmation has none."""

    template: str
    switch: str = ""
    to_managers: bool = False
    right: Capability = Capability.APPROVE_PAYMENTS  # which managers


ALARM: Final = Letter("alarm", "confirm_inform_admins", to_managers=True, right=Capability.MANAGE_WALLETS)
# Where a manager looks into an alarm.
ALARM_PAGES: Final = {
    "hot_wallet_short": "adapters/wallet/",
    "payouts_frozen": "ledger/freeze/",
    "payout_unsigned": "ledger/dispatch/",
    "recovery_started": "ledger/recovery/",
    "payout_decision_proposed": "ledger/payoutdecision/",
    "solvency_short": "ledger/solvencycheck/",
    "brake_set": "ledger/brake/",
    "address_lost": "adapters/wallet/",
    "node_closed": "adapters/wallet/",
    "switched_off": "ledger/switch/",
    "switch_asked": "ledger/switch/",
    "rules_published": "ledger/ruleset/",
    "limit_raise_asked": "ledger/limitchange/",
    "limit_raised": "ledger/limitchange/",
    "hot_wallet_full": "adapters/wallet/",
}
LETTERS: Final = {
    **dict.fromkeys(ALARM_PAGES, ALARM),
    "deposit_seen": Letter("deposit", "email_deposit"),
    "withdrawal_done": Letter("withdraw", "email_withdraw"),
    "withdrawal_failed": Letter("withdraw_failed", "email_withdraw_failed"),
    "withdrawal_cancelled": Letter("withdraw_failed", "email_withdraw_failed"),
    "move_sent": Letter("move_send", "email_move_send"),
    "move_cancelled": Letter("move_send_failed", "email_move_send_failed"),
    "move_received": Letter("move_receive", "email_move_receive"),
    "move_incoming": Letter("move_incoming", "confirm_receive_move"),
    "confirm_move": Letter("confirm_move"),
    "confirm_withdrawal": Letter("confirm_withdraw"),
    "confirm_contact": Letter("confirm_contact"),
    "contacts_unlock_asked": Letter("contacts_unlock"),
    "key_made": Letter("key_made"),
    "approval_needed": Letter("approval_needed", "confirm_inform_admins", to_managers=True),
    "books_head": Letter("books_head", "confirm_inform_admins", to_managers=True, right=Capability.VIEW_BOOKS),
}


def plan(event_id: int) -> None:
    """Put an event's letters into the outbox, once."""
    with transaction.atomic():
        event = Event.objects.select_related("operation").get(pk=event_id)
        letter = LETTERS.get(event.name)
        if letter is not None and _is_on(letter, site_settings.current()):
            people = set(_recipients(event, letter))
            if letter.switch:
                people -= set(_muted(event.name, people))
            rows = [Delivery(event=event, user_id=pk, template=letter.template, next_at=now()) for pk in sorted(people)]
            Delivery.objects.bulk_create(rows, ignore_conflicts=True)
        Event.objects.filter(pk=event_id).update(mail_due=False)


def _is_on(letter: Letter, site: SiteSettings) -> bool:
    if not letter.switch:
        return True
    return bool(site.email_enabled and getattr(site, letter.switch))


def _recipients(event: Event, letter: Letter) -> Iterable[int]:
    if not letter.to_managers:
        return [event.user_id] if event.user_id else []
    asker = event.operation.user_id if event.operation else None
    return list(people_who_may(letter.right).exclude(pk=asker).values_list("pk", flat=True))


def _muted(name: str, people: Iterable[int]) -> Iterable[int]:
    rows = Mute.objects.filter(name=name, channel=Mute.Channel.MAIL, user__in=people)
    return rows.values_list("user_id", flat=True)


def people_who_may(right: Capability) -> Any:
    """Active people with this right, decided by the database."""
    people = get_user_model()
    named = {"codename": right.value, "content_type__app_label": people._meta.app_label}
    own = people.objects.filter(pk=OuterRef("pk"), **{f"user_permissions__{key}": text for key, text in named.items()})
    team = people.objects.filter(
        pk=OuterRef("pk"), **{f"groups__permissions__{key}": text for key, text in named.items()}
    )
    return people.objects.filter(Q(is_superuser=True) | Exists(own) | Exists(team), is_active=True)


def claim(delivery: Delivery) -> bool:
    """Whether this process sends it now. Who dies meanwhile leaves it due again after a pause."""
    pause = FIRST_PAUSE * 2**delivery.tries
    mine = Delivery.objects.filter(pk=delivery.pk, tries=delivery.tries, state=Delivery.State.QUEUED)
    return bool(mine.update(tries=F("tries") + 1, next_at=now() + pause))


def note_sent(delivery: Delivery, error: str = "") -> None:
    """What became of it; the last try's error gives it up."""
    if not error:
        values: dict[str, Any] = {"state": Delivery.State.SENT, "sent_at": now(), "error": ""}
    else:
        given_up = delivery.tries + 1 >= MOST_TRIES
        values = {"state": Delivery.State.FAILED if given_up else Delivery.State.QUEUED, "error": error[:200]}
    Delivery.objects.filter(pk=delivery.pk).update(**values)


def compose(delivery: Delivery) -> EmailMultiAlternatives | None:
    """The letter as it is right now, in its reader's language, or None when it has lost its meaning (confirmed or
    cancelled meanwhile)."""
    with as_read_by(delivery.user):
        return _compose(delivery)


def _compose(delivery: Delivery) -> EmailMultiAlternatives | None:
    person = delivery.user
    # A managed account has no mailbox: its owner's programs hear of it by webhook.
    about = _about(delivery) if person.is_active and person.managed_by_id is None else None
    if about is None:
        return None
    context = {**about, "person": person, "site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
    text = render_to_string(f"ledger/mail/{delivery.template}.txt", context).strip()
    subject, _, body = text.partition("\n")
    letter = EmailMultiAlternatives(" ".join(subject.split()), body.strip() + "\n", _sender(), [person.email])
    letter.attach_alternative(render_to_string(f"ledger/mail/{delivery.template}.html", context), "text/html")
    return letter


def _about(delivery: Delivery) -> dict[str, Any] | None:
    """What the letter tells of and where it leads; None when it has lost its meaning."""
    event, operation = delivery.event, delivery.event.operation
    if delivery.template == "confirm_contact":
        contact = contacts.of(delivery.user).filter(pk=event.data["contact"], confirmed_at=None).first()
        return {"contact": contact, "link": contacts.link(contact)} if contact else None
    if delivery.template == "contacts_unlock":
        return {"opens_at": delivery.user.contacts_only_until, "link": f"{settings.SITE_URL}/contacts/"}
    if delivery.template == "books_head":
        return {"number": event.data["number"], "hash": event.data["hash"], "link": f"{settings.SITE_URL}/status/"}
    if delivery.template == ALARM.template:
        says, where = _(events.TOPICS[event.name].says), event.data.get("wallet") or event.data.get("coin") or ""
        page = f"{settings.SITE_URL}/admin/{ALARM_PAGES[event.name]}"
        return {"says": says, "where": where, "reason": told(event.data.get("reason") or ""), "link": page}
    if delivery.template == "key_made":
        phrases = {scope.value: _(phrase) for scope, phrase in PHRASES.items()}
        scopes = ", ".join(phrases.get(scope, scope) for scope in event.data["scopes"])
        return {"name": event.data["key"], "scopes": scopes, "link": f"{settings.SITE_URL}/keys/"}
    link = _link(delivery.template, operation) if operation else None
    if operation is None or link is None:
        return None
    reason = event.data.get("reason", "") or operation.reason
    other, owner = operation.counterpart, operation.user
    return {
        "operation": operation, "coin": operation.coin, "link": link, "reason": told(reason),
        "other": (other and other.username) or _("a member"), "owner": owner.username or owner.pk,
    }  # fmt: skip


def _link(template: str, operation: Operation) -> str | None:
    """Where the letter leads; None where there is nothing left to do."""
    if template in ("confirm_move", "confirm_withdraw"):
        token = confirmations.token_of(operation)
        if confirmations.find(token) is None:
            return None
        return f"{settings.SITE_URL}/?__wallets_confirm={token}"
    if template == "approval_needed":
        waits = operation.status == Operation.Status.UNCONFIRMED and not operation.admin_confirm
        return f"{settings.SITE_URL}/admin/ledger/operation/?status__exact=unconfirmed" if waits else None
    return f"{settings.SITE_URL}/activity/{operation.pk}/"


def _sender() -> str:
    site = site_settings.current()
    address = site.email_from or settings.DEFAULT_FROM_EMAIL
    return formataddr((site.email_from_name, address)) if site.email_from_name else address
