"""How long a refused sign-in takes tells nobody whether there is such an account."""

from __future__ import annotations

import statistics
import time

import pytest
from django.contrib.auth import hashers
from django.test import Client

from accounts.models import User
from tests.accounts.people import STRONG, enrol

pytestmark = pytest.mark.usefixtures("site")


class Counting(hashers.MD5PasswordHasher):
    """The tests' own fast hash, which counts."""

    algorithm = "md5"
    runs = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).runs += 1
        return super().encode(password, salt)


@pytest.fixture
def counting(settings) -> type[Counting]:
    settings.PASSWORD_HASHERS = [f"{__name__}.Counting"]
    Counting.runs = 0
    return Counting


def try_in(email: str, password: str = "wrong password") -> None:
    Client(REMOTE_ADDR="192.0.2.1").post("/accounts/login/", {"login": email, "password": password})


@pytest.mark.parametrize("who", ["known", "unknown", "inactive", "without password", "with app", "user name", "waits"])
def test_each_refused_sign_in_hashes_exactly_once(alice, counting, settings, who):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login": False}
    if who == "inactive":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    if who == "without password":
        alice.set_unusable_password()
        alice.save()
    if who == "with app":
        enrol(alice)
    counting.runs = 0
    email = {"unknown": "nobody@example.com", "user name": "alice@example.org"}.get(who, alice.email)
    try_in(email)
    assert counting.runs == 1


def test_known_and_unknown_hash_alike_in_interleaved_pairs(alice, counting, settings):
    settings.ACCOUNT_RATE_LIMITS = False
    counting.runs = 0
    counts: dict[str, list[int]] = {alice.email: [], "nobody@example.com": []}
    for _ in range(20):
        for email, seen in counts.items():
            before = counting.runs
            try_in(email)
            seen.append(counting.runs - before)
    assert counts == {alice.email: [1] * 20, "nobody@example.com": [1] * 20}


def test_the_medians_of_interleaved_pairs_lie_close(alice, settings):
    """A bounded run of what `python -m bench.login_time` measures with 2,000 pairs and the real hash."""
    settings.ACCOUNT_RATE_LIMITS = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    alice.set_password(STRONG)
    alice.save()
    times: dict[str, list[float]] = {alice.email: [], "nobody@example.com": []}
    for _ in range(12):
        for email, seen in times.items():
            begun = time.process_time()
            try_in(email)
            seen.append(time.process_time() - begun)
    known, unknown = (statistics.median(seen) for seen in times.values())
    assert abs(known - unknown) < 0.25 * known, "one hash more would double it"
