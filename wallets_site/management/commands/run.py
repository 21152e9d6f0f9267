from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from ledger.services import recovery
from wallets_site.supervisor import Supervisor, Timing


class Command(BaseCommand):
    help = "Runs the site: the web server and the worker cluster, both watched and restarted when they fail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        usual = Timing()
        parser.add_argument("--port", type=int, default=port_of_environment())
        parser.add_argument("--no-web", action="store_true", help="only the worker cluster")
        parser.add_argument("--beat", type=float, default=usual.beat, help="seconds between two sweeps")
        parser.add_argument("--stale", type=float, default=usual.stale, help="seconds a silent cluster may live")
        parser.add_argument("--grace", type=float, default=usual.grace, help="seconds to finish work when stopping")
        parser.add_argument(
            "--longest-pause", type=float, default=usual.longest_pause, help="seconds before a program that dies again"
            " and again is started once more, at most",
        )  # fmt: skip

    def handle(self, *, port: int, no_web: bool, **given: Any) -> None:
        refuse_unless_migrated()
        self.check(tags=[Tags.database], databases=list(connections))
        timing = Timing(**{name: given[name] for name in ("beat", "stale", "grace", "longest_pause")})
        run_site(self.stdout, port=None if no_web else port, timing=timing)


def port_of_environment() -> int:
    text = os.environ.get("PORT") or "8000"
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise CommandError(f"PORT must be a number below 65536, not {text!r}.")
    return int(text)


def refuse_unless_migrated() -> None:
    for alias in connections:
        executor = MigrationExecutor(connections[alias])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError(f"Database {alias!r} is not up to date. Run: manage.py setup")


def run_site(out: OutputWrapper, *, port: int | None, timing: Timing, then: Callable[[], None] = lambda: None) -> None:
    """Until it is told to stop. then: called once the site answers."""

    def ready(url: str) -> None:
        out.write(f"ready: {url}")
        out.flush()
        then()

    if recovery.look(missing_counts=settings.CLUSTER_ON) is not None:
        out.write(
            "This database is an older copy: payouts wait until two people end the recovery in the administration."
        )
    try:
        supervisor = Supervisor(port=port, timing=timing, on_ready=ready)
    except OSError as error:
        raise CommandError(f"Cannot listen on port {port}: {error.strerror}. Choose another with PORT=.") from error
    supervisor.run()
