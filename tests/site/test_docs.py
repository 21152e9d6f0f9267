"""The tables of docs/ that name tests: each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "bitcoin.md": ["tests/adapters"], "monero.md": ["tests/adapters/monero", "tests/adapters"],
    "ledger.md": ["tests/ledger"],
}  # fmt: skip
NAMED = re.compile(r"`((?:[\w/]+/)?[\w]+\.py)(?:::([^`]+))?`")


def said(text: str) -> list[tuple[str, str]]:
    """(file, part of a test's name) for each test that is named; names may be shortened by dots."""
    return [(place, name or "") for place, name in NAMED.findall(text)]


def source(place: str, folders: list[str]) -> str:
    found = [ROOT / folder / place for folder in ["", *folders] if (ROOT / folder / place).is_file()]
    assert found, f"there is no {place}"
    return found[0].read_text()


# OWASP ASVS 5.0.0: the requirements of levels 1 and 2 that concern a site like this one, and those that do not.
_IDS = (Path(__file__).parent / "asvs-5.0.0.txt").read_text().split("\n\n")
APPLICABLE, NOT_APPLICABLE = _IDS[0].split(), _IDS[1].split()
NAMED_IN_SECURITY = re.compile(r"`([\w/.-]+\.(?:py|js|md|txt|toml|conf|service)|Makefile)(?:::(\w+))?`")


@pytest.mark.parametrize("page", FOLDERS)
def test_every_test_that_a_table_names_exists(page: str):
    named = said((ROOT / "docs" / page).read_text())
    assert len(named) > 20
    for place, name in named:
        text = source(place, FOLDERS[page])
        part = name.strip("…")
        assert not part or re.search(rf"def (test_)?\w*{re.escape(part)}", text), f"{page}: {place} has no test {name}"


def requirements(heading: str, end: str) -> list[str]:
    """The numbers in the first column of the tables of this part of docs/security.md."""
    text = (ROOT / "docs" / "security.md").read_text()
    part = text[text.index(heading) : text.index(end)]
    return [each for row in re.findall(r"^\| (\d[^|]*)\|", part, re.M) for each in re.findall(r"\d+\.\d+\.\d+", row)]


def test_each_requirement_of_levels_1_and_2_has_its_row():
    assert sorted(requirements("## OWASP", "### Not applicable")) == sorted(APPLICABLE)
    assert sorted(requirements("### Not applicable", "## CCSS")) == sorted(NOT_APPLICABLE)


def test_nine_of_ten_requirements_are_met_and_the_page_says_which_are_not():
    text = (ROOT / "docs" / "security.md").read_text()
    part = text[text.index("## OWASP") : text.index("### Not applicable")]
    rows = [row for row in part.splitlines() if row.startswith("| ") and "not met" in row]
    missed = set()
    for row in rows:
        own = re.findall(r"\d+\.\d+\.\d+", row.split("|")[1])
        said = re.findall(r"\d+\.\d+\.\d+", row.split("|")[2].partition("not met")[0].rpartition("**")[2])
        missed |= set(said) & set(own) or set(own)
    assert len(missed) <= len(APPLICABLE) // 10
    assert f"{len(APPLICABLE) - len(missed)} of {len(APPLICABLE)}" in text


def test_every_test_and_file_that_the_security_page_names_exists():
    named = NAMED_IN_SECURITY.findall((ROOT / "docs" / "security.md").read_text())
    assert len(named) > 150
    missing = []
    for place, name in named:
        if not (ROOT / place).is_file():
            missing.append(place)
        elif name and f"def {name}(" not in (ROOT / place).read_text():
            missing.append(f"{place}::{name}")
    assert missing == []
