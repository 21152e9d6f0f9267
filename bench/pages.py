"""The pages with a deep history in the database: time on the server, and what a first visit weighs."""

from __future__ import annotations

import gzip
import http.client
import re
import time
from pathlib import Path

from django.contrib.staticfiles import finders

from accounts.models import User
from bench.api3 import by_cookie
from bench.report import Report, say
from ledger.models import Posting
from tests.support.databases import Database
from tests.support.live import LiveSite

TIMES = 200
GOAL = 50  # milliseconds
HEAVIEST = 120  # kilobytes
PATHS = {"home": "/", "activity": "/activity/", "activity_filtered": "/activity/?kind=move", "live": "/live/?after=x"}


def run(report: Report, database: Database) -> None:
    """Somebody with 100,000 operations, where all members together have a million postings."""
    headers = by_cookie(User.objects.get(username="deep"))
    rows = Posting.objects.count()
    site = LiveSite(database, workers=1, threads=4)
    try:
        for name, path in PATHS.items():
            say(f"page {path}")
            found = _p95(site.port, path, headers)
            where = f"PostgreSQL, {rows} postings, gunicorn, one client, 95th percentile of {TIMES}"
            report.add(f"page_{name}_p95", found, "ms", goal=GOAL, better="less", conditions=where)
        weight = _weight(site.port, headers)
    finally:
        site.stop()
    report.add("first_page_weight", weight / 1024, "KB", goal=HEAVIEST, better="less",
               conditions="home with every style, script and picture, gzip level 6")  # fmt: skip


def _p95(port: int, path: str, headers: dict[str, str]) -> float:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    took = []
    for _ in range(TIMES):
        before = time.perf_counter()
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        answer.read()
        took.append((time.perf_counter() - before) * 1000)
        assert answer.status == 200, (path, answer.status)
    line.close()
    return sorted(took)[TIMES * 95 // 100]


def _weight(port: int, headers: dict[str, str]) -> float:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", "/", headers=headers)
    page = line.getresponse().read()
    files = set(re.findall(r'(?:src|href)="/static/([^"#?]+)', page.decode()))
    paths = [finders.find(name) for name in sorted(files)]
    bodies = [page, *(Path(str(path)).read_bytes() for path in paths if path)]
    return sum(len(gzip.compress(body, 6)) for body in bodies)
