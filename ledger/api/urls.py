from __future__ import annotations

from django.urls import path

from ledger.api import notify, v1

urlpatterns = [
    path("api/v1/coins", v1.Coins.as_view(), name="api-coins"),
    path("api/v1/accounts", v1.Accounts.as_view(), name="api-accounts"),
    path("api/v1/operations", v1.Operations.as_view(), name="api-operations"),
    path("api/v1/operations/<int:pk>", v1.OneOperation.as_view(), name="api-operation"),
    path("api/v1/operations/<int:pk>/cancel", v1.Cancel.as_view(), name="api-cancel"),
    path("api/v1/addresses", v1.Addresses.as_view(), name="api-addresses"),
    path("api/v1/sends/preview", v1.Preview.as_view(), name="api-preview"),
    path("api/v1/sends", v1.Send.as_view(), name="api-sends"),
    path("wallets/notify/<str:symbol>/<str:kind>/<path:message>", notify.notify, name="notify"),
    path("wallets/api3/notify/<str:symbol>/<str:kind>/<path:message>", notify.notify, name="notify-api3"),
]
