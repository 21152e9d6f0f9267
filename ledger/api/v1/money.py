"""What a person has and may: themselves, coins, accounts, limits, rates, activity, addresses, contacts."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_keys import Scope
from accounts.capabilities import Capability, may, require
from accounts.models import ApiKey
from ledger import nodes, queries
from ledger.api import serializers as asked
from ledger.api.access import person
from ledger.api.v1 import answers
from ledger.api.v1.base import MANAGE, READ, SPEND, Endpoint, described, key_of, read_body, read_query
from ledger.services import addresses, contacts, lifecycle, rates, shapes, waiting
from wallets_site.base.errors import InvalidRequest

OPERATION = {
    "id": 17, "kind": "move", "incoming": False, "coin": "LTC", "status": "done", "purse": 0, "amount": "0.5",
    "fee": "0.001", "total": "0.501", "counterpart": "bob", "address": "", "extra": "", "txid": "", "payment_hash": "",
    "confirmations": 0, "confirmed": False, "comment": "Rent", "created": "2026-01-31T12:00:00Z",
    "updated": "2026-01-31T12:00:00Z", "done": "2026-01-31T12:00:00Z", "waiting_for": "", "waiting": None,
}  # fmt: skip


class Me(Endpoint):
    """Whose account this is, and what this key or session may do."""

    scopes = {"GET": tuple(Scope)}

    @described("me", answers.Me)
    def get(self, request: Request) -> Response:
        read_query(asked.NoQuery, request)
        user, key = person(request), request.auth if isinstance(request.auth, ApiKey) else None
        return Response({
            "id": user.pk, "username": user.username, "email": user.email, "key": key.name if key else None,
            "scopes": key.scopes if key else [scope.value for scope in Scope],
            "capabilities": [each.value for each in Capability if may(user, each)],
        })  # fmt: skip


class Coins(Endpoint):
    scopes = {"GET": tuple(Scope)}

    @described("coins", answers.Coins)
    def get(self, request: Request) -> Response:
        read_query(asked.NoQuery, request)
        return Response({"coins": [shapes.coin_data(coin) for coin in queries.coins()]})


class Accounts(Endpoint):
    scopes = {"GET": READ}

    @described("accounts", answers.Accounts, example={"accounts": [{
        "coin": "LTC", "balance": "1.5", "available": "1.25", "held": "0.25", "incoming": "0", "deposits": True,
        "withdrawals": True, "reason": ""}]})  # fmt: skip
    def get(self, request: Request) -> Response:
        require(person(request), Capability.HAS_WALLETS)
        read_query(asked.NoQuery, request)
        return Response({"accounts": [shapes.account_data(item) for item in queries.balances(person(request))]})


class Limits(Endpoint):
    """What may still be sent and withdrawn in these 24 hours, by this person and by this key."""

    scopes = {"GET": (*READ, *SPEND)}

    @described("limits", answers.Limits)
    def get(self, request: Request) -> Response:
        require(person(request), Capability.HAS_WALLETS)
        read_query(asked.NoQuery, request)
        key = request.auth if isinstance(request.auth, ApiKey) else None
        return Response({
            "limits": [shapes.bound_data(bound) for bound in queries.bounds(person(request))],
            "key": shapes.caps_data(key) if key else [],
        })  # fmt: skip


class Rates(Endpoint):
    scopes = {"GET": tuple(Scope)}

    @described("rates", answers.Rates, parameters=[asked.CurrencyQuery])
    def get(self, request: Request) -> Response:
        wanted = read_query(asked.CurrencyQuery, request).get("currency", "").upper()
        currency = wanted or rates.currency_of(person(request))
        if currency not in settings.WALLETS_CURRENCIES:
            raise InvalidRequest(f"This site shows {', '.join(settings.WALLETS_CURRENCIES)}.")
        known = rates.current(currency)
        rows = [shapes.rate_data(coin, known[coin.pk]) for coin in queries.coins() if coin.pk in known]
        return Response({"currency": currency, "rates": rows})


class Operations(Endpoint):
    """Newest first. next_before, given as before, is the next page."""

    scopes = {"GET": READ}

    @described("operations", answers.Operations, parameters=[asked.OperationsQuery],
               example={"operations": [OPERATION], "next_before": None})  # fmt: skip
    def get(self, request: Request) -> Response:
        require(person(request), Capability.LIST_TRANSACTIONS)
        wanted = read_query(asked.OperationsQuery, request)
        page = queries.activity(
            person(request), coin=queries.coin(wanted["coin"]) if "coin" in wanted else None,
            kind=wanted.get("kind", ""), status=wanted.get("status", ""), before=wanted.get("before"),
            limit=wanted["limit"],
        )  # fmt: skip
        known: waiting.Estimates = {}
        rows = [shapes.operation_data(row, known) for row in page.operations]
        return Response({"operations": rows, "next_before": page.next_before})


class OneOperation(Endpoint):
    scopes = {"GET": READ}

    @described("operation", answers.Operation, example=OPERATION)
    def get(self, request: Request, pk: int) -> Response:
        require(person(request), Capability.LIST_TRANSACTIONS)
        read_query(asked.NoQuery, request)
        return Response(shapes.operation_data(queries.operation(person(request), pk)))


class Cancel(Endpoint):
    """Take back what waits, while nothing was handed to the network. A repeat changes nothing."""

    scopes = {"POST": SPEND}

    @described("cancel", answers.Operation, write=True)
    def post(self, request: Request, pk: int) -> Response:
        row = lifecycle.cancel(user=person(request), operation_id=pk, key=key_of(request))
        return Response(shapes.operation_data(queries.operation(person(request), row.pk)))


class CancelWithdrawal(Cancel):
    @described("withdrawal_cancel", answers.Operation, write=True)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)


class Addresses(Endpoint):
    scopes = {"GET": (*READ, Scope.RECEIVE.value), "POST": (Scope.RECEIVE.value,)}

    @described("addresses", answers.Addresses, parameters=[asked.CoinQuery])
    def get(self, request: Request) -> Response:
        require(person(request), Capability.HAS_WALLETS)
        wanted = read_query(asked.CoinQuery, request)
        rows = queries.addresses(person(request), queries.coin(wanted["coin"]))
        ref = wanted["customer_ref"]
        found = [row for row in rows if not ref or row.customer_ref == ref]
        return Response({"addresses": [shapes.address_data(row, nodes.payment_uri(row, None)) for row in found]})

    @described("address_new", answers.Address, request=asked.AddressOrder, status=201, write=True,
               asks={"coin": "LTC", "label": "Order 1042", "customer_ref": "order-1042"})  # fmt: skip
    def post(self, request: Request) -> Response:
        key, wanted = key_of(request), read_body(asked.AddressOrder, request)
        row = addresses.assign_address(
            user=person(request), coin=queries.coin(wanted["coin"]), key=key, label=wanted["label"],
            customer_ref=wanted["customer_ref"],
        )  # fmt: skip
        return Response(shapes.address_data(row, nodes.payment_uri(row, None)), status=201)


class OneAddress(Endpoint):
    scopes = {"PATCH": (Scope.RECEIVE.value,)}

    @described("address_label", answers.Address, request=asked.AddressChange)
    def patch(self, request: Request, pk: int) -> Response:
        require(person(request), Capability.HAS_WALLETS)
        wanted = read_body(asked.AddressChange, request)
        row = addresses.rename_address(user=person(request), address_id=pk, label=wanted["label"])
        return Response(shapes.address_data(row, nodes.payment_uri(row, None)))


class Contacts(Endpoint):
    scopes = {"GET": (*READ, *MANAGE), "POST": MANAGE}

    @described("contacts", answers.Contacts)
    def get(self, request: Request) -> Response:
        require(person(request), Capability.HAS_WALLETS)
        read_query(asked.NoQuery, request)
        return Response({"contacts": [shapes.contact_data(row) for row in contacts.of(person(request))]})

    @described("contact_new", answers.Contact, request=asked.ContactOrder, status=201, write=True,
               asks={"label": "Landlord", "to": "bob"})  # fmt: skip
    def post(self, request: Request) -> Response:
        require(person(request), Capability.HAS_WALLETS)
        key_of(request)
        wanted = read_body(asked.ContactOrder, request)
        coin = queries.coin(wanted["coin"]) if wanted.get("coin") else None
        said = {"label": wanted["label"], "to": wanted["to"], "coin": coin, "extra": wanted["extra"]}
        row = contacts.same(user=person(request), **said) or contacts.add(user=person(request), **said)
        return Response(shapes.contact_data(row), status=201)


class OneContact(Endpoint):
    scopes = {"DELETE": MANAGE}

    @described("contact_remove", None, status=204)
    def delete(self, request: Request, pk: int) -> Response:
        contacts.remove(user=person(request), contact_id=pk)
        return Response(status=204)
