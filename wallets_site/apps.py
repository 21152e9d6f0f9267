from __future__ import annotations

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import AdminConfig

from wallets_site.databases import QUEUE_APP


class WalletsAdminConfig(AdminConfig):
    default_site = "wallets_site.admin_site.WalletsAdminSite"


class WalletsSiteConfig(AppConfig):
    name = "wallets_site"

    def ready(self) -> None:
        from wallets_site import (
            checks,  # noqa: F401 - registers the system checks
            queue_guard,
        )

        queue_guard.install()
        _hide_the_queue()


def _hide_the_queue() -> None:
    """django-q2 registers its models by itself; whoever edits those rows can run any function."""
    for model in list(admin.site._registry):
        if model._meta.app_label == QUEUE_APP:
            admin.site.unregister(model)
