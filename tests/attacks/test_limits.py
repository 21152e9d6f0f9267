"""Counting that fails lets nobody through, and what is written down cannot be forged."""

from __future__ import annotations

import io
import json
import logging
from collections import Counter
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent
from tests.accounts.people import sign_in
from tests.api.callers import Program
from tests.attacks.conftest import nothing_happens
from tests.support.money import fresh_key
from tests.support.threads import at_once
from wallets_site.base import throttle
from wallets_site.base.errors import Unavailable
from wallets_site.base.logs import JsonLine, Line


@pytest.fixture
def no_redis(settings: Any) -> None:
    """A site set up for a Redis that is away."""
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": settings.REDIS_URL}
    }


def test_a_site_that_cannot_count_lets_nobody_through(rich, bob, no_redis):
    shop = Program(rich, "send")
    with pytest.raises(Unavailable):
        throttle.count("x", 60)
    with nothing_happens():
        answer = Client(raise_request_exception=False).post(
            "/api/v1/sends", json.dumps({"coin": "TST", "to": "bob", "amount": "1"}), content_type="application/json",
            headers={"Authorization": f"Bearer {shop.key}", "Idempotency-Key": fresh_key()},
        )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.both_databases
@pytest.mark.parametrize("whose", ["alice@example.com", "nobody@example.com"])
def test_of_thirty_sign_ins_at_once_no_more_than_five_are_tried(alice, whose):
    """From thirty addresses, so that the bound of the account alone counts; the right password is no exception."""

    def guess(number: int) -> str:
        page = Client(REMOTE_ADDR=f"192.0.2.{number}").post("/accounts/login/", {"login": whose, "password": "wrong"})
        return "tried" if "not correct" in page.text else "refused" if "Too many failed login" in page.text else "?"

    said = Counter(map(str, at_once(30, guess)))

    assert set(said) <= {"tried", "refused"}
    assert 1 <= said["tried"] <= 5
    assert AuditEvent.objects.filter(what="login_failed").count() <= 5
    if whose == alice.email:
        late = sign_in(Client(REMOTE_ADDR="192.0.2.99"), alice)
        assert (late.status_code, "_auth_user_id" in late.client.session) == (200, False)


@pytest.mark.both_databases
def test_of_thirty_sign_ins_at_once_from_one_address_no_more_than_ten_are_tried(alice):
    def guess(number: int) -> str:
        page = Client(REMOTE_ADDR="192.0.2.7").post(
            "/accounts/login/", {"login": f"guess{number}@example.com", "password": "wrong"}
        )
        return "tried" if "not correct" in page.text else "refused"

    said = Counter(map(str, at_once(30, guess)))

    assert set(said) == {"tried", "refused"}
    assert said["tried"] <= 10


@pytest.mark.parametrize("form", [Line("{levelname} {message}", style="{"), JsonLine()])
def test_a_log_line_is_one_line_whatever_was_said(form):
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(form)
    log = logging.Logger("test")
    log.addHandler(handler)
    log.warning("signed in: %s", "eve\r\nWARNING signed in: alice\x1b[31m\u2028x")
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()
    assert "alice" in out.getvalue()


def test_json_lines_hold_time_level_and_message():
    record = logging.LogRecord("wallets", logging.ERROR, "x.py", 1, "gone %s", ("now",), None)
    said = json.loads(JsonLine().format(record))
    assert (said["level"], said["logger"], said["message"]) == ("ERROR", "wallets", "gone now")
    assert said["time"].endswith("+00:00")
