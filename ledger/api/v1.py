"""REST API, version 1: a thin shell over services and queries. Signed-in sessions with CSRF; problem+json errors."""

from __future__ import annotations

from typing import Any, Final, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import proof as proofs
from accounts.capabilities import Capability, require
from accounts.models import User
from ledger import money, nodes, queries
from ledger.api import serializers as shapes
from ledger.services import addresses, lifecycle, sending
from ledger.services import shapes as out
from wallets_site.base.errors import InvalidRequest

KEY_HEADER: Final = "Idempotency-Key"
MAX_KEY: Final = 100
KEY_PARAMETER: Final = OpenApiParameter(KEY_HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)


def person(request: Request) -> User:
    return cast("User", request.user)


def key_of(request: Request) -> str:
    """The request's idempotency key; raises InvalidRequest when it is missing or unusable."""
    key = request.headers.get(KEY_HEADER, "")
    if not (key.isascii() and key.isprintable() and 1 <= len(key) <= MAX_KEY):
        raise InvalidRequest(f"Send a header {KEY_HEADER}: 1 to {MAX_KEY} printable characters, new for each payment.")
    return f"api:{key}"


class Coins(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response({"coins": [out.coin_data(coin) for coin in queries.coins()]})


class Accounts(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        require(person(request), Capability.HAS_WALLETS)
        return Response({"accounts": [out.account_data(item) for item in queries.balances(person(request))]})


class Operations(APIView):
    @extend_schema(operation_id="operations_list", responses=OpenApiTypes.OBJECT, parameters=[
        OpenApiParameter("coin", str), OpenApiParameter("kind", str), OpenApiParameter("status", str),
        OpenApiParameter("before", int)])  # fmt: skip
    def get(self, request: Request) -> Response:
        require(person(request), Capability.LIST_TRANSACTIONS)
        asked = request.query_params
        page = queries.activity(
            person(request), coin=queries.coin(asked["coin"]) if asked.get("coin") else None,
            kind=asked.get("kind", ""), status=asked.get("status", ""), before=_number(asked.get("before", "")),
        )  # fmt: skip
        rows = [out.operation_data(row) for row in page.operations]
        return Response({"operations": rows, "next_before": page.next_before})


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidRequest("`before` is the number of an operation.")
    return int(text)


class OneOperation(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: int) -> Response:
        require(person(request), Capability.LIST_TRANSACTIONS)
        return Response(out.operation_data(queries.operation(person(request), pk)))


class Cancel(APIView):
    @extend_schema(request=None, responses=OpenApiTypes.OBJECT, parameters=[KEY_PARAMETER])
    def post(self, request: Request, pk: int) -> Response:
        row = lifecycle.cancel(user=person(request), operation_id=pk, key=key_of(request))
        return Response(out.operation_data(queries.operation(person(request), row.pk)))


class Addresses(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT, parameters=[OpenApiParameter("coin", str, required=True)])
    def get(self, request: Request) -> Response:
        require(person(request), Capability.HAS_WALLETS)
        rows = queries.addresses(person(request), queries.coin(request.query_params.get("coin", "")))
        return Response({"addresses": [out.address_data(row, nodes.payment_uri(row, None)) for row in rows]})

    @extend_schema(request=shapes.AddressOrder, responses={201: OpenApiTypes.OBJECT}, parameters=[KEY_PARAMETER])
    def post(self, request: Request) -> Response:
        asked = _read(shapes.AddressOrder, request)
        row = addresses.assign_address(
            user=person(request), coin=queries.coin(asked["coin"]), key=key_of(request), label=asked["label"]
        )
        return Response(out.address_data(row, nodes.payment_uri(row, None)), status=201)


class Preview(APIView):
    """What a payment to a member or an address would cost now; nothing is written."""

    @extend_schema(request=shapes.SendRequest, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        return Response(out.quote_data(_quote(request, _read(shapes.SendRequest, request))))


class Send(APIView):
    """Pay a member or an address. The same Idempotency-Key answers with the same operation."""

    @extend_schema(request=shapes.SendRequest, responses={201: OpenApiTypes.OBJECT}, parameters=[KEY_PARAMETER])
    def post(self, request: Request) -> Response:
        asked, key, user = _read(shapes.SendRequest, request), key_of(request), person(request)
        coin = queries.coin(asked["coin"])
        amount = money.parse_positive(asked["amount"], coin.decimals)
        done = sending.find_sent(
            user=user, coin=coin, to=asked["to"], amount=amount, extra=asked["extra"], key=key
        ) or sending.request_send(
            user=user, quote=_quote(request, asked), proof=proofs.of_request(request._request), key=key,
            comment=asked["comment"],
        )  # fmt: skip
        return Response(out.operation_data(queries.operation(user, done.pk)), status=201)


def _quote(request: Request, asked: dict[str, Any]) -> Any:
    coin = queries.coin(asked["coin"])
    amount = money.parse_positive(asked["amount"], coin.decimals)
    return sending.preview_send(user=person(request), coin=coin, to=asked["to"], amount=amount, extra=asked["extra"])


def _read(form: type[shapes.Strict], request: Request) -> dict[str, Any]:
    given = form(data=request.data)
    given.is_valid(raise_exception=True)
    return cast("dict[str, Any]", given.validated_data)
