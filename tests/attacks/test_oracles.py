"""What a stranger could learn from how an answer looks, or from how many statements and hashes it costs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import api_keys, keys, queries
from accounts.nonces import is_good_nonce
from ledger.services import confirmations, recognise, sending
from tests.attacks.conftest import stranger
from tests.support.factories import make_user
from tests.support.money import proof_of
from wallets_site.base.errors import WalletError


def statements(do: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        do()
    # Whether the rules in memory are still good is asked now and then, whoever is looked for.
    said = [row["sql"].split(" WHERE ")[0][:60] for row in caught.captured_queries]
    return [each for each in said if "rulesversion" not in each]


def refused(**said: object) -> None:
    with pytest.raises(WalletError):
        sending.preview_send(**said)  # type: ignore[arg-type]


def test_known_and_unknown_recipients_are_asked_for_with_the_same_statements(alice, bob, coin):
    make_user("closed", groups=())
    recognise.recognise(user=alice, coin=coin, to="warm")  # the rules are in memory from now on
    words = [
        statements(partial(queries.find_recipient, name))
        for name in ("bob", "nob", "closed", "bob@example.com", "x@y.z")
    ]
    assert all(each == words[0] for each in words)
    looks = [statements(partial(recognise.recognise, user=alice, coin=coin, to=name)) for name in ("nob", "closed")]
    assert looks[0] == looks[1]


def test_unknown_and_unreachable_recipients_get_one_answer(rich, bob, coin):
    make_user("closed", groups=())
    make_user("unproven", proven=False)
    told = set()
    for name in ("nobody", "closed", "nobody@example.com", "unproven@example.com"):
        with pytest.raises(WalletError) as caught:
            sending.preview_send(user=rich, coin=coin, to=name, amount=1)
        told.add((type(caught.value), caught.value.message.replace(name, "*")))
    assert len(told) == 1


def test_a_sign_in_hashes_one_password_whoever_it_is(alice, monkeypatch):
    """The hash is what takes time: one of it for a known mail, an unknown one, and somebody shut out."""
    from django.contrib.auth import hashers

    counted: list[str] = []
    real = hashers.MD5PasswordHasher.encode

    def encode(self: Any, *said: Any, **more: Any) -> str:
        counted.append("x")
        return str(real(self, *said, **more))

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", encode)
    bob = make_user("closed")
    bob.is_active = False
    bob.save()
    counts = {}
    for email in ("alice@example.com", "nobody@example.com", "closed@example.com", "alice"):
        counted.clear()
        stranger().post("/accounts/login/", {"login": email, "password": "wrong password"})
        counts[email] = len(counted)
    del counts["alice"]  # no e-mail at all: refused by the form before anything is looked up
    assert set(counts.values()) == {1}


def test_a_reset_tells_nobody_who_has_an_account(alice):
    answers = []
    for email in ("alice@example.com", "nobody@example.com"):
        answer = stranger().post("/accounts/password/reset/", {"email": email}, follow=True)
        answers.append((answer.status_code, answer.redirect_chain, sorted(answer.cookies)))
    assert answers[0] == answers[1]
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]


def test_a_sign_up_tells_nobody_who_has_an_account(alice):
    words = "violet-harbour-42-lamp"
    answers = []
    for email in ("alice@example.com", "fresh@example.com"):
        form = {"email": email, "password1": words, "password2": words}
        answer = stranger().post("/accounts/signup/", form)
        answers.append((answer.status_code, answer["Location"], len(answer.content)))
    assert answers[0] == answers[1]


def test_keys_nonces_and_links_are_compared_in_constant_time(alice, rf):
    """Found by an index over their digest, then compared by hmac; a wrong one of the right form costs the same."""
    row, text = api_keys.make_key(user=alice, name="x", scopes=["read"], proof=proof_of(alice), key="k")
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert row
    known = statements(lambda: api_keys.find_key(text, where="127.0.0.1"))
    assert statements(lambda: api_keys.find_key(wrong, where="127.0.0.1")) == known[:1]
    plugin = keys.show_key(alice, keys.PLUGIN_API)
    assert len(statements(lambda: keys.owner_of(plugin, keys.PLUGIN_API))) == len(
        statements(lambda: keys.owner_of("0" * len(plugin), keys.PLUGIN_API))
    )
    assert confirmations.find("0" * 32) is None
    assert "compare_digest" in inspect.getsource(is_good_nonce)


def test_an_id_of_somebody_else_looks_like_no_id_at_all(things, bob):
    client = Client()
    client.force_login(bob)
    for path in ("/activity/{}/", "/webhooks/{}/", "/activity/{}/receipt/"):
        name = {"w": "webhook", "a": "operation"}[path[1]]
        theirs, nobodys = client.get(path.format(things[name])), client.get(path.format(10**15))
        assert theirs.status_code == nobodys.status_code == 404
        assert strip(theirs.content) == strip(nobodys.content)


def strip(page: bytes) -> bytes:
    import re

    return re.sub(rb'value="[A-Za-z0-9]{64}"', b"", page)
