"""New passwords: long enough, known to nobody, and taken letter by letter."""

from __future__ import annotations

import gzip
from hashlib import sha1
from pathlib import Path

import pytest
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.checks import check_breached_passwords
from accounts.models import User
from accounts.passwords import _is_listed
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


def listed(words: list[str], end: str = ":7\r\n") -> bytes:
    return "".join(
        f"{line}{end}" for line in sorted(sha1(word.encode()).hexdigest().upper() for word in words)
    ).encode()


@pytest.mark.parametrize("end", [":7\r\n", "\n", ":123456789\n"])
@pytest.mark.parametrize("count", [1, 2, 3, 50, 1_000])
def test_every_password_of_a_list_of_breached_ones_is_refused_and_no_other(tmp_path, settings, count, end):
    words = [f"violet harbour lamp {number}" for number in range(count)]
    file = tmp_path / "breached.txt"
    file.write_bytes(listed(words, end))
    assert check_breached_passwords() == []
    settings.BREACHED_PASSWORDS = str(file)
    assert check_breached_passwords() == []
    with file.open("rb") as lines:
        assert all(_is_listed(lines, sha1(word.encode()).hexdigest().upper().encode()) for word in words)
        others = [f"{word}?" for word in words] + ["", "x"]
        assert not any(_is_listed(lines, sha1(word.encode()).hexdigest().upper().encode()) for word in others)
        assert not any(_is_listed(lines, edge * 40) for edge in (b"0", b"F"))
    assert refused(words[-1])
    assert not refused(words[-1] + "?")


def test_who_signs_up_with_a_breached_one_reads_why(site, tmp_path, settings):
    file = tmp_path / "breached.txt"
    file.write_bytes(listed([STRONG]))
    settings.BREACHED_PASSWORDS = str(file)
    assert "public list of stolen ones" in sign_up(Client(), "dora@example.com", STRONG).text
    assert not User.objects.exists()


@pytest.mark.parametrize("content", [None, b"", b"password\n", b"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8\n"])
def test_a_list_that_cannot_be_read_is_no_start_and_no_password(tmp_path, settings, content):
    file = tmp_path / "breached.txt"
    if content is not None:
        file.write_bytes(content)
    settings.BREACHED_PASSWORDS = str(file)
    assert [found.id for found in check_breached_passwords()] == ["wallets.E014"]
    if content is None:
        with pytest.raises(OSError):
            refused(STRONG)
