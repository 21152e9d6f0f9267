"""For programs: the feed, keys, webhooks and what became of their messages."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import api_keys
from accounts.audit import client_ip
from accounts.capabilities import Capability, require
from ledger import money, queries
from ledger.api import serializers as asked
from ledger.api.access import person, proof_of
from ledger.api.v1 import answers
from ledger.api.v1.base import MANAGE, READ, Endpoint, described, key_of, read_body, read_query
from ledger.services import feed, key_caps, shapes, webhooks

ITEM = {
    "number": 3, "name": "balance_changed", "subject": "balance:LTC", "created": "2026-01-31T12:00:00Z",
    "data": {"coin": "LTC", "purse": 0, "account": "available", "change": "-0.501", "balance": "1.25", "line": 8,
             "transaction": 4711, "reason": "move"},
}  # fmt: skip


class Events(Endpoint):
    """Everything that happens to this person's money, from number 1 on without a gap. The sum of all changes of an
    account is its balance. next_after, given as after, goes on; an empty list is the end, for now."""

    scopes = {"GET": READ}

    @described("events", answers.Events, parameters=[asked.EventsQuery], example={"events": [ITEM], "next_after": 3})
    def get(self, request: Request) -> Response:
        require(person(request), Capability.LIST_TRANSACTIONS)
        wanted = read_query(asked.EventsQuery, request)
        items = feed.read(person(request), after=wanted["after"], limit=wanted["limit"])
        last = items[-1].number if items else wanted["after"]
        return Response({"events": [shapes.item_data(item) for item in items], "next_after": last})


class Keys(Endpoint):
    """A key is made by a signed-in person who confirmed that it is them, never by another key."""

    scopes = {"GET": MANAGE}

    @described("keys", answers.Keys)
    def get(self, request: Request) -> Response:
        read_query(asked.NoQuery, request)
        rows = list(api_keys.of(person(request)))
        caps = key_caps.caps_of_many(rows)
        return Response({"keys": [shapes.key_data(row, caps[row.pk]) for row in rows]})

    @described("key_new", answers.NewKey, request=asked.KeyOrder, status=201, write=True,
               asks={"name": "Shop", "scopes": ["read", "receive"], "addresses": ["192.0.2.0/24"],
                     "caps": [{"coin": "LTC", "daily": "5"}]})  # fmt: skip
    def post(self, request: Request) -> Response:
        key, wanted = key_of(request), read_body(asked.KeyOrder, request)
        row, text = key_caps.make_key(
            user=person(request), name=wanted["name"], scopes=wanted["scopes"], proof=proof_of(request),
            key=key, expires_at=wanted["expires"], addresses=wanted["addresses"],
            caps=_caps(wanted["caps"]),
        )  # fmt: skip
        return Response({**shapes.key_data(row), "key": text}, status=201)


def _caps(rows: list[dict[str, Any]]) -> dict[Any, int]:
    found = {}
    for row in rows:
        coin = queries.coin(row["coin"])
        found[coin] = money.parse_positive(row["daily"], coin.decimals)
    return found


class OneKey(Endpoint):
    scopes = {"GET": MANAGE, "DELETE": MANAGE}

    @described("key", answers.Key)
    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.key_data(api_keys.find(person(request), pk)))

    @described("key_revoke", answers.Key)
    def delete(self, request: Request, pk: int) -> Response:
        row = api_keys.revoke(user=person(request), key_id=pk, where=client_ip(request._request))
        return Response(shapes.key_data(row))


class Webhooks(Endpoint):
    scopes = {"GET": MANAGE, "POST": MANAGE}

    @described("webhooks", answers.Webhooks)
    def get(self, request: Request) -> Response:
        read_query(asked.NoQuery, request)
        rows = [shapes.webhook_data(row) for row in webhooks.of(person(request))]
        return Response({"webhooks": rows, "names": feed.names()})

    @described("webhook_new", answers.WebhookSecret, request=asked.WebhookOrder, status=201, write=True,
               asks={"url": "https://shop.example/hooks/coins", "names": ["deposit_credited"]})  # fmt: skip
    def post(self, request: Request) -> Response:
        key, wanted = key_of(request), read_body(asked.WebhookOrder, request)
        row, secret = webhooks.create(
            user=person(request), url=wanted["url"], names=wanted["names"], label=wanted["label"],
            known=feed.names(), proof=proof_of(request), key=key,
        )  # fmt: skip
        return Response({**shapes.webhook_data(row), "secret": secret}, status=201)


class OneWebhook(Endpoint):
    scopes = {"GET": MANAGE, "PATCH": MANAGE, "DELETE": MANAGE}

    @described("webhook", answers.Webhook)
    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.webhook_data(webhooks.find(person(request), pk)))

    @described("webhook_switch", answers.Webhook, request=asked.WebhookChange)
    def patch(self, request: Request, pk: int) -> Response:
        wanted = read_body(asked.WebhookChange, request)
        return Response(shapes.webhook_data(webhooks.switch(user=person(request), webhook_id=pk, on=wanted["active"])))

    @described("webhook_remove", None, status=204)
    def delete(self, request: Request, pk: int) -> Response:
        webhooks.remove(user=person(request), webhook_id=pk, where=client_ip(request._request))
        return Response(status=204)


class WebhookSecret(Endpoint):
    """A new secret. For a day more every message is signed with the old one as well."""

    scopes = {"POST": MANAGE}

    @described("webhook_secret", answers.WebhookSecret, write=True)
    def post(self, request: Request, pk: int) -> Response:
        key_of(request)
        row, secret = webhooks.rotate_secret(user=person(request), webhook_id=pk, proof=proof_of(request))
        return Response({**shapes.webhook_data(row), "secret": secret})


class WebhookTest(Endpoint):
    """Push a message that means nothing."""

    scopes = {"POST": MANAGE}

    @described("webhook_test", answers.Delivery, write=True, status=201)
    def post(self, request: Request, pk: int) -> Response:
        row = webhooks.test(user=person(request), webhook_id=pk, key=key_of(request))
        return Response(shapes.push_data(row), status=201)


class WebhookResend(Endpoint):
    """Push again what it was told: of a subject, or in a time, or both."""

    scopes = {"POST": MANAGE}

    @described("webhook_resend", answers.Resent, request=asked.ResendOrder, write=True,
               asks={"since": "2026-01-31T00:00:00Z"})  # fmt: skip
    def post(self, request: Request, pk: int) -> Response:
        key_of(request)
        wanted = read_body(asked.ResendOrder, request)
        return Response({"resent": webhooks.resend_many(user=person(request), webhook_id=pk, **wanted)})


class Deliveries(Endpoint):
    """What was pushed and what became of each attempt, newest first."""

    scopes = {"GET": MANAGE}

    @described("deliveries", answers.Deliveries, parameters=[asked.DeliveriesQuery])
    def get(self, request: Request, pk: int) -> Response:
        wanted = read_query(asked.DeliveriesQuery, request)
        webhooks.find(person(request), pk)
        rows = webhooks.pushes(
            person(request), webhook_id=pk, subject=wanted["subject"], before=wanted.get("before"),
            limit=wanted["limit"],
        )  # fmt: skip
        more = rows[-1].pk if len(rows) == wanted["limit"] else None
        return Response({"deliveries": [shapes.push_data(row) for row in rows], "next_before": more})


class Redeliver(Endpoint):
    scopes = {"POST": MANAGE}

    @described("delivery_resend", answers.Delivery, write=True)
    def post(self, request: Request, pk: int) -> Response:
        key_of(request)
        return Response(shapes.push_data(webhooks.resend(user=person(request), push_id=pk)))
