from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.audit import What, record
from wallets_site import rotation


class Command(BaseCommand):
    help = (
        "Encrypts everything anew with the first of WALLETS_FIELD_KEYS, and says which old secrets are still used."
        " Safe to stop and to repeat, while the site works."
    )

    def handle(self, **_: Any) -> None:
        renewed = 0
        for step in rotation.renew_all():
            if step.seen:
                self.stdout.write(f"{step.place}: {step.seen} seen, {step.renewed} encrypted anew")
                self.stdout.flush()
            renewed += step.renewed if step.is_last else 0
        record(What.SECRETS_ROTATED, who=None, renewed=renewed, field_keys=len(settings.WALLETS_FIELD_KEYS))
        if len(settings.WALLETS_FIELD_KEYS) > 1:
            self.stdout.write("Everything opens with the first field key: the others may go.")
        before = rotation.derived_before()
        if before:
            self.stdout.write(f"{before} keys of people still come from WALLETS_KEY_SECRET_PREVIOUS: keep it for them.")
        elif settings.WALLETS_KEY_SECRET_PREVIOUS:
            self.stdout.write("No key comes from WALLETS_KEY_SECRET_PREVIOUS any more: it may go.")
