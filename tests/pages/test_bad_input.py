"""Every form of every page, filled with what no form expects: it is answered in words, and comes back as text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.pages import gallery
from tests.pages.gallery import World

NASTY = {
    "script": "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
    "unicode": "\u202e\u200b\ufeff\u0000\ud7ff\U0001f4a9e\u0301\u212a１２３",
    "long": "9" * 20_000,
    "template": "{{ 7 * 7 }}{% load x %}%(a)s%n",
}
# What ends the visit or the account, which would spoil the pages after it.
LEAVES = re.compile(r"logout|forget|sessions|remove|close|switch|revoke|password|hide-balances|login|signup|2fa|email")


def _spoilt(name: str) -> Any:
    """A file where a text belongs, named as a script: no form of ours takes one."""
    return NASTY[name] if name in NASTY else SimpleUploadedFile("<script>alert(1)</script>.html", b"<script>alert(1)")


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)


class _Forms(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.open: Form | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = Form(said.get("action", "")) if said.get("method") == "post" else None
            self.forms += [self.open] if self.open else []
        if tag in ("input", "textarea", "select") and self.open and said.get("name"):
            self.open.fields[said["name"]] = said.get("value", "")
            if said.get("type") not in ("hidden", "checkbox", "radio"):
                self.open.typed.add(said["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None


def forms_of(world: World) -> dict[tuple[str, str], Form]:
    """By who sees it and where it goes."""
    found = {}
    for look in gallery.looks():
        if look.post is None and look.who in ("alice", "dora", "nobody", "without_name"):
            for form in _Forms(world.see(look).content.decode()).forms:
                if not LEAVES.search(form.action):
                    found[look.who, re.sub(r"\d+", "N", form.action)] = form
    return found


@pytest.fixture
def world(site: Any) -> World:
    return gallery.build()


def test_whatever_is_typed_anywhere_is_answered_in_words_and_shown_as_text(world, settings):
    settings.ACCOUNT_RATE_LIMITS = False
    wrong, asked = [], 0
    for (who, _where), form in forms_of(world).items():
        for name in (*NASTY, "file"):
            values = {key: _spoilt(name) if key in form.typed else value for key, value in form.fields.items()}
            answer = world.clients[who].post(form.action, values, follow=True)
            asked += 1
            shown = getattr(answer, "content", b"").decode(errors="replace")
            if answer.status_code >= 500 or "<script>alert" in shown or "<img src=x" in shown:
                wrong.append((who, form.action, name, answer.status_code))
    assert wrong == []
    assert asked > 60, "the forms were not found"


@pytest.mark.parametrize("path", ["/activity/", "/send/LTC/", "/receive/LTC/", "/contacts/", "/send/LTC/lookup/"])
def test_whatever_stands_in_an_address_is_shown_as_text(world, path):
    for nasty in NASTY.values():
        names = ("to", "amount", "text", "coin", "since", "before", "extra", "comment", "unit", "draft", "kind")
        for name in names:
            answer = world.clients["alice"].get(path, {name: nasty})
            assert answer.status_code in (200, 302, 404), (path, name, nasty[:20])
            assert "<script>alert" not in answer.content.decode()
