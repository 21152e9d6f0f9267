from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class WalletsAdminConfig(AdminConfig):
    default_site = "wallets_site.admin_site.WalletsAdminSite"


class WalletsSiteConfig(AppConfig):
    name = "wallets_site"

    def ready(self) -> None:
        from wallets_site import checks  # noqa: F401 - registers the system checks
