"""The whole journey by keyboard alone, with JavaScript and without: each stop of the Tab key shows where it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ledger.models import Operation
from tests.pages.test_browser import chromium, coin, complaints, look, rich
from tests.support.factories import PASSWORD
from tests.support.money import address_of, balances

__all__ = ["chromium", "coin", "complaints", "rich"]
FOCUSED = """() => {
  const here = document.activeElement;
  const style = getComputedStyle(here);
  const label = here.labels && here.labels.length ? here.labels[0].innerText : "";
  return {
    name: (here.getAttribute("aria-label") || label || here.innerText || "").trim().replace(/\\s+/g, " "),
    shown: style.outlineStyle !== "none" || style.boxShadow !== "none" || here === document.body,
  };
}"""
MOST = 60  # stops on one page


class Hands:
    """Somebody without a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, name: str) -> None:
        """Tab on until something of this name has the focus."""
        passed = []
        for _ in range(MOST):
            self.page.keyboard.press("Tab")
            here: dict[str, Any] = self.page.evaluate(FOCUSED)
            assert here["shown"], f"nobody sees that {here['name']!r} has the focus on {self.page.url}"
            if re.fullmatch(name, here["name"]):
                return
            passed.append(here["name"])
        raise AssertionError(f"{name!r} is not among {passed} on {self.page.url}")

    def press(self, name: str, key: str = "Enter") -> None:
        self.to(name)
        self.page.keyboard.press(key)

    def type(self, name: str, text: str) -> None:
        self.to(name)
        self.page.keyboard.type(text)

    def reads(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_from_signing_in_to_signing_out(chromium, live_site, complaints, coin, rich, bob, javascript):
    address_of(rich, coin)
    page = look(chromium, live_site, complaints, java_script_enabled=javascript)
    hands = Hands(page)
    page.goto("/accounts/login/")
    hands.press("Skip to content")
    hands.type("Email", rich.email)
    hands.type("Password", PASSWORD)
    page.keyboard.press("Enter")
    hands.reads("Your coins")

    hands.press("Receive Tstcoin")
    hands.reads("Receive Tstcoin")
    hands.press("New address")
    expect(page.get_by_role("status").filter(has_text="Here is your new Tstcoin address.")).to_be_visible()

    hands.press("Home")
    hands.reads("Your coins")
    hands.press("Send Tstcoin")
    hands.reads("Send Tstcoin")
    hands.type("To", "bob")
    hands.type("Amount in TST", "2.5")
    hands.type("Note optional", "By keyboard")
    hands.press("Continue to review")
    hands.reads("Is this right?")
    hands.press("Send 2.5 TST", key="Space")
    hands.reads("To bob")
    assert balances(coin, rich, bob) == [(750_000_000, 0), (250_000_000, 0)]
    assert Operation.objects.get(user=bob).comment == "By keyboard"

    hands.press("All activity")
    hands.reads("Activity")
    hands.press("Contacts")
    hands.reads("Contacts")
    hands.type("Name", "Bob")
    hands.type("User name, e-mail or address", "bob")
    hands.press("Add")
    expect(page.get_by_role("status").filter(has_text="Bob is one of your contacts now.")).to_be_visible()

    hands.press("Account")
    hands.press("API keys")
    hands.reads("API keys")
    hands.press("New key")
    hands.reads("New key")
    hands.type("Name", "Shop")
    hands.press("Make the key")
    hands.reads("Shop")
    hands.press("Account")
    hands.press("Sign out")
    hands.reads("Sign in")
    assert complaints == []
