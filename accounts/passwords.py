"""Rules for new passwords that Django has no validator for."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from typing import Final

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
