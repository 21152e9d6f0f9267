"""The tables of docs/ that say which test shows what: every test they name is there."""

from __future__ import annotations

import re

import pytest

from tests.support.processes import ROOT


@pytest.mark.parametrize("family", ["forknote", "banano"])
def test_every_scenario_in_the_document_has_the_test_it_names(family: str):
    text = (ROOT / "docs" / f"{family}.md").read_text()
    table = text.partition("## Acceptance scenarios")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "`" in line and "::" in line]
    named = re.findall(r"`([\w./]+\.py)::(test_\w+)`", table)

    assert len(rows) >= 15
    assert len(named) >= len(rows)
    here = ROOT / "tests" / "adapters" / family
    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in (here / path).resolve().read_text()]
    assert missing == []
