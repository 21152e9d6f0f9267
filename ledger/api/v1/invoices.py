"""Invoices: how coins with them are received. Each asks for one amount and is paid once."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_keys import Scope
from accounts.capabilities import Capability, require
from ledger import money, queries
from ledger.api import serializers as asked
from ledger.api.access import person
from ledger.api.v1 import answers
from ledger.api.v1.base import READ, Endpoint, described, key_of, read_body, read_query
from ledger.services import invoices, shapes

INVOICE = {
    "payment_hash": "b047a5279523162bd5ad244b020e02ccd9ebf0b95a40b3d96eb79c564f7cfa9c", "coin": "LNBTC",
    "invoice": "lnbc10u1exampleexampleexample", "amount": "0.00001", "memo": "Order 1042", "status": "open",
    "created": "2026-01-31T12:00:00Z", "expires": "2026-01-31T13:00:00Z", "paid": None, "operation": None,
}  # fmt: skip


class Invoices(Endpoint):
    """Ask for an amount; and what was asked for before, newest first."""

    scopes = {"GET": (*READ, Scope.RECEIVE.value), "POST": (Scope.RECEIVE.value,)}

    @described("invoices", answers.Invoices, parameters=[asked.InvoicesQuery])
    def get(self, request: Request) -> Response:
        require(person(request), Capability.HAS_WALLETS)
        wanted = read_query(asked.InvoicesQuery, request)
        page = invoices.listed(
            user=person(request), coin=queries.coin(wanted["coin"]), before=wanted.get("before"), limit=wanted["limit"]
        )
        rows = [shapes.invoice_data(row) for row in page.invoices]
        return Response({"invoices": rows, "next_before": page.older})

    @described("invoice_new", answers.Invoice, request=asked.InvoiceOrder, status=201, write=True, example=INVOICE,
               asks={"coin": "LNBTC", "amount": "0.00001", "memo": "Order 1042", "expires_in": 3600})  # fmt: skip
    def post(self, request: Request) -> Response:
        key, wanted = key_of(request), read_body(asked.InvoiceOrder, request)
        coin = queries.coin(wanted["coin"])
        made = invoices.ask(
            user=person(request), coin=coin, amount=money.parse_positive(wanted["amount"], coin.decimals),
            memo=wanted["memo"], expires_in=wanted.get("expires_in"), description_hash=wanted["description_hash"],
            key=key,
        )  # fmt: skip
        return Response(shapes.invoice_data(made), status=201)


class OneInvoice(Endpoint):
    """One of one's own, by its payment hash: open, paid or expired."""

    scopes = {"GET": (*READ, Scope.RECEIVE.value)}

    @described("invoice", answers.Invoice, example=INVOICE)
    def get(self, request: Request, payment_hash: str) -> Response:
        require(person(request), Capability.HAS_WALLETS)
        read_query(asked.NoQuery, request)
        return Response(shapes.invoice_data(invoices.own(user=person(request), payment_hash=payment_hash)))
