"""The description of the REST API against the site itself: schemathesis asks whatever the description allows, and
much that it does not. No 5xx, nothing undocumented, and each answer of the form that was promised."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import ApiKey
from tests.api.callers import every_scope
from tests.support.live import LiveSite
from tests.support.money import fund, make_coin, send
from tests.support.processes import PYTHON

EXAMPLES = 6
SECONDS = 40


@pytest.fixture
def unhurried_site(site) -> Iterator[LiveSite]:
    """One that does not mind thousands of requests a minute."""
    running = LiveSite(
        site,
        GUNICORN_CMD_ARGS="--limit-request-line 0",  # what a web server refuses by itself is not our answer
        WALLETS_API_READS="1000000",
        WALLETS_API_WRITES="1000000",
        WALLETS_API_WRONG_KEYS="1000000",
        LOG_LEVEL="ERROR",
    )
    yield running
    running.stop()


def test_no_request_brings_an_answer_that_is_not_described(unhurried_site: LiveSite, alice, bob, tmp_path: Path):
    coin = make_coin()
    fund(alice, coin, 100_000)
    send(alice, coin, "bob", 5)
    shop = every_scope(alice)
    ApiKey.objects.filter(pk=shop.row.pk).update(id=987_654_321)  # not one it revokes by guessing
    command = [
        PYTHON, "-m", "schemathesis.cli", "run", f"{unhurried_site.url}/api/v1/schema?format=json", "--seed", "1",
        "--max-examples", EXAMPLES, "--max-time", SECONDS, "--continue-on-failure", "--no-shrink", "--no-color",
        "--checks", "all", "--exclude-checks", "positive_data_acceptance", "--request-timeout", "20",
        "--phases", "examples,coverage,fuzzing", "--generation-database", "none", "--report-dir", tmp_path,
        "-H", f"Authorization: Bearer {shop.key}",
    ]  # fmt: skip
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=300
    )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
