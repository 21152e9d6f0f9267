"""Every page in a real Chromium, light and dark, wide and narrow: axe finds nothing, the policy is kept, nothing
sticks out. With SHOTS=folder it also takes a picture of each; ONLY=words of their names chooses some."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.pages import gallery
from tests.pages.gallery import Look, World
from tests.pages.test_browser import chromium, too_wide, violations
from tests.support.live import LiveSite

__all__ = ["chromium"]
ONLY: Final = re.compile(os.environ.get("ONLY", ""))
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
WIDTHS: Final = (1200, 390)
# Sends the values as a form of the page's own would, token and all.
SEND: Final = """([action, values]) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = action;
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  for (const [name, value] of [["csrfmiddlewaretoken", token], ...values]) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}"""
OPEN_ALL: Final = "document.querySelectorAll('details:not(.menu)').forEach(each => { each.open = true; })"


class Tour:
    """One browser profile for each person."""

    def __init__(self, chromium: Browser, site: LiveSite, world: World) -> None:
        self.chromium, self.site, self.world = chromium, site, world
        self.problems: list[str] = []
        self._contexts: dict[str, BrowserContext] = {}

    def visit(self, look: Look) -> None:
        page = self._context(look.who).new_page()
        page.on("console", lambda said: self._heard(look, said.type, said.text))
        page.on("pageerror", lambda error: self.problems.append(f"{look.title}: {error}"))
        answer = self._open(page, look)
        if answer is None or answer.status != look.status:
            self.problems.append(f"{look.title}: {answer and answer.status} {page.url}")
        page.evaluate(OPEN_ALL)
        for scheme in SCHEMES:
            for width in WIDTHS:
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.set_viewport_size({"width": width, "height": 850})
                self._judge(page, look.title, f"{scheme}-{width}")
                if look.path == "/" and look.who == "alice":
                    page.locator("details.menu > summary").click()
                    self._judge(page, "menu", f"{scheme}-{width}")
                    page.keyboard.press("Escape")
        page.close()

    def _context(self, who: str) -> BrowserContext:
        if who not in self._contexts:
            made = self.chromium.new_context(base_url=self.site.url, locale="en-GB")
            for name, cookie in self.world.clients[who].cookies.items():
                made.add_cookies([{"name": name, "value": cookie.value, "url": self.site.url}])
            self._contexts[who] = made
        return self._contexts[who]

    def _open(self, page: Page, look: Look) -> Any:
        if look.post is None:
            return page.goto(self.world.path(look))
        page.goto("/accounts/login/" if look.who == "nobody" else "/status/")
        with page.expect_navigation() as went:
            page.evaluate(SEND, [self.world.path(look), pairs(self.world.values(look))])
        return went.value

    def _heard(self, look: Look, kind: str, text: str) -> None:
        if kind in ("error", "warning") and f"status of {look.status}" not in text:
            self.problems.append(f"{look.title}: {text}")

    def _judge(self, page: Page, title: str, window: str) -> None:
        self.problems += [f"{title} {window}: {each}" for each in violations(page)]
        self.problems += [f"{title} {window}: wider than the window"] if too_wide(page) else []
        if folder := os.environ.get("SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{folder}/{title[:80]}--{window}.png", full_page=True)

    def close(self) -> None:
        for each in self._contexts.values():
            each.close()


def pairs(post: dict[str, Any]) -> list[list[Any]]:
    return [[name, each] for name, value in post.items() for each in (value if isinstance(value, list) else [value])]


@pytest.fixture
def world(site: Any) -> World:
    return gallery.build()


def test_every_page_passes_axe_keeps_the_policy_and_fits_its_window(chromium, live_site, world):
    tour = Tour(chromium, live_site, world)
    for look in gallery.looks():
        if ONLY.search(look.title):
            tour.visit(look)
    tour.close()

    assert tour.problems == [], "\n".join(tour.problems)
