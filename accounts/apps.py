from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import (
            aftermath,  # noqa: F401 - what follows from changed credentials
            checks,  # noqa: F401 - registers the system checks
            listeners,  # noqa: F401 - writes the audit trail
        )
        from accounts.capabilities import fill_teams
        from accounts.guards import apply_after_migrate

        # From every app: each brings permissions of its own, and Django makes those just before.
        post_migrate.connect(fill_teams)
        post_migrate.connect(apply_after_migrate, sender=self)
