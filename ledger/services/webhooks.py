"""Webhooks: a person's feed, pushed to programs of theirs. At least once, in order for each subject, for good.

A message is signed as Standard Webhooks 1.0 says: the headers webhook-id, webhook-timestamp and webhook-signature,
"v1," and the base64 of HMAC-SHA256 over "id.timestamp.body", once for each secret that is valid now. Nothing here
calls anybody: drains/webhooks.py does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import re
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts import proof as proofs
from accounts.api_keys import Scope
from accounts.audit import What, record
from ledger import events
from ledger.models import FeedItem, Push, PushAttempt, Webhook
from ledger.pokes import enqueue
from ledger.services import shapes
from ledger.services.told import told
from wallets_site.base import crypto, net
from wallets_site.base.clock import now
from wallets_site.base.errors import IdempotencyConflict, InvalidRequest, LimitReached, NotFound, WrongState

if TYPE_CHECKING:
    from accounts.models import User

PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200, 21_600, 43_200, 86_400)
)  # fmt: skip
LONGEST_REST: Final = timedelta(minutes=30)  # of a webhook as a whole, after failures in a row
PATIENCE: Final = timedelta(days=5)  # of nothing but failures, then it is switched off
BOTH_SECRETS: Final = timedelta(days=1)
KEPT: Final = timedelta(days=30)
MOST: Final = 10
MOST_RESENT: Final = 1000
LONGEST_BODY: Final = 32_768
LONGEST_URL: Final = 2000
PAGE: Final = 25


# Names that lead inside, and numbers that resolvers take for addresses: 127.1, 0x7f000001, 017700000001.
_NAMED_INSIDE: Final = re.compile(r"(.*\.)?(localhost|local|internal|[0-9]+|0x[0-9a-f]*)\.?", re.ASCII | re.IGNORECASE)


# Addresses ----------------------------------------------------------------------------------------------
def check_url(url: str) -> str:
    """The URL as it will be called; asks no name server. Raises InvalidRequest with what is wrong."""
    text = url.strip()
    try:
        if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or "\\" in text or " " in text:
            raise net.Forbidden("the URL cannot be read")
        parts = net.urlsplit_safely(text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise net.Forbidden("the URL must begin with http:// or https:// and name a host")
        if parts.username is not None or parts.password is not None:
            raise net.Forbidden("user and password must not stand in the URL")
        _check_target(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    except net.Forbidden as error:
        raise InvalidRequest(told(f"We cannot call this address: {error}.")) from error
    return text


def _check_target(host: str, port: int) -> None:
    if f"{host}:{port}" in settings.WALLETS_WEBHOOK_PRIVATE:
        return
    if port not in net.PUBLIC_PORTS:
        raise net.Forbidden(f"port {port} is not allowed")
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        if _NAMED_INSIDE.fullmatch(host):
            raise net.Forbidden("the host is not on the public internet") from None
        return
    if not net.is_public(host):
        raise net.Forbidden("the host is not on the public internet")


# A person's webhooks ------------------------------------------------------------------------------------
def create(
    *, user: User, url: str, proof: proofs.Proof, key: str, names: Iterable[str] = (), label: str = "",
    known: Collection[str] = (),
) -> tuple[Webhook, str]:  # fmt: skip
    """(the webhook, its secret, which is shown this once). It hears what happens from now on.

    names: of what it hears, each one of `known`; none: of everything. The same key makes one webhook, and a repeat
    answers with an empty secret. Raises InvalidRequest, LimitReached, IdempotencyConflict.
    """
    proofs.demand(proof, user, scope=Scope.MANAGE)
    wanted, there, name = sorted(set(names)), check_url(url), " ".join(label.split())[:60]
    if unknown := [each for each in wanted if each not in known]:
        raise InvalidRequest(f"There is no event called {unknown[0][:40]}.")
    done = Webhook.objects.filter(user=user, request_key=key).first()
    if done is not None:
        if (done.url, done.names, done.label) != (there, wanted, name):
            raise IdempotencyConflict("This key was used before, for a different request. Use a fresh one.")
        return done, ""
    if Webhook.objects.filter(user=user).count() >= MOST:
        raise LimitReached(f"You have {MOST} webhooks already. Remove one first.", limit=MOST)
    secret = _new_secret()
    with transaction.atomic():
        made = Webhook.objects.create(
            user=user, url=there, label=name, names=wanted, secret=crypto.encrypt(secret), request_key=key
        )
        record(What.WEBHOOK_ADDED, who=user, ip=proof.where, object=f"webhook {made.pk}")
    return made, secret


def of(user: User) -> QuerySet[Webhook]:
    return Webhook.objects.filter(user=user).order_by("pk")


def find(user: User, pk: int) -> Webhook:
    """Raises NotFound for anybody else's."""
    found = of(user).filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such webhook.")
    return found


def rotate_secret(*, user: User, webhook_id: int, proof: proofs.Proof) -> tuple[Webhook, str]:
    """(the webhook, its new secret). For a day more messages are signed with the old one too."""
    proofs.demand(proof, user, scope=Scope.MANAGE)
    webhook, secret = find(user, webhook_id), _new_secret()
    with transaction.atomic():
        webhook.previous_secret, webhook.previous_until = webhook.secret, now() + BOTH_SECRETS
        webhook.secret = crypto.encrypt(secret)
        webhook.save(update_fields=["secret", "previous_secret", "previous_until"])
        record(What.WEBHOOK_CHANGED, who=user, ip=proof.where, object=f"webhook {webhook.pk}", change="secret")
    return webhook, secret


def switch(*, user: User, webhook_id: int, on: bool) -> Webhook:
    """Off: nothing is pushed, and what happens meanwhile never is. On: failures are forgotten."""
    webhook = find(user, webhook_id)
    webhook.is_active, webhook.reason, webhook.failures = on, "" if on else "Switched off by you.", 0
    webhook.failing_since = webhook.wait_until = None
    webhook.save(update_fields=["is_active", "reason", "failures", "failing_since", "wait_until"])
    return webhook


def remove(*, user: User, webhook_id: int, where: str = "") -> None:
    """With all it was told: whoever wants to keep that switches it off instead."""
    webhook = find(user, webhook_id)
    with transaction.atomic():
        record(What.WEBHOOK_REMOVED, who=user, ip=where, object=f"webhook {webhook.pk}")
        webhook.delete()


def test(*, user: User, webhook_id: int, key: str) -> Push:
    """Push a message that means nothing. Raises WrongState while it is switched off."""
    webhook = find(user, webhook_id)
    if not webhook.is_active:
        raise WrongState("This webhook is switched off.")
    body = {"name": "test", "subject": "test", "created": now().isoformat(), "data": {"webhook": webhook.pk}}
    return _put(user.pk, webhook=webhook, name="test", subject="test", body=body, key=f"test:{webhook.pk}:{key}")


# Messages -----------------------------------------------------------------------------------------------
def queue(user_id: int, items: Iterable[FeedItem]) -> None:
    """One message an item for each webhook that hears of it; inside the transaction that numbered the items."""
    listening = list(Webhook.objects.filter(user_id=user_id, is_active=True))
    rows = [
        Push(
            user_id=user_id, webhook=webhook, target=f"webhook:{webhook.pk}", name=item.name, subject=item.subject,
            key=f"feed:{webhook.pk}:{item.number}", body=_text(shapes.item_data(item)), next_at=now(),
        )
        for webhook in listening for item in items
        if item.created_at >= webhook.created_at and (not webhook.names or item.name in webhook.names)
    ]  # fmt: skip
    if rows:
        Push.objects.bulk_create(rows, ignore_conflicts=True)
        enqueue("webhooks")


def push_once(*, user_id: int, url: str, name: str, subject: str, body: dict[str, Any], key: str) -> Push:
    """One message to an address that was given once, signed with personal_secret() of whoever answers for the account.
    Writes a row and nothing else.

    The same key answers with the first message. Raises InvalidRequest for an address we do not call.
    """
    there = check_url(url)
    target = "url:" + hashlib.sha256(there.encode()).hexdigest()
    return _put(user_id, url=there, target=target, name=name, subject=subject, body=body, key=f"once:{key}")


def _put(
    user_id: int, *, name: str, subject: str, body: dict[str, Any], key: str, webhook: Webhook | None = None,
    url: str = "", target: str = "",
) -> Push:  # fmt: skip
    text = _text(body)
    if len(text.encode()) > LONGEST_BODY:
        raise InvalidRequest("This is too much for one message.")
    row = Push(
        user_id=user_id, webhook=webhook, url=url, target=target or f"webhook:{webhook.pk if webhook else 0}",
        key=key, name=name, subject=subject[:60], body=text, next_at=now(),
    )  # fmt: skip
    Push.objects.bulk_create([row], ignore_conflicts=True)
    enqueue("webhooks")
    return Push.objects.get(key=key)


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def pushes(
    user: User, *, subject: str = "", webhook_id: int | None = None, before: int | None = None, limit: int = PAGE
) -> list[Push]:
    """Newest first, each with its attempts, oldest first."""
    rows = Push.objects.filter(user=user)
    if subject:
        rows = rows.filter(subject=subject)
    if webhook_id is not None:
        rows = rows.filter(webhook_id=webhook_id)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk").prefetch_related("attempts")[:limit])


def pushed_once(user: User, *, before: int | None = None, limit: int = PAGE) -> list[Push]:
    """What was pushed to addresses given once, of this person's accounts and of those they manage; newest first."""
    rows = _once(user) if before is None else _once(user).filter(pk__lt=before)
    return list(rows.order_by("-pk").prefetch_related("attempts")[:limit])


def _once(user: User) -> QuerySet[Push]:
    return Push.objects.filter(Q(user=user) | Q(user__managed_by=user), webhook=None)


def resend_once(*, user: User, push_id: int) -> None:
    """Push it once more, with the same id, whatever became of it. Raises NotFound."""
    if not _again(Push.objects.filter(pk__in=_once(user).filter(pk=push_id).values("pk"))):
        raise NotFound("There is no such message.")


def resend(*, user: User, push_id: int) -> Push:
    """Push it once more, with the same id, whatever became of it. Raises NotFound."""
    if not _again(Push.objects.filter(user=user, pk=push_id)):
        raise NotFound("There is no such message.")
    return Push.objects.get(pk=push_id)


def resend_many(
    *, user: User, webhook_id: int, subject: str = "", since: datetime | None = None, until: datetime | None = None
) -> int:
    """Push again what this webhook was told of a subject, or in a time, or both; how many, at most MOST_RESENT."""
    find(user, webhook_id)
    if not subject and since is None:
        raise InvalidRequest("Say of which subject, or since when.")
    rows = Push.objects.filter(user=user, webhook_id=webhook_id)
    rows = rows.filter(subject=subject) if subject else rows
    rows = rows.filter(created_at__gte=since) if since else rows
    rows = rows.filter(created_at__lt=until) if until else rows
    return _again(Push.objects.filter(pk__in=list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_RESENT])))


def _again(rows: QuerySet[Push]) -> int:
    count = rows.update(state=Push.State.QUEUED, tries=0, next_at=now(), sent_at=None)
    enqueue("webhooks")
    return count


# Handing over: called by the drain ------------------------------------------------------------------------
def has_due() -> bool:
    return _due().exists()


def due(*, busy: Collection[str], most: int) -> list[Push]:
    """Messages to be handed over now, oldest first, at most one a target, none of a target in `busy`.

    A message waits for every older one of its target and subject.
    """
    found: dict[str, Push] = {}
    while len(found) < most:
        row = (
            _due()
            .exclude(target__in=[*busy, *found])
            .select_related("webhook", "user")
            .order_by("next_at", "pk")
            .first()
        )
        if row is None:
            break
        found[row.target] = row
    return list(found.values())


def _due() -> QuerySet[Push]:
    older = Push.objects.filter(
        target=OuterRef("target"), subject=OuterRef("subject"), pk__lt=OuterRef("pk"), state=Push.State.QUEUED
    )
    free = Q(webhook=None) | Q(webhook__is_active=True) & (
        Q(webhook__wait_until=None) | Q(webhook__wait_until__lte=now())
    )
    return Push.objects.filter(free, ~Exists(older), state=Push.State.QUEUED, next_at__lte=now(), user__is_active=True)


def claim(push: Push) -> bool:
    """Whether this process hands it over now. Who dies meanwhile leaves it due again after a pause."""
    mine = Push.objects.filter(pk=push.pk, tries=push.tries, state=Push.State.QUEUED)
    return bool(mine.update(tries=F("tries") + 1, next_at=now() + PAUSES[min(push.tries, len(PAUSES) - 1)]))


def address_of(push: Push) -> str:
    return push.webhook.url if push.webhook else push.url


def headers_of(push: Push) -> dict[str, str]:
    """What signs it, made at the moment it is sent."""
    moment = str(int(now().timestamp()))
    said = f"{ident_of(push)}.{moment}.{push.body}".encode()
    signatures = [
        base64.b64encode(hmac.new(_bytes(secret), said, hashlib.sha256).digest()).decode() for secret in _secrets(push)
    ]
    return {
        "webhook-id": ident_of(push), "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }  # fmt: skip


def ident_of(push: Push) -> str:
    """The same however often it is pushed: receivers tell repeats by it."""
    return f"msg_{push.pk}"


def note(push: Push, *, status: int | None, error: str = "", milliseconds: int = 0) -> None:
    """What became of an attempt: any 2xx is taken, everything else is tried again, up to len(PAUSES) times more."""
    good = status is not None and 200 <= status < 300
    tries = push.tries + 1
    with transaction.atomic():
        PushAttempt.objects.create(push=push, status=status, error=error[:200], milliseconds=milliseconds)
        values: dict[str, Any] = {"status": status, "error": error[:200]}
        if good:
            values |= {"state": Push.State.SENT, "sent_at": now()}
        elif tries > len(PAUSES):
            values |= {"state": Push.State.FAILED}
        Push.objects.filter(pk=push.pk, tries=tries).update(**values)
        if push.webhook is not None:
            _note_webhook(push.webhook, good, error or f"It answered with {status}.")


def _note_webhook(webhook: Webhook, good: bool, error: str) -> None:
    rows = Webhook.objects.filter(pk=webhook.pk)
    if good:
        rows.exclude(failures=0).update(failures=0, failing_since=None, wait_until=None)
        return
    webhook.refresh_from_db(fields=["failures", "failing_since"])
    rest = min(PAUSES[min(webhook.failures, len(PAUSES) - 1)], LONGEST_REST)
    since = webhook.failing_since or now()
    rows.update(failures=F("failures") + 1, failing_since=since, wait_until=now() + rest)
    if now() - since > PATIENCE:
        why = f"Nothing was taken for {PATIENCE.days} days: {error}"
        if rows.filter(is_active=True).update(is_active=False, reason=why[:200]):
            events.emit("webhook_stopped", user_id=webhook.user_id, webhook=webhook.pk, reason=why[:200])


def forget_old() -> None:
    """Messages that were handed over long ago."""
    old = Push.objects.filter(sent_at__lt=now() - KEPT).order_by("pk").values_list("pk", flat=True)[:MOST_RESENT]
    Push.objects.filter(pk__in=list(old)).delete()


# Secrets ------------------------------------------------------------------------------------------------
def personal_secret(user_id: int, *, secret: str = "") -> str:
    """What messages to addresses given once are signed with; derived, so that it can be shown again."""
    key = (secret or settings.WALLETS_KEY_SECRET).encode()
    made = hmac.new(key, crypto.canonical({"webhooks of": user_id}), hashlib.sha256)
    return "whsec_" + base64.b64encode(made.digest()).decode()


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _secrets(push: Push) -> list[str]:
    webhook = push.webhook
    if webhook is None:
        before = settings.WALLETS_KEY_SECRET_PREVIOUS  # signed by both while it is replaced
        owner = push.user.managed_by_id or push.user_id
        return [personal_secret(owner), *([personal_secret(owner, secret=before)] if before else [])]
    found = [crypto.decrypt(webhook.secret)]
    if webhook.previous_secret and webhook.previous_until and webhook.previous_until > now():
        found.append(crypto.decrypt(webhook.previous_secret))
    return found


def _bytes(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))
