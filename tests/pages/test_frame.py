"""What holds for every page: the frame, the refusals, the policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from ledger import money
from ledger.models import Coin, Operation
from ledger.templatetags import wallets
from tests.pages.reading import text_of
from tests.support.money import address_of, make_coin, send

PAGES = ["/", "/activity/", "/receive/TST/", "/send/TST/", "/accounts/", "/nothing/"]
TEMPLATES = sorted((Path(__file__).parents[2] / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_inline_script_or_style_and_every_file_it_asks_for(coin, rich, at_alice, path):
    html = at_alice.get(path).content.decode()

    assert re.findall(r"<style|style=\"|\son[a-z]+=\"|<script(?![^>]*src=)", html) == []
    asked = re.findall(r'(?:src|href)="/static/([^"#]+)', html)
    assert asked
    assert [each for each in asked if finders.find(each) is None] == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_one_title_one_heading_and_a_way_to_its_content(coin, rich, at_alice, path):
    html = at_alice.get(path).content.decode()

    assert len(re.findall(r"<h1[ >]", html)) == 1
    assert re.search(r"<title>\S.* · Wallets</title>", html)
    assert '<a class="skip" href="#content">' in html
    assert '<main id="content"' in html


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_carries_script_style_or_markup_that_escapes_the_escaping(template):
    text = template.read_text()

    assert (
        re.findall(
            r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*(?:src=|application/json))|autoescape off|https?://", text
        )
        == []
    )
    assert [line for line in text.splitlines() if "|safe" in line and "help_text|safe" not in line] == []


def test_the_style_knows_no_left_and_right():
    """So that it turns around by itself for languages that are written from right to left."""
    style = Path(str(finders.find("css/app.css"))).read_text()
    sides = (
        r"(margin|padding|border|inset)-(left|right)\b", r"(text-align|float|clear):\s*(left|right)\b",
        r"[{;\s](left|right):",
    )  # fmt: skip

    assert [found[0] for side in sides for found in re.finditer(side, style)] == []


def test_every_icon_named_anywhere_stands_in_the_sprite():
    sprite = (Path(__file__).parents[2] / "static/icons/sprite.svg").read_text()
    named = {name for path in TEMPLATES for name in re.findall(r'{% icon "([a-z-]+)"', path.read_text())}
    named |= {wallets.step_icon(state) for state in ("done", "now", "todo", "failed")}
    named |= {wallets.status_icon(status) for status in Operation.Status.values}
    named |= {"arrow-left-right", "arrow-down-left", "arrow-up-right"}

    assert {name for name in named if f'<symbol id="{name}"' not in sprite} == set()


def test_the_policy_of_every_answer_allows_our_own_files_only(site, at_alice):
    policy = at_alice.get("/activity/")["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy


def test_no_answer_is_kept_by_a_cache(coin, rich, at_alice):
    for path in PAGES:
        assert "no-store" in at_alice.get(path)["Cache-Control"]


def test_a_form_without_its_token_is_refused_and_nothing_moves(coin, rich, bob):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(rich)

    answer = strict.post("/send/TST/", {"to": "bob", "amount": "1"})

    assert answer.status_code == 403
    assert "The form could not be checked" in text_of(answer)


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html"])
def test_an_error_page_renders_without_a_request_and_says_what_next(site, name):
    html = render_to_string(name)

    assert html.count("<h1>") == 1
    assert "To your coins" in html


def test_a_foreign_coin_is_not_there(site, at_alice):
    for name in ("receive", "send"):
        assert at_alice.get(reverse(name, args=["NOPE"])).status_code == 404


@pytest.mark.parametrize(
    ("decimals", "value", "shown"),
    [
        (8, 1, "0.00000001"),
        (8, 100_000_000, "1"),
        (0, 7, "7"),
        (29, 2**128 - 1, "3402823669.20938463463374607431768211455"),
        (29, 10**50 - 1, "999999999999999999999.99999999999999999999999999999"),
    ],
)
def test_an_amount_is_exact_to_the_eye_the_title_and_the_machine(decimals, value, shown):
    html = wallets.amount(value, Coin(symbol="TST", decimals=decimals))

    assert f'value="{shown}" title="{shown} TST"' in html
    assert re.sub(r"<[^>]+>", "", html) == f"{shown} TST"
    assert money.parse(shown, decimals) == value


def test_an_address_in_groups_is_the_address():
    address = "rltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kcp8y6e"

    assert "".join(wallets.groups(address)) == address
    assert {len(piece) for piece in wallets.groups(address)} == {4}


def test_what_a_member_writes_is_shown_as_text(coin, rich, bob, at_alice, at_bob):
    send(rich, coin, "bob", 1_000, comment='<img src=x onerror="alert(1)">')

    for page in (at_alice.get("/activity/"), at_bob.get("/")):
        assert "<img" not in page.content.decode()


def test_a_payment_to_an_outside_address_is_told_from_one_to_a_member(coin, rich, bob, at_alice):
    away = address_of(bob, make_coin("OUT", prefix="tst"))
    send(rich, coin, away, 1_000)
    send(rich, coin, "bob", 1_000)

    page = text_of(at_alice.get("/activity/"))

    assert "Withdrawal" in page
    assert "To bob" in page
    assert away[:8] in page


def test_a_site_has_its_own_name_and_colours(settings, coin, rich, at_alice):
    assert "/brand.css" not in at_alice.get("/").content.decode()
    settings.SITE_NAME, settings.WALLETS_BRAND_LIGHT, settings.WALLETS_BRAND_DARK = "Club <Coins>", "#7a1fa2", "#e0b0ff"

    page, style = at_alice.get("/").content.decode(), at_alice.get("/brand.css").content.decode()

    assert "<title>Home · Club &lt;Coins&gt;</title>" in page
    assert "/brand.css?" in page
    assert "--accent:light-dark(#7a1fa2,#e0b0ff)" in style
    assert "--on-accent:light-dark(#ffffff, #06202b)" in style


def test_what_is_no_colour_gets_into_no_style(settings, coin, rich, at_alice):
    settings.WALLETS_BRAND_LIGHT = settings.WALLETS_BRAND_DARK = "red;}body{display:none"

    assert "/brand.css" not in at_alice.get("/").content.decode()
    assert at_alice.get("/brand.css").content == b""
