#!/usr/bin/env python3
from __future__ import annotations

import os
import sys
from pathlib import Path


def make_demo_environment() -> None:
    """A demonstration has a data directory of its own and uses nothing outside of it."""
    for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL"):
        os.environ.pop(f"{name}_FILE", None)
        os.environ[name] = ""
    os.environ["WALLETS_DEMO"] = "True"
    os.environ["WALLETS_SITE_URL"] = f"http://127.0.0.1:{os.environ.get('PORT') or '8000'}"
    os.environ.setdefault("WALLETS_DATA_DIR", str(Path(__file__).resolve().parent / "demo-data"))


def main() -> None:
    if sys.argv[1:2] == ["demo"]:
        make_demo_environment()  # before the settings are read
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wallets_site.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
