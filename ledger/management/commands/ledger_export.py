from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date

from ledger import exports, locks, statements
from ledger.models import Account


class Command(BaseCommand):
    help = "Writes the books to standard output for hledger, beancount or a spreadsheet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=[*exports.FORMATS, "statement"], default="hledger")
        parser.add_argument("--until", default="", help="only what was booked before this day, YYYY-MM-DD (UTC)")
        parser.add_argument("--since", default="", help="statement: only what was booked from this day on")
        parser.add_argument("--account", type=int, help="statement: number of the account")

    def handle(self, *, format: str, until: str, since: str, account: int | None, **_: Any) -> None:
        if format == "statement":
            text = statements.csv_statement(_account(account), since=_moment(since), until=_moment(until))
        else:
            text = exports.FORMATS[format](_moment(until))
        with locks.one_moment():
            for part in text:
                self.stdout.write(part, ending="")


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise CommandError(f"Write a day as YYYY-MM-DD, not {text!r}.")
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone())


def _account(number: int | None) -> Account:
    found = Account.objects.select_related("coin").filter(pk=number or 0, shared=False).first()
    if found is None:
        raise CommandError("--account: the number of a member's account, as the administration shows it.")
    return found
