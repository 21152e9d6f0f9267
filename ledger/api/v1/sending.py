"""Paying: to members (moves), to outside addresses (withdrawals), or to either (sends). One flow, three doors."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_keys import Scope
from ledger import money, nodes, queries
from ledger.api import serializers as asked
from ledger.api.access import person, proof_of
from ledger.api.v1 import answers
from ledger.api.v1.base import SPEND, Endpoint, described, key_of, read_body
from ledger.api.v1.money import OPERATION
from ledger.models import Coin
from ledger.services import sending, shapes
from ledger.services.quotes import Quote
from wallets_site.base.errors import InvalidRequest

ASKS = {"coin": "LTC", "to": "bob", "amount": "0.5", "comment": "Rent"}
OUTSIDE = {"coin": "LTC", "to": "ltc1qexampleexampleexample", "amount": "0.5"}
QUOTE = {
    "kind": "move", "coin": "LTC", "amount": "0.5", "fee": "0.001", "network_reserve": "0", "total": "0.501",
    "address": "", "extra": "", "recipient": "bob", "level": "", "wait": "",
    "warnings": [], "expires": "2026-01-31T12:01:00Z",
}  # fmt: skip


def _amount(coin: Coin, wanted: dict[str, Any]) -> int:
    """0 for what an invoice asks for itself."""
    if not wanted["amount"] and nodes.has_invoices(coin):
        return 0
    return money.parse_positive(wanted["amount"], coin.decimals)


class Paying(Endpoint):
    """kind: what this door is for; empty: for both."""

    scopes = {"POST": SPEND}
    kind: ClassVar[str] = ""

    def quote(self, request: Request, wanted: dict[str, Any]) -> Quote:
        coin = queries.coin(wanted["coin"])
        amount = _amount(coin, wanted)
        made = sending.preview_send(
            user=person(request), coin=coin, to=wanted["to"], amount=amount, extra=wanted["extra"],
            level=wanted["level"],
        )  # fmt: skip
        if self.kind == "move" and (made.kind != "move" or made.address):
            raise InvalidRequest("Name a member of this site; for an address there are withdrawals.")
        if self.kind == "withdrawal" and not made.address:
            raise InvalidRequest("Give an address of the coin; for a member there are moves.")
        return made

    def preview(self, request: Request) -> Response:
        return Response(shapes.quote_data(self.quote(request, read_body(asked.SendRequest, request))))

    def pay(self, request: Request) -> Response:
        key, wanted, user = key_of(request), read_body(asked.SendRequest, request), person(request)
        coin = queries.coin(wanted["coin"])
        amount = _amount(coin, wanted)
        if self.kind != "withdrawal":
            moved = sending.send_to_member(
                user=user, coin=coin, to=wanted["to"], amount=amount, proof=proof_of(request), key=key,
                comment=wanted["comment"],
            )  # fmt: skip
            if moved is not None:
                return Response(shapes.operation_data(moved), status=201)
        done = sending.find_sent(
            user=user,
            coin=coin,
            to=wanted["to"],
            amount=amount,
            extra=wanted["extra"],
            key=key,
            level=wanted["level"],
        ) or sending.request_send(
            user=user, quote=self.quote(request, wanted), proof=proof_of(request), key=key, comment=wanted["comment"]
        )
        return Response(shapes.operation_data(queries.operation(user, done.pk)), status=201)


class PreviewSend(Paying):
    """What a payment to a member or an address would cost now; nothing is written."""

    @described("send_preview", answers.Quote, request=asked.SendRequest, asks=ASKS, example=QUOTE)
    def post(self, request: Request) -> Response:
        return self.preview(request)


class Send(Paying):
    """Pay a member or an address. The same Idempotency-Key answers with the same operation."""

    @described(
        "send", answers.Operation, request=asked.SendRequest, status=201, write=True, asks=ASKS, example=OPERATION
    )
    def post(self, request: Request) -> Response:
        return self.pay(request)


class PreviewMove(Paying):
    """What a payment to a member would cost now; nothing is written."""

    kind = "move"

    @described("move_preview", answers.Quote, request=asked.SendRequest, asks=ASKS, example=QUOTE)
    def post(self, request: Request) -> Response:
        return self.preview(request)


class Move(Paying):
    """Pay a member by user name or e-mail: at once, and off the chain."""

    scopes = {"POST": (Scope.SEND.value,)}
    kind = "move"

    @described(
        "move", answers.Operation, request=asked.SendRequest, status=201, write=True, asks=ASKS, example=OPERATION
    )
    def post(self, request: Request) -> Response:
        return self.pay(request)


class PreviewWithdrawal(Paying):
    """What a payment to an address would cost now; nothing is written."""

    kind = "withdrawal"

    @described("withdrawal_preview", answers.Quote, request=asked.SendRequest, asks=OUTSIDE)
    def post(self, request: Request) -> Response:
        return self.preview(request)


class Withdraw(Paying):
    """Pay an outside address. One that belongs to a member becomes a move, which the answer's kind says."""

    kind = "withdrawal"

    @described("withdrawal", answers.Operation, request=asked.SendRequest, status=201, write=True, asks=OUTSIDE)
    def post(self, request: Request) -> Response:
        return self.pay(request)
