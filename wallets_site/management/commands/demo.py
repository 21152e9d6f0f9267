from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from wallets_site import demo
from wallets_site.base.errors import WalletError
from wallets_site.management.commands.run import port_of_environment, run_site
from wallets_site.supervisor import Timing

log = logging.getLogger("wallets.demo")


class Command(BaseCommand):
    help = "Runs a demonstration on simulated coins, with people to sign in as. PORT= chooses the port."
    requires_migrations_checks = False

    def handle(self, **_: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Start it as: manage.py demo")
        port = port_of_environment()
        try:
            logins = demo.Demo(Path(settings.DATA_DIR)).open()
        except demo.NotADemo as error:
            raise CommandError(str(error)) from error
        for email, password in logins.items():
            self.stdout.write(f"login: {email} {password}")
        timing = Timing(beat=2, grace=5)
        run_site(self.stdout, port=port, timing=timing, then=lambda: _welcome(next(iter(logins))))


def _welcome(email: str) -> None:
    try:
        demo.welcome(email)
    except WalletError as error:
        log.warning("no deposit to watch this time: %s", error)
