"""Whom a person pays: members and addresses under names of their own, and the lock that lets money go to these only.

An address, and while the lock is on a member too, counts once its owner followed the link in a mail.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts import holds as payout_holds
from accounts import proof as proofs
from accounts.audit import What, record
from accounts.models import User
from accounts.queries import find_recipient
from ledger import events, nodes
from ledger.models import Coin, Contact
from wallets_site.base import crypto
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, LimitReached, NotAllowed, NotFound, WrongState

LINK_LIVES: Final = timedelta(hours=1)
MOST: Final = 500
LABEL: Final = 60
_SALT: Final = "ledger.contact"


def of(user: User) -> QuerySet[Contact]:
    """This person's contacts by name."""
    return Contact.objects.filter(user=user).select_related("member", "coin")


def find(user: User, pk: int) -> Contact:
    """Raises NotFound for anybody else's."""
    found = of(user).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such contact."))
    return found


def named(user: User, coin: Coin, text: str) -> Contact | None:
    """The confirmed contact of this name, letter case aside, if this coin can be sent there. A name its owner gave
    goes before any member of the same name: nobody can slip in by choosing it."""
    wanted = " ".join(text.split())
    rows = of(user).filter(Q(coin=coin) | Q(coin=None), label__iexact=wanted, confirmed_at__isnull=False)
    return rows.first() if 0 < len(wanted) <= LABEL else None


def target(contact: Contact) -> str:
    """What to write into a "To" box to reach this contact."""
    member = contact.member
    return contact.address or (member.username or member.email if member else "")


def add(*, user: User, label: str, to: str, coin: Coin | None = None, extra: str = "") -> Contact:
    """A member by user name or e-mail, or with `coin` an address of it. Asks for the mail's link where one is needed.

    Raises InvalidRequest for nobody, oneself, a name or somebody used already; InvalidAddress; LimitReached.
    """
    name = " ".join(label.split())
    if not name or len(name) > LABEL:
        raise InvalidRequest(_("Give a name of 1 to %(most)s letters.") % {"most": LABEL})
    contact = Contact(user=user, label=name, coin=coin)
    if coin is None:
        contact.member = _member(user, to)
    else:
        checked = nodes.check_address(coin, to)
        contact.address, contact.extra = checked.address, extra.strip() or checked.extra
    if Contact.objects.filter(user=user).count() >= MOST:
        raise LimitReached(_("You have %(most)s contacts already. Remove one first.") % {"most": MOST}, limit=MOST)
    return _store(contact)


def same(*, user: User, label: str, to: str, coin: Coin | None = None, extra: str = "") -> Contact | None:
    """The contact that add() made of these very words before; for programs that repeat themselves."""
    found = of(user).filter(label=" ".join(label.split()), coin=coin).first()
    if found is None:
        return None
    if coin is None:
        return found if found.member == find_recipient(to) else None
    checked = nodes.check_address(coin, to)
    wanted = checked.address, extra.strip() or checked.extra
    return found if (found.address, found.extra) == wanted else None


def _member(user: User, to: str) -> User:
    found = find_recipient(to) if to.strip() else None
    if found is None:
        raise InvalidRequest(_("There is no member of this name. Check the spelling."))
    if found.pk == user.pk:
        raise InvalidRequest(_("This is yourself."))
    return found


def _store(contact: Contact) -> Contact:
    if contact.coin is None and not contact.user.pays_contacts_only:
        contact.confirmed_at = now()
    else:
        contact.confirm_expires_at = now() + LINK_LIVES
    try:
        with transaction.atomic():
            contact.save()
            if contact.confirmed_at is None:
                _ask(contact)
    except IntegrityError as error:
        raise InvalidRequest(_("You have a contact with this name, or for the same recipient, already.")) from error
    return contact


def _ask(contact: Contact) -> None:
    events.emit("confirm_contact", user_id=contact.user_id, contact=contact.pk, label=contact.label)


def ask_again(*, user: User, contact_id: int) -> Contact:
    """Another mail with a fresh link. Raises NotFound, WrongState."""
    contact = find(user, contact_id)
    if contact.confirmed_at is not None:
        raise WrongState(_("This contact is confirmed already."))
    with transaction.atomic():
        contact.confirm_expires_at = now() + LINK_LIVES
        contact.save(update_fields=["confirm_expires_at"])
        _ask(contact)
    return contact


def token_of(contact: Contact) -> str:
    """The text in the mail's link: it stands nowhere else."""
    return crypto.sign({"contact": contact.pk, "until": str(contact.confirm_expires_at)}, salt=_SALT)


def link(contact: Contact) -> str:
    return f"{settings.SITE_URL}/contacts/confirm/{token_of(contact)}/"


def asked_by(token: str) -> Contact | None:
    """The contact this link confirms, while it may."""
    try:
        said = crypto.unsign(token, salt=_SALT, max_age=int(LINK_LIVES.total_seconds()))
    except signing.BadSignature:
        return None
    rows = Contact.objects.select_related("member", "coin", "user").filter(pk=said["contact"], confirmed_at=None)
    return rows.filter(confirm_expires_at__gt=now(), user__is_active=True).first()


def confirm(token: str, *, where: str = "") -> Contact:
    """Raises NotFound for a link that was used, is over an hour old, or of a contact since removed."""
    contact = asked_by(token)
    if contact is None:
        raise NotFound(_("This link was used already or is over an hour old. Ask for a new one on your contacts."))
    payout_holds.demand_payouts(contact.user)
    contact.confirmed_at = now()
    contact.save(update_fields=["confirmed_at"])
    record(What.CONTACT_CONFIRMED, who=contact.user, ip=where, object=contact.label)
    return contact


def remove(*, user: User, contact_id: int) -> None:
    find(user, contact_id).delete()


def usable_from(contact: Contact) -> datetime | None:
    """When money may go there under the lock; None before it is confirmed."""
    if contact.confirmed_at is None:
        return None
    hold = timedelta(hours=settings.WALLETS_CONTACT_HOLD_HOURS) if contact.coin_id else timedelta()
    return contact.confirmed_at + hold


# The lock -----------------------------------------------------------------------------------------------
def lock(*, user: User, where: str = "") -> None:
    """From now on only confirmed contacts are paid."""
    user.contacts_only_since, user.contacts_only_until = now(), None
    user.save(update_fields=["contacts_only_since", "contacts_only_until"])
    record(What.CONTACTS_LOCKED, who=user, ip=where)


def unlock(*, user: User, proof: proofs.Proof, where: str = "") -> datetime:
    """Ask the lock to open; when it will: after WALLETS_LOOSEN_HOURS. Needs a fresh proof."""
    proofs.demand(proof, user)
    payout_holds.demand_payouts(user)
    if not user.pays_contacts_only:
        raise WrongState(_("The lock is off already."))
    if user.contacts_only_until is None:
        user.contacts_only_until = now() + timedelta(hours=settings.WALLETS_LOOSEN_HOURS)
        user.save(update_fields=["contacts_only_until"])
        record(What.CONTACTS_UNLOCK_ASKED, who=user, ip=where)
        events.emit("contacts_unlock_asked", user_id=user.pk)
    return user.contacts_only_until


def demand(user: User, *, recipient: User | None = None, coin: Coin, address: str = "", extra: str = "") -> None:
    """Raises NotAllowed when this person pays contacts only and this is none of them. Asks nothing otherwise,
    and nothing of who pays another account of their own."""
    if not user.pays_contacts_only or recipient == user:
        return
    meant = Q(coin=coin, address=address, extra=extra) if address else Q(pk=None)
    if recipient is not None:
        meant |= Q(member=recipient)
    rows = Contact.objects.filter(meant, user=user, confirmed_at__isnull=False)
    if any((at := usable_from(row)) is not None and at <= now() for row in rows):
        return
    raise NotAllowed(
        _("You pay your confirmed contacts only. Add this recipient to your contacts first, or open the lock there.")
    )
