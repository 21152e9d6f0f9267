"""The pages of invoices in a real Chromium."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.models import Coin
from tests.pages.test_browser import DEADLINE, chromium, complaints, look, sign_in, too_wide, violations
from tests.support.lightning import COIN, ask, fill, lightning_coin, outside, pay_in
from tests.support.live import LiveSite
from tests.support.money import scan_now

__all__ = ["chromium", "complaints"]


@pytest.fixture
def lnbtc(site: Any) -> Coin:
    return lightning_coin()


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_an_invoice_counts_down_and_turns_to_paid_by_itself(
    chromium: Browser, live_site: LiveSite, complaints: list[str], lnbtc, alice
):
    page = look(chromium, live_site, complaints)
    sign_in(page, alice)
    page.goto("/receive/LNBTC/")
    page.fill("[name=amount]", "0.00001")
    page.fill("[name=memo]", "Tea for two")
    page.get_by_role("button", name="Make the invoice").click()

    expect(page.locator("[data-ends]")).to_have_text(re.compile(r"^(1:00:00|59:\d\d)$"))
    made = alice.ledger_accounts.get(coin=lnbtc, kind="user").invoices.get()
    pay_in(lnbtc, made)
    scan_now(lnbtc)

    expect(page.locator("#invoice-live")).to_contain_text("See the payment", timeout=DEADLINE)
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_its_pages_are_for_everybody(
    chromium: Browser, live_site: LiveSite, complaints: list[str], lnbtc, alice, scheme: Any, width: int
):
    fill(alice, lnbtc, 5 * COIN)
    made = ask(alice, lnbtc, COIN, memo="Half of the taxi on Friday")
    page = look(chromium, live_site, complaints, color_scheme=scheme, viewport={"width": width, "height": 900})
    sign_in(page, alice)

    for name, path in (("receive", "/receive/LNBTC/"), ("invoice", f"/receive/LNBTC/invoices/{made.payment_hash}/")):
        page.goto(path)
        picture(page, f"{name}-{scheme}-{width}")
        assert (violations(page), too_wide(page)) == ([], False), path
    page.goto("/send/LNBTC/")
    page.fill("[name=to]", outside(lnbtc, COIN, "A year of hosting"))
    page.get_by_role("button", name="Continue to review").last.click()
    expect(page.locator("#figures")).to_contain_text("A year of hosting")
    picture(page, f"review-{scheme}-{width}")
    assert (violations(page), too_wide(page)) == ([], False)
    assert complaints == []
