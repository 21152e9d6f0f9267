from __future__ import annotations

from django.urls import include, path

from ledger.api import notify
from ledger.api.wp3.login import wp_login

urlpatterns = [
    path("api/v1/", include("ledger.api.v1.urls")),
    path("wallets/notify/<str:symbol>/<str:kind>/<path:message>", notify.notify, name="notify"),
    path("wallets/notify-<slug:secret>/<str:symbol>/<str:kind>/<path:message>", notify.notify, name="notify-secret"),
    path("wp-login.php", wp_login, name="wp-login"),
]
