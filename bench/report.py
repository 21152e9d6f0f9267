"""What a run found: bench/results.json and a table. A goal that is missed says so; nothing is left out."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Literal

RESULTS = Path(__file__).parent / "results.json"
STARTED = time.monotonic()


@dataclass(frozen=True)
class Result:
    """ratio: value against the reference's, or the value itself where the goal is absolute."""

    name: str
    value: float
    unit: str
    against: str
    ratio: float
    goal: str
    ok: bool
    conditions: str


@dataclass
class Report:
    results: list[Result]

    def add(
        self, name: str, value: float, unit: str, *, against: str = "", ratio: float | None = None,
        goal: float | None = None, better: Literal["more", "less"] = "more", conditions: str = "",
    ) -> None:  # fmt: skip
        shown = value if ratio is None else ratio
        ok = goal is None or (shown >= goal if better == "more" else shown <= goal)
        words = "" if goal is None else f"{'>=' if better == 'more' else '<='} {goal:g}"
        self.results.append(Result(name, round(value, 4), unit, against, round(shown, 4), words, ok, conditions))
        beside = f", {shown:.3g} of {against}" if against else ""
        say(f"{name}: {value:.4g} {unit}{beside} {words} {'' if ok else 'MISSED'}")

    def broke(self, part: str, error: Exception) -> None:
        """A part that ended early: a row that is not ok, so that nobody takes its absence for success."""
        say(f"{part} broke: {error!r}")
        self.results.append(Result(part, 0, "", "", 0, "to run", False, repr(error)[:300]))

    def write(self, *, keep: bool = False) -> None:
        """keep: rows of an earlier run that this one did not measure."""
        rows = [asdict(result) for result in self.results]
        if keep and RESULTS.exists():
            fresh = {row["name"] for row in rows}
            rows = [row for row in json.loads(RESULTS.read_text()) if row["name"] not in fresh] + rows
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n")

    def table(self) -> str:
        rows = [("name", "value", "against", "ratio", "goal", "")]
        rows += [
            (r.name, f"{r.value:g} {r.unit}", r.against, f"{r.ratio:g}", r.goal, "ok" if r.ok else "MISSED")
            for r in self.results
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(6)]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def say(words: str) -> None:
    print(f"[{time.monotonic() - STARTED:6.0f} s] {words}", flush=True)


def middle(values: list[float]) -> float:
    return float(median(values))


def minutes() -> float:
    """Since the run began."""
    return (time.monotonic() - STARTED) / 60
