"""Rules for new passwords that Django has no validator for."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LARGEST: Final = 1024
SHORTEST_REST: Final = 8
SHORTEST_WORD: Final = 4
MOST_AROUND: Final = 5
_AROUND: Final = string.digits + string.punctuation
_EVERYWHERE: Final = frozenset({"mail", "info"})
TRIVIAL: Final = ("wallet", "bitcoin", "litecoin", "dogecoin", "monero", "banano", "lightning", "crypto")


class MaximumLengthValidator:
    """At most 1,024 bytes: hashing must not become a way to keep the server busy."""

    def validate(self, password: str, user: object = None) -> None:
        if len(password.encode()) > LARGEST:
            raise ValidationError(
                _("This password is longer than %(most)s bytes.") % {"most": LARGEST}, code="password_too_long"
            )

    def get_help_text(self) -> str:
        return _("Your password can be up to %(most)s bytes long.") % {"most": LARGEST}


class SiteWordsValidator:
    """Not made of words everybody would try here: the site's name, coins, the person's own name and mail."""

    def validate(self, password: str, user: object = None) -> None:
        left = password.lower()
        for word in sorted(_own_words(user) | {settings.SITE_NAME.lower(), *TRIVIAL}, key=len, reverse=True):
            left = left.replace(word, "")
        if left != password.lower() and len(left) < SHORTEST_REST:
            raise ValidationError(
                _("This password is too close to the name of this site, of a coin or of your own."), code="site_words"
            )

    def get_help_text(self) -> str:
        return _("Your password can't be little more than the name of this site, of a coin or of your own.")


class CommonWordValidator(CommonPasswordValidator):
    """No well-known password with digits or signs around it."""

    def validate(self, password: str, user: object = None) -> None:
        if any(core in self.passwords for core in _cores(password.lower().strip())):
            raise ValidationError(_("This is a well-known password with something around it."), code="common_word")

    def get_help_text(self) -> str:
        return _("Your password can't be a well-known one with digits around it.")


class BreachedPasswordValidator:
    """Not in the list of breached passwords that WALLETS_BREACHED_PASSWORDS names; without one it asks nobody.

    The list is as they are published: for each its SHA-1 in capitals, one a line, sorted, perhaps with a count.
    Of 40 GB some 36 lines are read. A list that cannot be read refuses every new password: OSError.
    """

    def validate(self, password: str, user: object = None) -> None:
        if not settings.BREACHED_PASSWORDS:
            return
        wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        with Path(settings.BREACHED_PASSWORDS).open("rb") as file:
            if _is_listed(file, wanted):
                raise ValidationError(
                    _("This password is in a public list of stolen ones: whoever guesses tries it early."),
                    code="password_breached",
                )

    def get_help_text(self) -> str:
        return _("Your password can't be one that was stolen elsewhere.")


def _is_listed(file: BinaryIO, wanted: bytes) -> bool:
    """The line is between `low`, where a line begins, and `high`."""
    low, high = 0, file.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        file.seek(max(low, middle - 1))
        if middle > low:
            file.readline()  # the rest of the line that this is in
        begins = file.tell()  # the first line at or after `middle`
        line = file.readline() if begins < high else b""
        if not line:
            high = middle
            continue
        found = line[: len(wanted)]
        if found == wanted:
            return True
        low, high = (file.tell(), high) if found < wanted else (low, middle)
    return False


def _cores(text: str) -> Iterator[str]:
    """What is left of it without up to five digits and signs at its ends."""
    for front in range(MOST_AROUND + 1):
        for back in range(MOST_AROUND + 1 - front):
            around = text[:front] + text[len(text) - back :]
            if all(letter in _AROUND for letter in around):
                yield text[front : len(text) - back]


def _own_words(user: object) -> set[str]:
    said = f"{getattr(user, 'email', '') or ''} {getattr(user, 'username', '') or ''}".lower()
    return {word for word in re.split(r"[^a-z0-9]+", said) if len(word) >= SHORTEST_WORD and word not in _EVERYWHERE}
