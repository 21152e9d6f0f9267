"""The pages in a real Chromium: what people see, press and hear, under the site's own strict policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from accounts.models import User
from ledger.models import Coin, Operation
from tests.support.components import needs
from tests.support.factories import PASSWORD
from tests.support.live import LiveSite
from tests.support.money import address_of, balances, chain, fund, make_coin, scan_now

AXE = (Path(__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
DEADLINE = 20_000  # milliseconds; the pages poll every 5 s


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = needs("chromium")
    # Playwright keeps an event loop in this thread; the ORM is used beside it, never inside it.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=str(program), args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture
def coin(site: Any) -> Coin:
    return make_coin()


@pytest.fixture
def rich(alice: User, coin: Coin) -> User:
    fund(alice, coin, 1_000_000_000)
    return alice


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console had to complain about: refused by the policy, not found, thrown."""
    return []


def look(chromium: Browser, site: LiveSite, complaints: list[str], **options: Any) -> Page:
    page = chromium.new_page(base_url=site.url, **options)
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def sign_in(page: Page, user: User) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", user.email)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your coins")


def violations(page: Page) -> list[str]:
    if not page.evaluate("!!window.axe"):
        page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [f"{each['id']}: {node['html'][:150]}" for each in found["violations"] for node in each["nodes"]]


def too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_coins_are_sent_by_keyboard_alone_and_a_double_click_pays_once(
    chromium, live_site, complaints, coin, rich, bob
):
    page = look(chromium, live_site, complaints)
    sign_in(page, rich)
    page.goto("/send/TST/")
    page.focus("[name=to]")
    page.keyboard.type("bob")
    page.keyboard.press("Tab")
    page.keyboard.type("2.5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this right?")

    page.locator("#confirm").dblclick(no_wait_after=True)
    expect(page.get_by_role("heading", level=1)).to_have_text("To bob")

    assert balances(coin, rich, bob) == [(750_000_000, 0), (250_000_000, 0)]
    assert Operation.objects.filter(user=rich, kind="move").count() == 1
    assert complaints == []


def test_an_error_stands_beside_its_field_and_keeps_what_was_typed(chromium, live_site, complaints, coin, rich, bob):
    page = look(chromium, live_site, complaints)
    sign_in(page, rich)
    page.goto("/send/TST/")
    page.fill("[name=to]", "bob")
    page.fill("[name=amount]", "1,5")
    page.press("[name=amount]", "Enter")

    amount = page.get_by_label("Amount in TST")
    expect(amount).to_have_attribute("aria-invalid", "true")
    expect(amount).to_have_value("1,5")
    expect(amount).to_have_accessible_description(
        "Or press Max to send all that is available, less the fee."
        " Use a dot for decimals and no thousands separators, for example 1.5."
    )
    expect(page.get_by_label("To", exact=True)).to_have_value("bob")


def test_a_payment_shows_up_and_arrives_without_a_reload(chromium, live_site, complaints, coin, alice):
    address = address_of(alice, coin)
    page = look(chromium, live_site, complaints)
    sign_in(page, alice)
    page.goto("/receive/TST/")
    expect(page.get_by_text("Watching the network.")).to_be_visible()
    page.evaluate("window.loadedOnce = true")

    chain(coin).mint(address, 25_000_000)
    scan_now(coin)
    expect(page.get_by_text("Seen, 0/2 confirmations")).to_be_visible(timeout=DEADLINE)
    fund(alice, coin, 1)  # two blocks and a scan
    expect(page.get_by_text("Last arrival:")).to_be_visible(timeout=DEADLINE)

    assert page.evaluate("window.loadedOnce")
    assert complaints == []


def test_what_happens_is_shown_and_said_aloud_within_five_seconds(chromium, live_site, complaints, coin, rich):
    page = look(chromium, live_site, complaints)
    sign_in(page, rich)
    page.clock.install()
    page.goto("/")
    stop_the_clock(page)

    chain(coin).mint(address_of(rich, coin), 25_000_000)
    scan_now(coin)
    with page.expect_response("**/live/?after=*"):
        page.clock.run_for(4_500)  # of the page's own time, however slow this machine is
    page.clock.run_for(500)

    expect(page.locator("#announcer")).to_contain_text("Deposit of 0.25 TST: 0 of 2 confirmations", timeout=DEADLINE)
    expect(page.locator("#home-live .parts")).to_contain_text("Confirming", timeout=DEADLINE)
    assert complaints == []


def test_a_page_nobody_looks_at_asks_nothing_and_asks_at_once_when_seen_again(
    chromium, live_site, complaints, coin, rich
):
    page = look(chromium, live_site, complaints)
    sign_in(page, rich)
    page.clock.install()
    page.goto("/activity/")
    stop_the_clock(page)
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.away})")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/live/?after" in request.url else None)

    turn(page, away=True)
    page.clock.run_for(120_000)
    assert asked == []
    with page.expect_request("**/live/?after=*"):
        turn(page, away=False)
    assert complaints == []


def stop_the_clock(page: Page) -> None:
    page.clock.pause_at(page.evaluate("Date.now()") + 1_000)
    page.wait_for_load_state("networkidle")  # a question that was under way has its answer


def turn(page: Page, *, away: bool) -> None:
    page.evaluate("away => { window.away = away; document.dispatchEvent(new Event('visibilitychange')); }", away)


def test_copying_is_said_aloud(chromium, live_site, complaints, coin, alice):
    address = address_of(alice, coin)
    page = look(chromium, live_site, complaints, permissions=["clipboard-read", "clipboard-write"])
    sign_in(page, alice)
    page.goto("/receive/TST/")

    page.get_by_role("button", name="Copy address").click()

    expect(page.locator("#announcer")).to_have_text("Address copied")
    assert page.evaluate("navigator.clipboard.readText()") == address


def test_a_receipt_is_printed_on_one_page_without_what_only_a_screen_needs(chromium, live_site, complaints, coin, rich):
    page = look(chromium, live_site, complaints, color_scheme="dark")
    sign_in(page, rich)
    page.goto(f"/activity/{Operation.objects.get(user=rich).pk}/receipt/")
    page.emulate_media(media="print")

    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator(".foot")).to_be_hidden()
    expect(page.get_by_text("10 TST").first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert re.search(rb"/Type /Pages\s+/Count 1\b|/Count 1\b", page.pdf())
    assert complaints == []


def test_the_whole_job_works_without_javascript(chromium, live_site, complaints, coin, rich, bob):
    page = look(chromium, live_site, complaints, java_script_enabled=False)
    sign_in(page, rich)
    page.goto("/receive/TST/")
    page.get_by_role("button", name="New address").click()
    expect(page.get_by_role("status").filter(has_text="Here is your new Tstcoin address.")).to_be_visible()
    page.goto("/send/TST/")
    page.fill("[name=to]", "bob")
    page.get_by_role("button", name="Max").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this right?")
    page.locator("#confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("To bob")
    page.locator("summary", has_text="Account").click()
    page.get_by_role("button", name="Sign out").click()

    assert balances(coin, rich, bob) == [(0, 0), (1_000_000_000, 0)]


def test_signed_out_meanwhile_a_live_page_asks_to_sign_in(chromium, live_site, complaints, coin, alice):
    address_of(alice, coin)
    page = look(chromium, live_site, complaints)
    sign_in(page, alice)
    page.goto("/receive/TST/")
    page.context.clear_cookies()

    expect(page).to_have_url(f"{live_site.url}/accounts/login/?next=/receive/TST/", timeout=DEADLINE)
