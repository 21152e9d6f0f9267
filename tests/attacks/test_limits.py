"""Counting that fails lets nobody through, and what is written down cannot be forged."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from django.test import Client

from tests.api.callers import Program
from tests.attacks.conftest import nothing_happens
from tests.support.money import fresh_key
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
