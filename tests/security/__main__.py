"""make security: scans that take minutes and lie beside the tests. Each says what it is, what it ran and what it found;
what cannot run here says SKIPPED and why, never "clean".

usage: python -m tests.security --tools DIR [ruff bandit advisories components schemathesis sqlmap]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "adapters", "ledger", "wallets_site")
PYTHON = sys.executable
UNREACHABLE = "SKIPPED: advisory service unreachable"
KNOWN_BAD = "jinja2==2.4.1"  # CVE-2014-0012, CVE-2019-10906
# Nobody answers, or something that has never heard of the package: a mirror of packages without advisories.
AWAY = (
    "ConnectionError",
    "NameResolutionError",
    "ConnectTimeout",
    "ReadTimeout",
    f"not found on PyPI and could not be audited: {KNOWN_BAD.partition('=')[0]}",
)


def run(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, **{"cwd": ROOT, **options}
    )


def say(name: str, words: str) -> None:
    print(f"{name:<14}{words}", flush=True)


def ruff(tools: Path) -> bool:
    rules = ("--select", "S,DJ,B", "--ignore", "S101")  # an assert here tells mypy a type and guards nothing
    done = run(PYTHON, "-m", "ruff", "check", *rules, *APPS, "--output-format", "concise")
    version = run(PYTHON, "-m", "ruff", "--version").stdout.strip()
    found = "clean" if done.returncode == 0 else done.stdout.strip()
    say("ruff", f"{version} S,DJ,B: {found}; argued on their line: {argued('noqa: S')}")
    return done.returncode == 0


# What ruff has no number for, and why it may stand.
ARGUED = {
    ("ledger/api/lnbits/shapes.py", "B105"): "an empty text where LNbits has a password",
    ("ledger/api/notify.py", "B107"): "no secret is the default of a site that set none",
    ("ledger/templatetags/wallets.py", "B703"): "the twin of S308, argued on its line: segno's own drawing",
    ("wallets_site/base/throttle.py", "B403"): "dumps(1) writes a constant; nothing is loaded",
    ("wallets_site/supervisor.py", "B404"): "each call is argued on its line",
}


def argued(mark: str) -> int:
    return sum(path.read_text().count(mark) for app in APPS for path in (ROOT / app).rglob("*.py"))


def bandit(tools: Path) -> bool:
    """What ruff's `noqa: S…` argues on a line is argued for bandit too: both have one catalogue."""
    done = run(tools / "bandit", "-q", "-r", *APPS, "-f", "json", "-x", "*/migrations/*")
    found = json.loads(done.stdout or "{}").get("results", [])
    open_ones = [each for each in found if not _argued_here(each)]
    version = run(tools / "bandit", "--version").stdout.split("\n")[0]
    say("bandit", f"{version}: {len(found)} findings, {len(found) - len(open_ones)} argued, {len(open_ones)} open")
    for each in open_ones:
        print(f"    {each['filename']}:{each['line_number']} {each['test_id']} {each['issue_text'][:90]}")
    return not open_ones


def _argued_here(found: dict[str, Any]) -> bool:
    """By a noqa of the same number on one of the lines of the statement; assert is for mypy (see pyproject.toml)."""
    if found["test_id"] == "B101" or (found["filename"].removeprefix("./"), found["test_id"]) in ARGUED:
        return True
    lines = (ROOT / found["filename"]).read_text().split("\n")
    here = found["line_range"]
    text = "\n".join(lines[min(here) - 1 : max(here) + 1])
    return f"S{found['test_id'][1:]}" in text


def advisories(tools: Path) -> bool:
    """First a version that is known to be open to attack: who finds nothing against it cannot be asked at all."""
    tool = tools / "pip-audit"
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "requirements.txt"
        probe.write_text(f"{KNOWN_BAD}\n")
        asked = run(tool, "--strict", "--no-deps", "--disable-pip", "-f", "json", "-r", probe, timeout=120)
    version = run(tool, "--version").stdout.strip()
    if not _finds_something(asked.stdout):
        why = _last_line(asked.stderr)
        if any(words in asked.stderr for words in AWAY):
            say("pip-audit", f"{version}: {UNREACHABLE} ({why})")
            return True
        say("pip-audit", f"{version}: FAILED to find anything against {KNOWN_BAD}: {why}")
        return False
    done = run(tool, "--strict", "-r", "requirements.txt", timeout=480)
    say("pip-audit", f"{version} --strict: {_last_line(done.stdout + done.stderr) or done.returncode}")
    if done.returncode:
        print(done.stdout[-4000:])
    return done.returncode == 0


def _finds_something(answer: str) -> bool:
    with contextlib.suppress(ValueError, KeyError):
        return any(each.get("vulns") for each in json.loads(answer)["dependencies"])
    return False


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1][:200]


def components(tools: Path) -> bool:
    """The list of components, CycloneDX, of what a site installs."""
    target = ROOT / "sbom.json"
    done = run(tools / "cyclonedx-py", "requirements", "requirements.txt", "-o", target)
    count = len(json.loads(target.read_text())["components"]) if target.exists() else 0
    say("components", f"cyclonedx-bom: {count} in sbom.json")
    return done.returncode == 0 and count > 10


@contextmanager
def site() -> Any:
    """A site of its own on 127.0.0.1 with members and coins, and a key of each kind."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    os.environ["WALLETS_TEST_ROOT"] = tempfile.mkdtemp(prefix="wallets-scan-")
    os.environ["WALLETS_DATA_DIR"] = os.environ["WALLETS_TEST_ROOT"] + "/data"
    import django

    django.setup()
    from accounts import keys
    from tests.api.callers import Program
    from tests.api_lnbits.client import keys_of, purse_of
    from tests.support.databases import Templates
    from tests.support.factories import make_user
    from tests.support.lightning import lightning_coin
    from tests.support.live import LiveSite
    from tests.support.money import fund, make_coin, send

    templates = Templates()
    try:
        with templates.copy("sqlite") as database:
            alice, _ = make_user("alice"), make_user("bob")
            coin = make_coin()
            lightning_coin()
            fund(alice, coin, 10_000_000)
            send(alice, coin, "bob", 5)
            running = LiveSite(
                database, GUNICORN_CMD_ARGS="--limit-request-line 0", LOG_LEVEL="ERROR", WALLETS_API_READS="1000000",
                WALLETS_API_WRITES="1000000", WALLETS_API_WRONG_KEYS="1000000",
            )  # fmt: skip
            scopes = ("read", "receive", "send", "withdraw", "manage")
            held = {"without a key": ""} | {scope: Program(alice, scope).key for scope in scopes}
            held["all scopes"] = Program(alice, *scopes).key
            held["WordPress"] = keys.show_key(alice, keys.PLUGIN_API)
            held["purse"] = keys_of(purse_of(alice), alice)[0]
            try:
                yield running, held, running.visitor(alice).cookies
            finally:
                running.stop()
    finally:
        templates.remove()
        shutil.rmtree(os.environ["WALLETS_TEST_ROOT"], ignore_errors=True)


def schemathesis(tools: Path) -> bool:
    good = True
    version = run(PYTHON, "-m", "schemathesis.cli", "--version").stdout.strip()
    with site() as (running, held, _), tempfile.TemporaryDirectory() as folder:
        for kind, key in held.items():
            command = [
                PYTHON, "-m", "schemathesis.cli", "run", f"{running.url}/api/v1/schema?format=json", "--seed", 1,
                "--max-examples", 4, "--max-time", 30, "--continue-on-failure", "--no-color", "--no-shrink",
                "--checks", "all", "--exclude-checks", "positive_data_acceptance", "--request-timeout", 20,
                "--generation-database", "none", "--report-dir", folder,
                *(["-H", f"Authorization: Bearer {key}"] if key else []),
            ]  # fmt: skip
            done = run(*command, timeout=600, cwd=folder)  # it leaves a folder where it runs
            told = re.findall(r"\d+ generated, .*|\d+ passed.*|Test cases:.*", done.stdout)
            found = "nothing found" if done.returncode == 0 else "FAILED"
            say("schemathesis", f"{version}, {kind}: {found}; {told[-1].strip() if told else ''}")
            if done.returncode:
                print(done.stdout[-4000:])
                good = False
    return good


LEAST_TESTS = 20  # fewer mean that it could not reach the page, or was refused there


def sqlmap(tools: Path) -> bool:
    program = shutil.which("sqlmap")
    if program is None:
        say("sqlmap", "SKIPPED: apt-get install sqlmap")
        return True
    good, version = True, run(program, "--version").stdout.split("\n")[0]
    with site() as (running, held, cookies):
        for name, where in _targets(running.url, held, "; ".join(f"{each.name}={each.value}" for each in cookies)):
            with tempfile.TemporaryDirectory() as folder:
                done = run(
                    program, *where, "--batch", "--level", 2, "--risk", 1, "--flush-session", "--disable-coloring",
                    "--technique", "BEU", "--threads", 2, "--output-dir", folder, "--ignore-code", "400,403,404",
                    timeout=400,
                )  # fmt: skip
            found = "is vulnerable" in done.stdout or "injection point" in done.stdout
            asked = len(re.findall(r"testing '", done.stdout))
            words = "INJECTION" if found else "nothing injectable" if asked >= LEAST_TESTS else "FAILED to be asked"
            say("sqlmap", f"{version}, {name}: {words} in {asked} kinds of test")
            if found or asked < LEAST_TESTS:
                print(done.stdout[-3000:])
                good = False
    return good


def _targets(url: str, held: dict[str, str], session: str) -> list[tuple[str, list[str]]]:
    v3 = "__wallets_apiversion=3&__wallets_action=get_transactions&__wallets_symbol=TST&__wallets_tx_count=1"
    bearer, purse = f"Authorization: Bearer {held['all scopes']}", f"X-Api-Key: {held['purse']}"
    preview = '{"coin":"TST","to":"bob","amount":"0.00001"}'
    json_body = ["-H", "Content-Type: application/json", "--data", preview]
    plugin = f"Authorization: Bearer {held['WordPress']}"
    return [
        ("REST list", ["-u", f"{url}/api/v1/operations?coin=TST&kind=move&limit=5", "-H", bearer]),
        ("REST preview", ["-u", f"{url}/api/v1/sends/preview", "-H", bearer, *json_body]),
        ("WordPress", ["-u", f"{url}/?{v3}&__wallets_tx_from=0", "-H", plugin]),
        ("LNbits", ["-u", f"{url}/lnbits/api/v1/payments?limit=5&offset=0", "-H", purse]),
        ("page", ["-u", f"{url}/activity/?kind=move&q=a&coin=TST", "--cookie", session]),
    ]


SCANS: dict[str, Callable[[Path], bool]] = {
    "ruff": ruff, "bandit": bandit, "advisories": advisories, "components": components,
    "schemathesis": schemathesis, "sqlmap": sqlmap,
}  # fmt: skip


def main() -> int:
    said = argparse.ArgumentParser()
    said.add_argument("--tools", type=Path, required=True)
    said.add_argument("scans", nargs="*", default=list(SCANS))
    options = said.parse_args()
    bad = [name for name in options.scans or SCANS if not SCANS[name](options.tools)]
    print("failed: " + ", ".join(bad) if bad else "no scan found anything")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
