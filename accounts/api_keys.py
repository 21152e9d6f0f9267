"""Keys for programs that use the REST API: random, shown once, kept as a digest, limited to scopes.

A key never does more than its owner may, and never what only a person may: make keys, change security, approve.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import holds, people
from accounts import proof as proofs
from accounts.audit import What, record
from accounts.capabilities import Capability, may, require, require_proven_email
from accounts.models import ApiKey, User
from wallets_site.base import crypto
from wallets_site.base.clock import now
from wallets_site.base.errors import IdempotencyConflict, InvalidRequest, LimitReached, NotFound, ProofRequired
from wallets_site.base.prepared import Prepared, Question


class Scope(StrEnum):
    READ = "read"
    RECEIVE = "receive"
    SEND = "send"
    WITHDRAW = "withdraw"
    MANAGE = "manage"


PHRASES: Final = {
    Scope.READ: gettext_noop("see balances, activity, addresses and the feed"),
    Scope.RECEIVE: gettext_noop("make deposit addresses and label them"),
    Scope.SEND: gettext_noop("send to members, and cancel what waits"),
    Scope.WITHDRAW: gettext_noop("withdraw to outside addresses, and cancel what waits"),
    Scope.MANAGE: gettext_noop("manage webhooks and contacts, and see and revoke keys"),
}
MOST: Final = 50
NAME: Final = 60
MOST_ADDRESSES: Final = 20
NOTED_EVERY: Final = timedelta(minutes=1)
PREFIX: Final = "wk_"
_SHAPE: Final = re.compile(PREFIX + "[A-Za-z0-9_-]{43}", re.ASCII)
_PEOPLE_SHOW: Final = (proofs.Factor.PASSWORD, proofs.Factor.MFA)


def make_key(
    *, user: User, name: str, scopes: Iterable[str], proof: proofs.Proof, key: str, expires_at: datetime | None = None,
    addresses: Iterable[str] = (),
) -> tuple[ApiKey, str]:  # fmt: skip
    """(the row, the key itself, which nobody can show again). A repeat of `key` answers with an empty text.

    Raises ProofRequired unless the person showed a factor within 5 minutes, PayoutsHeld, InvalidRequest, LimitReached.
    """
    proofs.demand(proof, user)
    if proof.factor not in _PEOPLE_SHOW:
        raise ProofRequired(_("Please confirm that it is you: sign in and make the key on the site."))
    require(user, Capability.USE_API)
    require_proven_email(user)
    wanted = {
        "name": _name(name), "scopes": _scopes(scopes), "addresses": _networks(addresses),
        "expires_at": _expiry(expires_at),
    }  # fmt: skip
    done = ApiKey.objects.filter(owner=user, request_key=key).first()
    if done is not None:
        if any(getattr(done, field) != value for field, value in wanted.items()):
            raise IdempotencyConflict(_("This key was used before, for a different request. Use a fresh one."))
        return done, ""
    holds.demand_payouts(user)
    if usable(user).count() >= MOST:
        raise LimitReached(_("You have %(most)s keys already. Revoke one first.") % {"most": MOST}, limit=MOST)
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        made = ApiKey.objects.create(owner=user, prefix=text[:10], digest=_digest(text), request_key=key, **wanted)
        record(What.KEY_MADE, who=user, ip=proof.where, object=f"key {made.pk}", scopes=wanted["scopes"])
    return made, text


_COLUMNS: Final = tuple(field.attname for field in ApiKey._meta.concrete_fields)
_BY_DIGEST: Final = Prepared(
    lambda digest: ApiKey.objects.filter(digest=digest).values_list(*_COLUMNS, *people.columns("owner_id", "owner__")),
    digest=str,
)


def find_key(text: str, *, where: str) -> ApiKey | None:
    """The key with its owner, if it opens anything from this address now."""
    if _SHAPE.fullmatch(text) is None:
        return None
    digest = _digest(text)
    row = _BY_DIGEST.first(digest=digest)
    if row is None:
        return None
    found = ApiKey.from_db("default", _COLUMNS, row[: len(_COLUMNS)])
    if not hmac.compare_digest(found.digest, digest) or not found.is_usable:
        return None
    found.owner = people.read(row[len(_COLUMNS) :])
    if not found.owner.is_active or not _comes_from(found, where) or not may(found.owner, Capability.USE_API):
        return None
    return found


def question(text: str) -> Question | None:
    """What find_key() will ask, for who asks ahead."""
    return _BY_DIGEST(digest=_digest(text)) if _SHAPE.fullmatch(text) else None


def note_use(key: ApiKey, where: str) -> None:
    """When it was used last, and from where; written at most once a minute while nothing changes."""
    moment = now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=moment - NOTED_EVERY) | ~Q(last_ip=where or None)
    fresh = key.last_used_at is not None and moment - key.last_used_at < NOTED_EVERY and key.last_ip == (where or None)
    if not fresh:
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=moment, last_ip=where or None)


def revoke(*, user: User, key_id: int, where: str = "") -> ApiKey:
    """It opens nothing from now on; a repeat changes nothing. Raises NotFound for anybody else's."""
    with transaction.atomic():
        if ApiKey.objects.filter(owner=user, pk=key_id, revoked_at=None).update(revoked_at=now()):
            record(What.KEY_REVOKED, who=user, ip=where, object=f"key {key_id}")
    return find(user, key_id)


def of(user: User) -> QuerySet[ApiKey]:
    """Newest first, the revoked ones too."""
    return ApiKey.objects.filter(owner=user).order_by("-pk")


def usable(user: User) -> QuerySet[ApiKey]:
    return of(user).filter(Q(expires_at=None) | Q(expires_at__gt=now()), revoked_at=None)


def find(user: User, pk: int) -> ApiKey:
    found = of(user).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such key."))
    return found


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > NAME:
        raise InvalidRequest(_("Give the key a name of 1 to %(name)s letters.") % {"name": NAME})
    return name


def _scopes(scopes: Iterable[str]) -> list[str]:
    wanted = set(scopes)
    if not wanted or not wanted <= set(Scope):
        raise InvalidRequest(_("Choose scopes among %(join)s.") % {"join": ", ".join(Scope)})
    return [scope.value for scope in Scope if scope in wanted]


def _expiry(moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= now():
        raise InvalidRequest(_("A key must expire in the future."))
    return moment


def _networks(texts: Iterable[str]) -> list[str]:
    found = []
    for text in texts:
        try:
            found.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError as error:
            raise InvalidRequest(_("“%(text)s” is no IP address or network.") % {"text": text[:60]}) from error
    if len(found) > MOST_ADDRESSES:
        raise InvalidRequest(
            _("A key comes from at most %(most_addresses)s networks.") % {"most_addresses": MOST_ADDRESSES}
        )
    return sorted(set(found))


def _comes_from(key: ApiKey, where: str) -> bool:
    if not key.addresses:
        return True
    try:
        address = ipaddress.ip_address(where)
    except ValueError:
        return False
    inner = getattr(address, "ipv4_mapped", None) or address
    return any(inner in ipaddress.ip_network(text) for text in key.addresses)


def _digest(text: str) -> str:
    return crypto.digest({"api key": text})
