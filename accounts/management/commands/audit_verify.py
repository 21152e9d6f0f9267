from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts import audit_chain

SHOWN = 50


class Command(BaseCommand):
    help = "Checks the guards, every event and the hash chain of the audit trail. Exit code 1 when anything is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--head", default="", help="a head kept outside: fails when it is not in the chain")

    def handle(self, *, head: str, **_: Any) -> None:
        report = audit_chain.verify(head=head.strip().lower())
        self.stdout.write(
            f"{report.events} events ({report.erased} erased), {report.sealed} sealed in {report.blocks} blocks,"
            f" head {report.head}"
        )
        for problem in report.problems[:SHOWN]:
            self.stderr.write(problem)
        if len(report.problems) > SHOWN:
            self.stderr.write(f"... and {len(report.problems) - SHOWN} more")
        self.stdout.write("The trail is in order." if report.ok else f"{len(report.problems)} problems found.")
        if not report.ok:
            sys.exit(1)
