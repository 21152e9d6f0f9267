"""`make screenshots`: the pictures of the README, taken from a demonstration that runs for them alone."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import requests
from playwright.sync_api import Page, sync_playwright

from tests.support.components import find
from tests.support.processes import PYTHON, Child

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURES: Final = ROOT / "docs" / "pictures"
SECONDS: Final = 240
QUIET: Final = "--no-sandbox --disable-gpu --hide-scrollbars --disable-background-networking"
# name: (path, theme, width, height)
SHOTS: Final = {
    "home": ("/", "light", 1200, 860),
    "home-dark": ("/", "dark", 390, 844),
    "receive": ("/receive/TLTC/", "light", 1200, 800),
    "activity": ("/activity/", "dark", 1200, 800),
    "operation": ("", "light", 1200, 760),
    "status": ("/status/", "light", 1200, 700),
}


def main() -> None:
    chromium = find("chromium")
    if chromium is None:
        raise SystemExit("chromium is not installed: apt-get install chromium")
    folder = Path(tempfile.mkdtemp(prefix="wallets-pictures-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {**kept, "WALLETS_DEMO": "1", "WALLETS_DATA_DIR": str(folder / "data"), "PORT": str(port),
                   "WALLETS_SITE_URL": f"http://127.0.0.1:{port}", "PYTHONUNBUFFERED": "1"}  # fmt: skip
    site = Child([PYTHON, "manage.py", "demo"], log=folder / "demo.log", env=environment)
    try:
        password = _password(site, port)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(chromium), args=QUIET.split())
            for name, shot in SHOTS.items():
                _take(browser, port, password, name, *shot)
            browser.close()
    finally:
        site.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _password(site: Child, port: int) -> str:
    """Alice's, once the site answers."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        said = re.search(r"login: alice@example.com (\S+)", site.output())
        if said and _answers(port):
            return said[1]
        time.sleep(0.5)
    raise SystemExit(f"the demonstration did not start:\n{site.output()[-2000:]}")


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/status/", timeout=5).ok
    except requests.RequestException:
        return False


def _take(
    browser: Any, port: int, password: str, name: str, path: str, theme: str, width: int, height: int
) -> None:  # fmt: skip
    page: Page = browser.new_page(
        base_url=f"http://127.0.0.1:{port}", viewport={"width": width, "height": height}, color_scheme=theme,
        reduced_motion="reduce", locale="en-GB",
    )  # fmt: skip
    page.goto("/accounts/login/")
    page.fill("[name=login]", "alice@example.com")
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"http://127.0.0.1:{port}/")
    if path:
        page.goto(path)
    else:
        page.goto("/activity/?kind=move")
        page.locator("a.op").first.click()
    page.wait_for_load_state("networkidle")
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")
    print(PICTURES / f"{name}.png")
    page.close()


if __name__ == "__main__":
    main()
