from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ledger import verify

SHOWN = 50


class Command(BaseCommand):
    help = "Replays every posting and checks totals, guards and the hash chain. Exit code 1 when anything is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--head", default="", help="a head kept outside: fails when it is not in the chain")

    def handle(self, *, head: str, **_: Any) -> None:
        report = verify.verify(head=head.strip().lower())
        self.stdout.write(
            f"{report.transactions} transactions, {report.postings} postings,"
            f" {report.sealed} sealed in {report.blocks} blocks, head {report.head}"
        )
        for problem in report.problems[:SHOWN]:
            self.stderr.write(problem)
        if len(report.problems) > SHOWN:
            self.stderr.write(f"... and {len(report.problems) - SHOWN} more")
        self.stdout.write("The books are in order." if report.ok else f"{len(report.problems)} problems found.")
        if not report.ok:
            sys.exit(1)
