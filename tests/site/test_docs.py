"""The tables of docs/ that name tests: each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"bitcoin.md": ["tests/adapters"], "monero.md": ["tests/adapters/monero", "tests/adapters"]}
NAMED = re.compile(r"`((?:[\w/]+/)?[\w]+\.py)(?:::([^`]+))?`")


def said(text: str) -> list[tuple[str, str]]:
    """(file, part of a test's name) for each test that is named; names may be shortened by dots."""
    return [(place, name or "") for place, name in NAMED.findall(text)]


def source(place: str, folders: list[str]) -> str:
    found = [ROOT / folder / place for folder in ["", *folders] if (ROOT / folder / place).is_file()]
    assert found, f"there is no {place}"
    return found[0].read_text()


@pytest.mark.parametrize("page", FOLDERS)
def test_every_test_that_a_table_names_exists(page: str):
    named = said((ROOT / "docs" / page).read_text())
    assert len(named) > 20
    for place, name in named:
        text = source(place, FOLDERS[page])
        part = name.strip("…")
        assert not part or re.search(rf"def (test_)?\w*{re.escape(part)}", text), f"{page}: {place} has no test {name}"
