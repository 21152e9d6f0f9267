"""CSV that no spreadsheet takes for anything but text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

# What spreadsheets begin a formula with, plain and full-width, and what hides one behind a break or a separator.
RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", ";", "|", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufeff")
INVISIBLE: Final = " \u00a0\u200b\u200e\u200f\u202a\u202d\u202e\u2060\ufeff"  # a formula behind these is one still


def cell(text: object) -> str:
    """A CSV cell no spreadsheet takes for a formula."""
    shown = str(text).replace("\x00", "")
    return f"'{shown}" if shown.lstrip(INVISIBLE).startswith(RISKY) else shown


def csv_rows(rows: Iterator[Sequence[object]]) -> Iterator[str]:
    """CSV text, line by line, of any rows."""
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([cell(value) for value in row])
        yield line.getvalue()
