"""What others write never becomes a formula in somebody's spreadsheet, and reads back as it was."""

from __future__ import annotations

import csv
import io

import pytest

from tests.accounts.people import signed_in
from tests.support.money import send
from wallets_site.base import tables

HOSTILE = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", ";=1", "|calc", "=cmd|'/C calc'!A0", "＝1+1", "＋1", "－1",
    "＠x", "\ufeff=1", " =1", "\u00a0=1", "\u200b=1", '=HYPERLINK("https://evil.example","x")', "\u202e=1",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_begins_as_a_formula(text):
    assert tables.cell(text) == "'" + text


@pytest.mark.parametrize("text", ["plain", "a=b", "5 apples", "", "Ünïcode", "ends with =", '"quoted"', "two\nlines"])
def test_a_harmless_cell_stays_as_it_is(text):
    assert tables.cell(text) == text


def test_every_file_a_member_downloads_reads_back_without_a_formula(rich, bob, coin, settings):
    for number, text in enumerate(HOSTILE):
        send(rich, coin, "bob", 1000 + number, comment=text)
    for person in (rich, bob):
        browser = signed_in(person)
        for path in ("/activity/activity.csv", "/statements/TST.csv"):
            answer = browser.get(path)
            assert answer["Content-Type"].startswith("text/csv")
            assert "attachment" in answer["Content-Disposition"]
            body = b"".join(getattr(answer, "streaming_content", [])) if answer.streaming else answer.content
            rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
            assert len(rows) > len(HOSTILE)
            assert {len(row) for row in rows} == {len(rows[0])}
            risky = [
                cell for row in rows[1:] for cell in row if cell.lstrip(tables.INVISIBLE)[:1] in "=+-@\t\r|;＝" and cell
            ]
            assert risky == [], path
