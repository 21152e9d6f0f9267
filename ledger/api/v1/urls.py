from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.urls import URLPattern, path, re_path
from django.views.decorators.http import conditional_page
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from ledger.api.v1 import invoices, money, programs, sending


def api(route: str, view: type[APIView], name: str) -> URLPattern:
    """DRF says who may come in, in its own words: no redirect to a sign-in page. Answers carry an ETag."""
    return path(route, login_not_required(conditional_page(view.as_view())), name=f"api-{name}")


class Schema(SpectacularAPIView):
    """The description of this API, for everybody."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class Nothing(APIView):
    """Whatever stands nowhere else is told so as everything here is, to everybody."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


urlpatterns = [
    api("me", money.Me, "me"),
    api("coins", money.Coins, "coins"),
    api("accounts", money.Accounts, "accounts"),
    api("limits", money.Limits, "limits"),
    api("rates", money.Rates, "rates"),
    api("operations", money.Operations, "operations"),
    api("operations/<int:pk>", money.OneOperation, "operation"),
    api("operations/<int:pk>/cancel", money.Cancel, "cancel"),
    api("addresses", money.Addresses, "addresses"),
    api("addresses/<int:pk>", money.OneAddress, "address"),
    api("invoices", invoices.Invoices, "invoices"),
    api("invoices/<slug:payment_hash>", invoices.OneInvoice, "invoice"),
    api("contacts", money.Contacts, "contacts"),
    api("contacts/<int:pk>", money.OneContact, "contact"),
    api("sends/preview", sending.PreviewSend, "send-preview"),
    api("sends", sending.Send, "sends"),
    api("moves/preview", sending.PreviewMove, "move-preview"),
    api("moves", sending.Move, "moves"),
    api("withdrawals/preview", sending.PreviewWithdrawal, "withdrawal-preview"),
    api("withdrawals", sending.Withdraw, "withdrawals"),
    api("withdrawals/<int:pk>/cancel", money.CancelWithdrawal, "withdrawal-cancel"),
    api("events", programs.Events, "events"),
    api("keys", programs.Keys, "keys"),
    api("keys/<int:pk>", programs.OneKey, "key"),
    api("webhooks", programs.Webhooks, "webhooks"),
    api("webhooks/<int:pk>", programs.OneWebhook, "webhook"),
    api("webhooks/<int:pk>/secret", programs.WebhookSecret, "webhook-secret"),
    api("webhooks/<int:pk>/test", programs.WebhookTest, "webhook-test"),
    api("webhooks/<int:pk>/resend", programs.WebhookResend, "webhook-resend"),
    api("webhooks/<int:pk>/deliveries", programs.Deliveries, "deliveries"),
    api("deliveries/<int:pk>/resend", programs.Redeliver, "redeliver"),
    api("schema", Schema, "schema"),
    re_path(r"^[\s\S]*$", login_not_required(Nothing.as_view()), name="api-nothing"),
]
