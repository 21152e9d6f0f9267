from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class LedgerConfig(AppConfig):
    name = "ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ledger.guards import apply_after_migrate, drop_before_migrate

        pre_migrate.connect(drop_before_migrate, sender=self)
        post_migrate.connect(apply_after_migrate, sender=self)
