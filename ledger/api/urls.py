from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, path
from rest_framework.views import APIView

from ledger.api import notify, v1
from ledger.api.wp3.login import wp_login


def api(route: str, view: type[APIView], name: str) -> URLPattern:
    """DRF says who may come in, in its own words: no redirect to a sign-in page."""
    return path(route, login_not_required(view.as_view()), name=name)


urlpatterns = [
    api("api/v1/coins", v1.Coins, "api-coins"),
    api("api/v1/accounts", v1.Accounts, "api-accounts"),
    api("api/v1/operations", v1.Operations, "api-operations"),
    api("api/v1/operations/<int:pk>", v1.OneOperation, "api-operation"),
    api("api/v1/operations/<int:pk>/cancel", v1.Cancel, "api-cancel"),
    api("api/v1/addresses", v1.Addresses, "api-addresses"),
    api("api/v1/sends/preview", v1.Preview, "api-preview"),
    api("api/v1/sends", v1.Send, "api-sends"),
    path("wallets/notify/<str:symbol>/<str:kind>/<path:message>", notify.notify, name="notify"),
    path("wallets/notify-<slug:secret>/<str:symbol>/<str:kind>/<path:message>", notify.notify, name="notify-secret"),
    path("wp-login.php", wp_login, name="wp-login"),
]
