"""What docs/api-v3.md names exists: the endpoints it shows, and a test for each defect in its table."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from ledger.api.wp3.middleware import V3

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "api-v3.md").read_text()
ROW = re.compile(r"^\| [EV][0-9]+ \| [^|]+ \| `([a-z0-9_/]+\.py)` `(\w+)` \|$", re.MULTILINE)


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_defect_in_the_table_has_its_test():
    found = ROW.findall(TEXT)
    assert [f"{path} {name}" for path, name in found if name not in functions_of(path)] == []
    numbers = set(re.findall(r"^\| ([EV][0-9]+) \|", TEXT, re.MULTILINE))
    assert numbers == {f"E{number}" for number in range(1, 19)} | {f"V{number}" for number in range(1, 25)}
    assert len(found) >= len(numbers)


def test_every_endpoint_is_shown_with_curl():
    for action in V3:
        chapter = TEXT.partition(f"\n### {action} ")[2].partition("\n### ")[0]
        assert "    curl " in chapter or " curl " in chapter, action


def test_differences_are_numbered_without_a_gap():
    numbers = [int(number) for number in re.findall(r"^\| D([0-9]+) \|", TEXT, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
