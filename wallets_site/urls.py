from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from wallets_site.brand import brand_css

urlpatterns = [
    path("brand.css", brand_css, name="brand_css"),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("lnbits/", include("ledger.api.lnbits.urls")),
    path("", include("ledger.api.urls")),
    path("", include("ledger.urls")),
]
