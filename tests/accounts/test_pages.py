"""Every page of an account stands in the site's own layout and keeps to its content security policy."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.core import mail
from django.test import Client

from tests.accounts.people import code_of, enrol, link_in, sign_in, signed_in
from tests.support.factories import PASSWORD, make_user

pytestmark = pytest.mark.usefixtures("site")

POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
    "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'",
    "manifest-src 'self'",
}  # fmt: skip


class Page(HTMLParser):
    """What the policy would block, and whether every field has its label."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.blocked: list[str] = []
        self.labels: set[str] = set()
        self.fields: set[str] = set()
        self.headings = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.blocked.append("inline script")
        if tag == "style" or "style" in given:
            self.blocked.append(f"inline style in {tag}")
        self.blocked += [name for name in given if name.startswith("on")]
        for name in ("src", "href", "action"):
            if re.match(r"(https?:)?//|javascript:", given.get(name) or ""):
                self.blocked.append(str(given[name]))
        self.headings += tag == "h1"
        if tag == "label" and given.get("for"):
            self.labels.add(str(given["for"]))
        if tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "submit"):
            self.fields.add(str(given.get("id")))


def check(answer, status: int = 200) -> None:
    page = Page(answer.text)
    assert answer.status_code == status
    assert page.blocked == []
    assert page.headings == 1
    assert page.fields <= page.labels
    assert 'class="brand"' in answer.text, "the page stands in the site's layout"
    assert set(answer.headers["Content-Security-Policy"].split("; ")) == POLICY
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    ["login/", "signup/", "logout/", "inactive/", "confirm-email/", "confirm-email/wrong/", "password/reset/",
     "password/reset/done/", "password/reset/key/1-wrong/", "password/reset/key/done/"],
)  # fmt: skip
def test_a_stranger_sees(path):
    client = Client()
    check(client.get(f"/accounts/{path}", follow=True))


@pytest.mark.parametrize("mode", ["closed", "invitation"])
def test_a_stranger_sees_that_sign_up_is_shut(settings, mode):
    settings.SIGNUP = mode
    check(Client().get("/accounts/signup/"))
    check(Client().get("/accounts/login/"))


def test_a_stranger_sees_the_pages_behind_the_links_in_mails(alice):
    client = Client()
    client.post("/accounts/password/reset/", {"email": alice.email})
    check(client.get(client.get(link_in(mail.outbox[0], "password/reset/key"))["Location"]))
    dora = make_user("dora", proven=False)
    sign_in(client, dora)
    check(client.get(link_in(mail.outbox[1], "confirm-email")))


@pytest.mark.parametrize("path", ["", "email/", "password/change/", "reauthenticate/", "sessions/", "2fa/"])
def test_a_member_sees(alice, path):
    check(signed_in(alice).get(f"/accounts/{path}"))


def test_a_member_without_a_name_sees(alice):
    alice.username = None
    alice.save(update_fields=["username"])
    client = signed_in(alice)
    check(client.get("/accounts/name/"))
    check(client.post("/accounts/name/", {"username": "root"}))


def test_a_member_sees_a_pending_change_of_mail(alice):
    client = signed_in(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"email": "alice@example.net", "action_add": ""})
    page = client.get("/accounts/email/")
    check(page)
    assert "alice@example.net" in page.text


@pytest.mark.parametrize("path", ["2fa/totp/activate/", "2fa/webauthn/add/", "2fa/webauthn/"])
def test_a_member_who_sets_up_a_second_step_sees(alice, path):
    client = signed_in(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    check(client.get(f"/accounts/{path}"))


def test_the_secret_is_shown_as_a_drawing_and_as_text_and_switches_on(alice):
    client = signed_in(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret
    assert "data:image/svg+xml" in page.text
    assert secret in page.text
    shown = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)}, follow=True)
    check(shown)
    codes = re.findall(r"^(?:[^\n]*>)?(\d{12})$", shown.text, re.MULTILINE)
    assert len(codes) == 10, "recovery codes come with it, of 12 digits"
    assert codes[0] not in client.get("/accounts/2fa/recovery-codes/").text, "and are shown this once"


def test_a_protected_member_sees(alice, time_machine_now):
    secret, client = enrol(alice), Client()
    sign_in(client, alice)
    check(client.get("/accounts/2fa/authenticate/"))
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    check(client.get("/accounts/2fa/reauthenticate/"))
    time_machine_now.shift(31)
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)})
    for path in ("2fa/", "2fa/totp/deactivate/", "2fa/recovery-codes/generate/", ""):
        check(client.get(f"/accounts/{path}"))


def test_too_many_tries_end_on_a_page_of_ours():
    client = Client()
    for _ in range(31):
        answer = client.post("/accounts/login/", {"login": "nobody@example.com", "password": "wrong"})
    check(answer, status=429)


def test_the_profile_tells_the_number_the_name_and_the_mail(alice):
    page = signed_in(alice).get("/accounts/").text
    for fact in (f"<dd>{alice.pk}</dd>", "<dd>alice</dd>", "alice@example.com", "confirmed"):
        assert fact in page
    for link in ("2fa/", "password/change/", "email/", "sessions/"):
        assert f'href="/accounts/{link}"' in page


def test_mails_speak_for_the_site_and_hold_no_stray_markup(alice):
    Client().post("/accounts/password/reset/", {"email": alice.email})
    sign_in(Client(), make_user("dora", proven=False))
    client = signed_in(alice)
    strong = "violet-harbour-42-lamp"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": strong, "password2": strong})
    subjects = [message.subject for message in mail.outbox]
    assert subjects == [
        "Wallets: Set a new password",
        "Wallets: Confirm your e-mail address",
        "Wallets: Password Changed",
    ]
    for message in mail.outbox:
        assert "\nWallets\nhttp://127.0.0.1:8000" in message.body
        assert not re.search(r"example\.com!|&#|&amp;|<|\{|None", str(message.body))
