"""Programs of the machine that some tests need: absent ones skip by name, and fail where CI=true."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

POSTGRESQL_HOME = Path("/usr/lib/postgresql")
# program -> the Debian package that brings it
PACKAGES = {
    "litecoind": "litecoind",
    "litecoin-cli": "litecoind",
    "monerod": "monero",
    "monero-wallet-rpc": "monero",
    "postgres": "postgresql",
    "initdb": "postgresql",
    "redis-server": "redis-server",
    "chromium": "chromium",
    "curl": "curl",
    "hledger": "hledger",
    "setpriv": "util-linux",
    "node": "nodejs",
    "npm": "npm",
    "nginx": "nginx-light",
}


def find(program: str) -> Path | None:
    """Where the program is; PostgreSQL's server programs are not on Debian's PATH."""
    versions = sorted(POSTGRESQL_HOME.glob(f"*/bin/{program}"), key=lambda path: int(path.parent.parent.name))
    if versions:
        return versions[-1]
    found = shutil.which(program)
    return Path(found) if found else None


def needs(program: str) -> Path:
    """The program's path; skips the test naming the Debian package, or fails it when CI=true."""
    found = find(program)
    if found is not None:
        return found
    sentence = f"{program} is not installed: apt-get install {PACKAGES[program]}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
