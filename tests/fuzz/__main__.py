"""make fuzz: atheris drives every reader of tests/fuzz/parsers.py by coverage, so many seconds each.

usage: python -m tests.fuzz [seconds a reader] [part of a name]
"""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import tempfile

SECONDS = "20"


def main(seconds: str = SECONDS, part: str = "") -> int:
    """One process a reader: atheris ends the process it runs in."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wallets_site.settings")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WALLETS_DATA_DIR"] = folder
        names = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--names"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        failed = []
        for number, name in enumerate(names):
            if part in name:
                print(f"== {name}", flush=True)
                done = subprocess.run([sys.executable, "-m", "tests.fuzz", "--one", str(number), seconds], check=False)
                failed += [name] if done.returncode else []
    print("failed: " + ", ".join(failed) if failed else "no reader failed")
    return bool(failed)


def one(number: int, seconds: str) -> None:
    atheris = importlib.import_module("atheris")

    with atheris.instrument_imports(include=["accounts", "adapters", "ledger", "wallets_site"]):
        import django

        django.setup()
        from tests.fuzz.parsers import catalogue
    parser = catalogue()[number]

    def ask(data: bytes) -> None:
        said = data if parser.raw else data.decode("utf-8", "surrogateescape")
        with contextlib.suppress(*parser.refusals):
            parser.read(said)

    seeds = tempfile.mkdtemp(prefix="fuzz-")
    for index, text in enumerate(parser.good):
        with open(f"{seeds}/{index}", "wb") as file:
            file.write(text.encode())
    atheris.Setup(["fuzz", f"-max_total_time={seconds}", "-max_len=4096", "-timeout=5", "-rss_limit_mb=1024",
                   "-print_final_stats=1", "-verbosity=0", "-artifact_prefix=/tmp/", seeds], ask)  # fmt: skip
    atheris.Fuzz()


def names() -> None:
    import django

    django.setup()
    from tests.fuzz.parsers import catalogue

    print("\n".join(parser.name for parser in catalogue()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--names"]:
        names()
    elif sys.argv[1:2] == ["--one"]:
        one(int(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(main(*sys.argv[1:3]))
