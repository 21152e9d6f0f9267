"""New passwords: long enough, known to nobody, and taken letter by letter."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import User
from tests.accounts.people import STRONG, sign_in, sign_up

ALICE = User(email="alice.liddell@example.com", username="wonderland")


def refused(password: str, user: User | None = ALICE) -> bool:
    try:
        password_validation.validate_password(password, user)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize("password", [
    "mywalletbitcoin1", "Wallets-2026!", "monero-banano", "liddell-12345", "Wonderland2026", "alice-liddell",
    "1234567890", "short", "seven77", "litecoinlitecoin", "Wallets" * 3,
])  # fmt: skip
def test_words_of_the_context_and_short_ones_are_refused(password):
    assert refused(password)


@pytest.mark.parametrize("password", [
    STRONG, "correct horse battery", " leading blank and more", "pässwörter sind länger", "🐸" * 64,
    "x9" * 32 + "q" * 64, "a tea party with liddell and friends",
])  # fmt: skip
def test_long_ones_of_any_letters_are_taken(password):
    assert not refused(password)


def test_more_than_three_thousand_well_known_ones_that_fit_the_rules_are_refused():
    folder = Path(password_validation.__file__).parent
    with gzip.open(folder / "common-passwords.txt.gz", "rt") as file:
        words = [line.strip() for line in file]
    fitting = [word for word in words if len(word) >= 10]
    fitting += [f"{word}{tail}" for word in words for tail in ("1", "123") if 10 <= len(word) + len(tail) <= 14]
    assert len(fitting) > 6_000
    sample = fitting[:3_200]
    assert [word for word in sample if not refused(word, None)] == []


def test_a_megabyte_is_refused_before_it_is_hashed(site):
    assert "longer than 1024 bytes" in sign_up(Client(), "dora@example.com", "x" * 100_000).text
    assert sign_up(Client(), "dora@example.com", "x" * 1_000_000).status_code == 400
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password", [" blank first and last ", "🐸 tadpole sixty four", "ﬁne ligature words", "CaSe MaTtErS here"]
)
def test_a_password_is_taken_letter_by_letter(alice, password):
    alice.set_password(password)
    alice.save()
    assert sign_in(Client(), alice, password).status_code == 302
    for other in (password.strip(), password.lower(), password[:-1]):
        if other != password:
            assert sign_in(Client(), alice, other).status_code == 200
