"""Passkeys in a real Chromium with a virtual authenticator: enrolled, to sign in, to confirm; and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from playwright.sync_api import Browser, Page, expect, sync_playwright

from accounts.models import PayoutHold, User
from tests.pages.test_browser import DEADLINE, QUIET, RULES, too_wide, violations
from tests.support.components import needs
from tests.support.factories import PASSWORD, make_user
from tests.support.live import LiveSite
from tests.support.processes import wait_for

assert RULES


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = needs("chromium")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=str(program), args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture
def named_site(site: Any) -> Iterator[LiveSite]:
    """The site under a name, as passkeys belong to names: http://localhost:PORT."""
    running = LiveSite(site, host="localhost")
    yield running
    running.stop()


class Person:
    """Somebody at a browser of their own, with an authenticator built in."""

    def __init__(self, chromium: Browser, site: LiveSite) -> None:
        self.page: Page = chromium.new_context(base_url=site.url).new_page()
        self.page.set_default_timeout(DEADLINE)
        self.devtools = self.page.context.new_cdp_session(self.page)
        self.devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        self.authenticator = self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    def sign_in(self, user: User) -> None:
        self.page.goto("/accounts/login/")
        self.page.fill("[name=login]", user.email)
        self.page.fill("[name=password]", PASSWORD)
        self.page.press("[name=password]", "Enter")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Your coins")

    def add_passkey(self, name: str = "My phone") -> None:
        self.page.goto("/accounts/2fa/webauthn/add/")
        if "reauthenticate" in self.page.url:
            self.page.fill("[name=password]", PASSWORD)
            self.page.press("[name=password]", "Enter")
            self.page.wait_for_url("**/webauthn/add/")
        self.page.fill("[name=name]", name)
        self.page.check("[name=passwordless]")
        self.page.click("#mfa_webauthn_add")
        self.page.wait_for_url("**/recovery-codes/")

    def verified(self, yes: bool) -> None:
        said = {"authenticatorId": self.authenticator["authenticatorId"], "isUserVerified": yes}
        self.devtools.send("WebAuthn.setUserVerified", said)


@pytest.fixture
def at_alice(chromium, named_site, alice) -> Person:
    person = Person(chromium, named_site)
    person.sign_in(alice)
    return person


def test_a_passkey_is_enrolled_signs_in_without_a_password_and_confirms(at_alice, alice):
    at_alice.add_passkey()
    stored = Authenticator.objects.get(user=alice, type="webauthn")
    assert stored.wrap().name == "My phone"
    assert PayoutHold.objects.filter(user=alice, reason="factor_changed").count() == 1
    page = at_alice.page
    page.goto("/accounts/logout/")
    page.locator("main button[type=submit]").click()
    page.goto("/accounts/login/")
    page.click("#passkey_login")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your coins")
    page.goto("/accounts/2fa/webauthn/reauthenticate/?next=/accounts/security/")
    before = UserSession.objects.get(user=alice).session_key
    page.click("#mfa_webauthn_reauthenticate")
    page.wait_for_url("**/accounts/security/")
    wait_for("a new session", lambda: UserSession.objects.get(user=alice).session_key != before)


def test_without_a_finger_or_a_number_a_passkey_signs_nobody_in(at_alice):
    at_alice.add_passkey()
    page = at_alice.page
    page.context.clear_cookies()
    at_alice.verified(False)
    page.goto("/accounts/login/")
    page.click("#passkey_login")
    page.wait_for_timeout(1500)
    page.goto("/accounts/")
    assert "/accounts/login/" in page.url


def answer_to(page: Page) -> dict[str, Any]:
    """The browser's signed answer to the challenge on this page, not sent."""
    return dict(
        page.evaluate("""async () => {
        const data = JSON.parse(document.getElementById('js_data').textContent);
        const options = PublicKeyCredential.parseRequestOptionsFromJSON
            ? PublicKeyCredential.parseRequestOptionsFromJSON(data.request_options.publicKey) : null;
        const found = await navigator.credentials.get({publicKey: options});
        return found.toJSON();
    }""")
    )


def send(page: Page, credential: dict[str, Any]) -> str:
    """Posts it as the page would; where that led."""
    with page.expect_navigation():
        page.evaluate(
            """text => { const form = document.querySelector('main form');
            document.querySelector('[name=credential]').value = text; form.submit(); }""",
            json.dumps(credential),
        )
    return page.url.partition("?")[0]


def test_an_answer_is_good_once_for_its_own_session_and_person(at_alice, chromium, named_site):
    bob = make_user("bob")
    at_alice.add_passkey()
    other = Person(chromium, named_site)
    other.sign_in(bob)
    other.add_passkey()
    path = "/accounts/2fa/webauthn/reauthenticate/?next=/accounts/security/"
    at_alice.page.goto(path)
    credential = answer_to(at_alice.page)
    other.page.goto(path)
    assert "/security/" not in send(other.page, credential), "alice's answer in bob's session"
    at_alice.page.goto(path)
    assert "/security/" not in send(at_alice.page, credential), "an answer to an earlier challenge"
    at_alice.page.goto(path)
    fresh = answer_to(at_alice.page)
    assert "/security/" in send(at_alice.page, fresh)


def test_a_page_of_another_name_gets_no_answer(at_alice, named_site):
    at_alice.add_passkey()
    page = at_alice.page
    page.goto(named_site.url.replace("localhost", "127.0.0.1") + "/accounts/login/")
    refused = page.evaluate("""async () => { try {
        await navigator.credentials.get({publicKey: {challenge: new Uint8Array(32), rpId: 'localhost'}});
        return ''; } catch (error) { return error.name; } }""")
    assert refused == "SecurityError"


def test_no_page_shows_in_a_frame_of_another_site(at_alice, named_site):
    page = at_alice.page
    for path in ("/accounts/security/", "/accounts/login/", "/accounts/freeze/x/", "/accounts/2fa/", "/nothing/"):
        page.goto("about:blank")
        page.set_content(f'<iframe id="victim" src="{named_site.url}{path}" width="600" height="400"></iframe>')
        page.wait_for_timeout(400)
        frame = page.frames[1] if len(page.frames) > 1 else None
        assert frame is None or "Wallets" not in frame.content(), path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_second_steps_pass_axe_and_fit_a_phone(chromium, named_site, alice, scheme):
    person = Person(chromium, named_site)
    person.page.set_viewport_size({"width": 390, "height": 800})
    person.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    person.sign_in(alice)
    person.add_passkey()
    problems = []
    for path in ("security/", "2fa/", "2fa/webauthn/", "2fa/webauthn/reauthenticate/", "sessions/", "freeze/x/"):
        person.page.goto(f"/accounts/{path}")
        problems += [f"{path}: {each}" for each in violations(person.page)]
        problems += [f"{path}: too wide"] if too_wide(person.page) else []
    assert problems == []
