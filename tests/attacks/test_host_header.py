"""Whatever host a request names: mails, passkeys, redirects and descriptions speak of the site's own address."""

from __future__ import annotations

import json
import re

import pytest
from django.core.checks import run_checks
from django.test import Client

from tests.accounts.people import sign_up

OURS = "https://wallets.example"
FORGED = {
    "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Original-Url": "//evil.example/",
    "Forwarded": "host=evil.example", "X-Host": "evil.example", "X-Forwarded-Server": "evil.example",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _ours(settings, site):
    settings.SITE_URL = OURS
    settings.ALLOWED_HOSTS = ["wallets.example", "127.0.0.1"]


@pytest.mark.parametrize(
    "host", ["evil.example", "good:80@evil", "wallets.example.evil.example", "", "wallets.example:x"]
)
def test_a_foreign_host_is_400_and_sends_no_mail(alice, mailoutbox, host):
    for path in ("/accounts/password/reset/", "/accounts/signup/", "/", "/api/v1/me", "/lnbits/api/v1/health"):
        if path.startswith(("/api", "/lnbits")):
            continue
        answer = Client().post(path, {"email": alice.email}, headers={"Host": host})
        assert answer.status_code == 400, path
    assert mailoutbox == []


def test_links_in_mails_lead_to_the_sites_own_address(alice, mailoutbox):
    for headers in ({"Host": "127.0.0.1"}, {"Host": "127.0.0.1:81", **FORGED}, {"Host": "wallets.example"}):
        Client().post("/accounts/password/reset/", {"email": alice.email}, headers=headers)
        client = Client(headers=headers)
        sign_up(client, f"new{len(mailoutbox)}@example.com")
        sign_up(client, alice.email)
    found = {link for mail in mailoutbox for link in re.findall(r"https?://[^/\s]+", str(mail.body))}
    assert len(mailoutbox) >= 6
    assert found == {OURS}


def test_redirects_pages_and_the_description_hold_no_forged_host(alice):
    client = Client(headers={"Host": "wallets.example", **FORGED})
    client.force_login(alice)
    for path in ("/", "/accounts/login/", "/send/", "/activity/", "/nothing/", "/admin/", "/status/"):
        answer = client.get(path)
        assert b"evil" not in answer.content, path
        assert "evil" not in answer.get("Location", ""), path
    said = client.get("/api/v1/schema?format=json").content
    assert b"evil" not in said
    assert json.loads(said)["servers"][0]["url"].startswith("http")


def test_a_passkey_belongs_to_the_sites_own_host():
    from allauth.mfa.adapter import get_adapter

    assert get_adapter().get_public_key_credential_rp_entity()["id"] == "wallets.example"


def test_a_site_whose_own_address_is_not_among_its_hosts_is_refused(settings):
    settings.ALLOWED_HOSTS = ["other.example"]
    assert "wallets.E004" in {found.id for found in run_checks(include_deployment_checks=True)}
