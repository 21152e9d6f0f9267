from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections


class Command(BaseCommand):
    help = "Brings the databases and the static files up to date. Safe to repeat; run it after every upgrade."

    def handle(self, *, verbosity: int, **_: Any) -> None:
        for alias in connections:
            call_command("migrate", database=alias, verbosity=verbosity, interactive=False)
            call_command("createcachetable", database=alias, verbosity=0)
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        if not settings.DEMO:  # a demonstration serves the source folders
            call_command("collectstatic", verbosity=min(verbosity, 1), interactive=False)
