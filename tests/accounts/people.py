"""What the tests of accounts do in a browser's place: read mails, sign up, sign in, answer a second factor."""

from __future__ import annotations

import re
import time
from typing import Any

from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.test import Client

from accounts.models import AuditEvent, User
from tests.support.factories import PASSWORD

STRONG = "violet-harbour-42-lamp"


def link_in(message: mail.EmailMessage, kind: str) -> str:
    """The path of the first link whose path holds `kind`."""
    found = re.search(rf"https?://[^/\s]+(/\S*{kind}\S*)", str(message.body))
    assert found, message.body
    return found.group(1)


def mail_to(address: str) -> mail.EmailMessage:
    """The newest mail to this address."""
    return next(message for message in reversed(mail.outbox) if message.to == [address])


def sign_up(client: Client, email: str, password: str = STRONG) -> Any:
    return client.post("/accounts/signup/", {"email": email, "password1": password, "password2": password})


def sign_in(client: Client, user: User, password: str = PASSWORD) -> Any:
    return client.post("/accounts/login/", {"login": user.email, "password": password})


def signed_in(user: User) -> Client:
    client = Client()
    assert sign_in(client, user).status_code == 302
    return client


def enrol(user: User) -> str:
    """Give the person an authenticator app; its secret."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    return str(secret)


def code_of(secret: str) -> str:
    """The code an app shows now. Each works once, so a second one needs the clock 30 s on."""
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30)))


def trail() -> list[tuple[str, str]]:
    """(who, what) of every audit event, oldest first."""
    events = AuditEvent.objects.select_related("who").order_by("pk")
    return [(event.who.username or event.who.email if event.who else "", event.what) for event in events]
