from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from wallets_site.supervisor import Supervisor, Timing


class Command(BaseCommand):
    help = "Runs the site: the web server and the worker cluster, both watched and restarted when they fail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        usual = Timing()
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--no-web", action="store_true", help="only the worker cluster")
        parser.add_argument("--beat", type=float, default=usual.beat, help="seconds between two sweeps")
        parser.add_argument("--stale", type=float, default=usual.stale, help="seconds a silent cluster may live")
        parser.add_argument("--grace", type=float, default=usual.grace, help="seconds to finish work when stopping")

    def handle(self, *, port: int, no_web: bool, beat: float, stale: float, grace: float, **_: Any) -> None:
        refuse_unless_migrated()
        timing = Timing(beat=beat, stale=stale, grace=grace)
        run_site(self, port=None if no_web else port, timing=timing)


def refuse_unless_migrated() -> None:
    for alias in connections:
        executor = MigrationExecutor(connections[alias])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError(f"Database {alias!r} is not up to date. Run: manage.py setup")


def run_site(command: BaseCommand, *, port: int | None, timing: Timing) -> None:
    def ready(url: str) -> None:
        command.stdout.write(f"ready: {url}")
        command.stdout.flush()

    try:
        supervisor = Supervisor(port=port, timing=timing, on_ready=ready)
    except OSError as error:
        raise CommandError(f"Cannot listen on port {port}: {error.strerror}. Choose another with PORT=.") from error
    supervisor.run()
