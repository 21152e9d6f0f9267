"""Clients that other people wrote, each in an environment of its own outside the repository.

To make them: python -m tests.api_lnbits.clients. Where: $LNBITS_TEST_HOME, or the user's cache directory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lnbits import server

HERE = Path(__file__).parent
PYLNBITS = "pylnbits==0.0.8"
# pylnbits pins these and tools of its authors; alone they are all it imports.
NEEDED = ("aiohttp==3.9.5", "PyYAML==6.0.2", "lnurl==0.3.6", "pydantic==1.10.24")
NPM = "lnbits@1.1.5"


def _home(name: str) -> Path:
    return server.home().parent / name


def pylnbits() -> Path:
    """The Python that has it; made on a CI machine, else skipped with the line that makes it."""
    return _need("pylnbits-0.0.8", _make_pylnbits) / "bin" / "python"


def npm_lnbits() -> Path:
    """The folder whose node_modules have it."""
    return _need("npm-lnbits-1.1.5", _make_npm)


def _need(name: str, make: Any) -> Path:
    home = _home(name)
    if not (home / ".complete").exists():
        if os.environ.get("CI") != "true":
            pytest.skip(f"needs {home}: run python -m tests.api_lnbits.clients")
        make(home)
    return home


def _make_pylnbits(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *NEEDED], check=True)
    subprocess.run([*pip, "--no-deps", PYLNBITS], check=True)
    (home / ".complete").touch()


def _make_npm(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "package.json").write_text('{"private": true}')
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", NPM], cwd=home, check=True)
    (home / ".complete").touch()


def run(program: list[str], script: str, folder: Path, **asked: Any) -> Any:
    """The JSON that a script beside this file prints when it is given `asked` as JSON."""
    copy = folder / script  # node finds its modules beside the script
    if not copy.exists() or copy.read_text() != (HERE / script).read_text():
        copy.write_text((HERE / script).read_text())
    done = subprocess.run(
        [*program, str(copy), json.dumps(asked)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    _make_pylnbits(_home("pylnbits-0.0.8"))
    _make_npm(_home("npm-lnbits-1.1.5"))
    print("the clients stand ready in", server.home().parent)
