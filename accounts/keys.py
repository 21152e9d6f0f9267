"""Keys that their owner may look at again: derived from a secret, so that only their digest is stored.

key = HMAC-SHA256(WALLETS_KEY_SECRET, owner, kind, subject, generation), 64 hex digits; of a purse's keys the
first 32, which is what their clients expect. A new key is the next generation; the one before it opens nothing from
then on.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from accounts import people
from accounts import proof as proofs
from accounts.audit import What, record
from accounts.models import DerivedKey, User
from wallets_site.base import crypto
from wallets_site.base.clock import now
from wallets_site.base.prepared import Prepared, Question

PLUGIN_API: Final = "plugin_api"
PURSE_ADMIN: Final = "purse_admin"
PURSE_INVOICE: Final = "purse_invoice"
PURSE_KINDS: Final = (PURSE_ADMIN, PURSE_INVOICE)
_SHAPE: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PURSE_SHAPE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


def _owner(digest: str, kind: str) -> QuerySet[DerivedKey, tuple[Any, ...]]:
    rows = DerivedKey.objects.filter(digest=digest, kind=kind, owner__is_active=True)
    return rows.values_list(*people.columns("owner_id", "owner__"))


_OWNER: Final = Prepared(_owner, digest=str, kind=str)


def _purse_owner(digest: str) -> QuerySet[DerivedKey, tuple[Any, ...]]:
    """Of a key that works: its holder is active, and so is whoever answers for the holder."""
    rows = DerivedKey.objects.filter(digest=digest, kind__in=PURSE_KINDS, owner__is_active=True)
    rows = rows.filter(Q(owner__managed_by=None) | Q(owner__managed_by__is_active=True))
    return rows.values_list("kind", "subject", *people.columns("owner_id", "owner__"))


_PURSE_OWNER: Final = Prepared(_purse_owner, digest=str)


@dataclass(frozen=True, slots=True)
class PurseKey:
    """Whose key it is, of which purse, and whether it is the one that may pay."""

    owner: User
    subject: str
    may_pay: bool


def show_key(user: User, kind: str, subject: str = "") -> str:
    """The owner's current key, made on first use."""
    row = DerivedKey.objects.filter(owner=user, kind=kind, subject=subject).first()
    return _shown(user, kind, subject, row)


def renew_key(user: User, kind: str, subject: str = "", *, where: str = "") -> str:
    """The next generation; the key before it is dead at once."""
    with transaction.atomic():
        row = DerivedKey.objects.filter(owner=user, kind=kind, subject=subject).first() or _first(user, kind, subject)
        DerivedKey.objects.filter(pk=row.pk).update(generation=F("generation") + 1, renewed_at=now())
        row.refresh_from_db()
        key = _derive(settings.WALLETS_KEY_SECRET, row)
        DerivedKey.objects.filter(pk=row.pk).update(digest=_digest(key))
        record(What.KEY_RENEWED, who=user, ip=where, object=f"{kind} {subject}".strip())
    return key


def renew_plugin_key(*, user: User, proof: proofs.Proof) -> str:
    """As renew_key() of the WordPress API's key, for a person who showed a factor within 5 minutes."""
    proofs.demand(proof, user)
    return renew_key(user, PLUGIN_API, where=proof.where)


def owner_of(key: str, kind: str) -> User | None:
    """Who holds this key, compared exactly; None for no key of ours and for an account that is shut out."""
    if _SHAPE.fullmatch(key) is None:
        return None
    row = _OWNER.first(digest=_digest(key), kind=kind)
    return None if row is None else people.read(row)


def owner_question(key: str, kind: str) -> Question | None:
    """What owner_of() will ask, for who asks ahead."""
    return _OWNER(digest=_digest(key), kind=kind) if _SHAPE.fullmatch(key) else None


def purse_question(digest: str) -> Question:
    """What purse_key() will ask for the key of this digest, for who asks ahead."""
    return _PURSE_OWNER(digest=digest)


def subject_of(digest: str) -> QuerySet[DerivedKey, Any]:
    """The purse this key is of, for a subquery."""
    return DerivedKey.objects.filter(digest=digest, kind__in=PURSE_KINDS).values("subject")[:1]


def purse_digest(key: str) -> str | None:
    """By which a purse's key is found; None for what is no such key."""
    return _digest(key) if _PURSE_SHAPE.fullmatch(key) else None


def purse_key(key: str) -> PurseKey | None:
    """Compared exactly; None for no key of ours, and for one of an account that is shut out or whose owner is."""
    digest = purse_digest(key)
    row = None if digest is None else _PURSE_OWNER.first(digest=digest)
    return None if row is None else PurseKey(people.read(row[2:]), row[1], row[0] == PURSE_ADMIN)


def purse_keys(owners: Mapping[str, User]) -> dict[str, dict[str, str]]:
    """{subject: {kind: key}} of these people's purses, {subject: whose}; each made on first use."""
    rows = DerivedKey.objects.filter(owner__in=set(owners.values()), kind__in=PURSE_KINDS, subject__in=list(owners))
    found = {(row.owner_id, row.subject, row.kind): row for row in rows}
    return {
        subject: {kind: _shown(user, kind, subject, found.get((user.pk, subject, kind))) for kind in PURSE_KINDS}
        for subject, user in owners.items()
    }


def _shown(user: User, kind: str, subject: str, row: DerivedKey | None) -> str:
    row = row or _first(user, kind, subject)
    for secret in (settings.WALLETS_KEY_SECRET, settings.WALLETS_KEY_SECRET_PREVIOUS):
        key = _derive(secret, row)
        if secret and hmac.compare_digest(_digest(key), row.digest):
            return key
    return renew_key(user, kind, subject)  # its secret is gone: nobody can show it any more


def is_of_previous_secret(row: DerivedKey) -> bool:
    """Whether it can only be shown while WALLETS_KEY_SECRET_PREVIOUS is set. It works in either case."""
    return not hmac.compare_digest(_digest(_derive(settings.WALLETS_KEY_SECRET, row)), row.digest)


def _first(user: User, kind: str, subject: str) -> DerivedKey:
    row = DerivedKey(owner=user, kind=kind, subject=subject)
    row.digest = _digest(_derive(settings.WALLETS_KEY_SECRET, row))
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:  # another request was first
        return DerivedKey.objects.get(owner=user, kind=kind, subject=subject)
    return row


def _derive(secret: str, row: DerivedKey) -> str:
    said = {"owner": row.owner_id, "kind": row.kind, "subject": row.subject, "generation": row.generation}
    key = hmac.new(secret.encode(), crypto.canonical(said), hashlib.sha256).hexdigest()
    return key[:32] if row.kind in PURSE_KINDS else key


def _digest(key: str) -> str:
    return crypto.digest({"key": key})
