"""The first command of the README: a site to look at, with money moving."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from tests.api_lnbits.test_clients import run_seed_script
from tests.support.live import Visitor
from tests.support.processes import PYTHON, Child, descendants_of, is_alive, wait_for
from tests.support.redis import free_port


class DemoSite:
    def __init__(self, folder: Path, launcher: Sequence[str] = ("manage.py", "demo"), **environment: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.folder = folder
        self.port = free_port()
        env = {**kept, "PYTHONUNBUFFERED": "1", "WALLETS_DATA_DIR": str(folder), "PORT": str(self.port), **environment}
        self.began = time.monotonic()
        log = folder.with_suffix(".log")
        log.unlink(missing_ok=True)
        self.child = Child([PYTHON, *launcher], log=log, env=env)

    @property
    def lines(self) -> list[str]:
        return self.child.output().splitlines()

    def ready(self) -> str:
        def said() -> str:
            assert self.child.running, self.child.output()
            return next((line for line in self.lines if line.startswith("ready: ")), "")

        return wait_for("the demonstration", said, seconds=90).removeprefix("ready: ")

    def logins(self) -> dict[str, str]:
        return dict(line.split()[1:3] for line in self.lines if line.startswith("login: "))

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / "ledger.sqlite3")) as ledger:
            return ledger.execute(query).fetchall()


@contextmanager
def demo(folder: Path, *, launcher: Sequence[str] = ("manage.py", "demo"), **environment: str) -> Iterator[DemoSite]:
    site = DemoSite(folder, launcher, **environment)
    try:
        yield site
    finally:
        site.child.stop()
        print(site.child.output())  # pytest shows it when the test fails


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a demonstration that ran before."""
    made = tmp_path_factory.mktemp("demo") / "data"
    with demo(made) as site:
        site.ready()
    return made


def credited(site: DemoSite) -> int:
    return len(site.ask("SELECT 1 FROM ledger_deposit WHERE state = 'credited'"))


def test_a_first_start_shows_people_and_a_deposit_that_arrives(tmp_path: Path) -> None:
    with demo(tmp_path / "data") as site:
        url = site.ready()
        assert url == f"http://127.0.0.1:{site.port}"
        assert list(site.logins()) == ["alice@example.com", "bob@example.com", "manager@example.com"]
        seeded = credited(site)
        assert seeded >= 6  # alice and bob, three coins
        wait_for("a deposit by itself", lambda: credited(site) > seeded, seconds=20)
        wait_for("the first withdrawals", lambda: _paid(site) == 3, seconds=30)

        family = descendants_of(site.child.pid)
        assert len(family) >= 7
        site.child.send(signal.SIGINT)
        assert site.child.wait(20) == 0
        assert [pid for pid in family if is_alive(pid)] == []


def _paid(site: DemoSite) -> int:
    return len(site.ask("SELECT 1 FROM ledger_operation WHERE kind = 'withdraw' AND status = 'done'"))


def test_a_second_start_is_quick_and_knows_the_same_people(folder: Path) -> None:
    before = json.loads((folder / "demo.json").read_text())["logins"]
    with demo(folder) as site:
        site.ready()
        assert time.monotonic() - site.began < 10
        assert site.logins() == before
        seen = site.ask("SELECT count(*) FROM ledger_deposit")
        wait_for("something new", lambda: site.ask("SELECT count(*) FROM ledger_deposit") > seen, seconds=20)


def test_the_printed_password_signs_in(folder: Path) -> None:
    with demo(folder) as site:
        visitor = Visitor(site.ready())
        email, password = next(iter(site.logins().items()))
        page = visitor.submit("/accounts/login/", login=email, password=password)
        assert page.status_code == 200
        assert page.url == visitor.url + "/"
        assert re.search(r"TLTC", page.text)


def test_the_program_of_lnbits_own_documentation_runs_twice_in_a_row(folder: Path) -> None:
    """With what the manager reads off the page of the purse that stands ready."""
    with demo(folder) as site:
        visitor = Visitor(site.ready())
        visitor.submit("/accounts/login/", login="manager@example.com", password=site.logins()["manager@example.com"])
        found = re.search(r'href="(/purses/\w+/)"', visitor.get("/purses/").text)
        assert found, "the manager has no purse"
        page = visitor.get(f"{found[1]}keys/").text
        base_url, usr, key = (on_the_page(page, name) for name in ("base-url", "usr", "admin-key"))
        assert base_url == f"{visitor.url}/lnbits"

        for _ in range(2):
            run_seed_script(base_url, usr, key)

        wallet = requests.get(f"{base_url}/api/v1/wallet", headers={"X-Api-Key": key}, timeout=30).json()
        assert wallet["balance"] == (100_000 - 2 * 1_000) * 1_000
        made = site.ask("SELECT account.credits FROM ledger_purse purse JOIN ledger_account account ON account.id = "
                        "purse.account_id WHERE purse.name = 'api_user_wallet'")  # fmt: skip
        assert [int(str(credits)) for (credits,) in made] == [1_000_000] * 2


def on_the_page(page: str, name: str) -> str:
    found = re.search(rf'id="{name}">([^<]+)<', page)
    assert found, f"the page shows no {name}"
    return found[1]


def test_passwords_are_for_the_owner_of_the_data_alone(folder: Path) -> None:
    assert (folder / "demo.json").stat().st_mode & 0o077 == 0


def test_a_site_that_is_no_demonstration_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "ledger.sqlite3").write_bytes(b"somebody's money")
    with demo(folder) as site:
        assert site.child.wait() == 1
        assert "no demonstration" in site.child.output()
    assert (folder / "ledger.sqlite3").read_bytes() == b"somebody's money"


def test_a_seed_that_was_cut_short_is_made_anew(folder: Path, tmp_path: Path) -> None:
    half = tmp_path / "data"
    half.mkdir()
    (half / "demo.json").write_text(json.dumps({"ready": False, "logins": {"alice@example.com": "old"}}))
    (half / "ledger.sqlite3").write_bytes(b"")
    with demo(half) as site:
        site.ready()
        assert site.logins()["alice@example.com"] != "old"
        assert credited(site) >= 6


def test_it_uses_no_database_of_the_surroundings(folder: Path) -> None:
    elsewhere = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "REDIS_URL": "redis://127.0.0.1:1/0"}
    with demo(folder, **elsewhere) as site:
        site.ready()


def test_a_killed_make_takes_everything_along(folder: Path) -> None:
    """The parent of the demonstration is then a program that cannot pass signals on."""
    code = "import subprocess, sys; subprocess.run([sys.executable, 'manage.py', 'demo'])"
    with demo(folder, launcher=["-c", code], WALLETS_FOLLOW_PARENT="1") as site:
        site.ready()
        family = descendants_of(site.child.pid)
        assert len(family) >= 8
        site.child.process.kill()
        wait_for("the end of all", lambda: not any(map(is_alive, family)))
