"""Script in whatever members, nodes and programs may write: text wherever somebody reads it, staff included."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import models
from django.test import Client

from accounts.models import AuditEvent
from adapters.models import Wallet
from ledger.drains import mail as letters
from ledger.models import Address, Coin, Contact, Deposit, Freeze, Operation, Webhook, Withdrawal
from ledger.services import contacts, webhooks
from tests.accounts.people import signed_in
from tests.api.test_routes import PAGES, routes
from tests.support.money import fresh_key, proof_of, send

MARK = "zqx"
SCRIPT = (
    f"{MARK}\"'><script>{MARK}()</script><svg onload={MARK}()><img src=x onerror={MARK}()></title>"
    "{{7*7}}{% now %}"
)


class Tags(HTMLParser):
    """Every element and attribute of a page: none of them may come from the hostile text."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs if name.startswith("on") or MARK in name]
        link = [value for name, value in attrs if name in ("href", "src", "action") and value and "script:" in value]
        if tag == "script" and not dict(attrs).get("src") and dict(attrs).get("type") not in ("application/json",):
            self.wrong.append("script")
        self.wrong += names + link


def wrongs(body: str) -> list[str]:
    page = Tags()
    page.feed(body)
    if f"<script>{MARK}" in body or f"<svg onload={MARK}" in body or f"{MARK}49" in body:
        page.wrong.append("unescaped")
    return page.wrong


@pytest.fixture
def poisoned(things, alice, bob, manager) -> Any:
    """The hostile text in every column that people, nodes or programs can fill."""
    send(alice, Coin.objects.get(symbol="TST"), "bob", 5, comment=SCRIPT[:500])
    for model, names in (
        (Operation, ("comment", "note", "reason", "tags", "txid")),
        (Contact, ("label",)),
        (Webhook, ("label", "last_error")),
        (Address, ("label",)),
        (Deposit, ("txid", "reason")),
        (Withdrawal, ("reason",)),
        (Freeze, ("reason",)),
        (Wallet, ("health", "reason", "version_text", "error")),
        (AuditEvent, ("object",)),
    ):
        fields = {field.attname: field for field in model._meta.concrete_fields}
        for name in names:
            field = fields.get(name)
            if isinstance(field, models.CharField | models.TextField):
                try:
                    model._default_manager.all().update(**{name: SCRIPT[: field.max_length or 500]})
                except Exception:  # append-only or unique: hostile text came in by a row of its own, or cannot
                    continue
    AuditEvent.objects.create(what="login_failed", object=SCRIPT[:200], data={"agent": SCRIPT})
    Coin.objects.filter(symbol="TST").update(name=SCRIPT[:60], explorer_tx="https://x.example/{txid}")
    return things


def test_it_is_text_on_every_page_of_its_owner_and_of_the_other_side(poisoned, alice, bob):
    wrong, shown = {}, 0
    for person in (alice, bob):
        client = signed_in(person)
        client.raise_request_exception = False
        for row in PAGES.values():
            if row.method == "GET" and row.kind in ("own", "member", "open") and "logout" not in row.path:
                answer = client.get(row.path.format(**poisoned), headers={"User-Agent": SCRIPT})
                assert answer.status_code != 500, row.path
                if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming:
                    body = answer.content.decode()
                    shown += MARK in body
                    if found := wrongs(body):
                        wrong[row.path] = found
    assert wrong == {}
    assert shown > 15


def test_it_is_text_on_every_page_of_the_administration(poisoned, manager):
    client = Client(raise_request_exception=False)
    client.force_login(manager)
    wrong, shown = {}, 0
    for route in routes():
        if not route.startswith("admin/") or "logout" in route:
            continue
        path = "/" + re.sub(r"<[^>]+>|\(\?P<[^)]+\)|\(.*?\)", "1", route).replace("^", "").replace("$", "")
        answer = client.get(path)
        assert answer.status_code != 500, path
        if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming:
            body = answer.content.decode()
            shown += MARK in body
            if found := wrongs(body):
                wrong[path] = found
    assert wrong == {}
    assert shown > 5


def test_it_is_text_in_mails_and_breaks_no_subject(rich, bob, coin, settings):
    Coin.objects.update(name=SCRIPT[:60])
    send(rich, coin, "bob", 1000, comment=SCRIPT + "\r\nBcc: eve@example.com")
    contacts.add(user=rich, label="a b", to="bob")
    webhooks.create(user=rich, url="https://shop.example/", proof=proof_of(rich), key=fresh_key())
    letters.deliver()
    assert mail.outbox
    for message in mail.outbox:
        assert "\n" not in message.subject
        assert message.bcc == []
        for alternative in getattr(message, "alternatives", []):
            assert wrongs(alternative[0]) == []


def test_it_is_text_in_the_drawing_of_a_code_and_in_json(rich, coin):
    from ledger.templatetags.wallets import qr

    drawing = str(qr("tst:x", SCRIPT))
    assert f"<script>{MARK}" not in drawing
    send_answer = signed_in(rich).get("/api/v1/operations")
    assert send_answer["Content-Type"] == "application/json"
    assert send_answer["X-Content-Type-Options"] == "nosniff"


def test_the_judge_of_this_file_sees_what_is_wrong():
    assert wrongs(f"<p>{SCRIPT}</p>")
    assert wrongs('<a href="javascript:x">x</a>')
    assert wrongs("<p>" + SCRIPT.replace("<", "&lt;") + "</p>") == []


def test_no_template_marks_anything_safe():
    folder = Path(__file__).resolve().parents[2] / "templates"
    marks = re.compile(r"\|\s*safe\b|autoescape\s+off|safeseq")
    assert [str(path) for path in folder.rglob("*.html") if marks.search(path.read_text())] == []
