"""Two rules for new passwords that Django has no validator for."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LARGEST: Final = 1024
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
    """Not made of words everybody would try here: the site's name, coins, and a few digits."""

    def validate(self, password: str, user: object = None) -> None:
        left = password.lower()
        for word in sorted({settings.SITE_NAME.lower(), *TRIVIAL}, key=len, reverse=True):
            left = left.replace(word, "")
        if left != password.lower() and len(left) < 8:
            raise ValidationError(
                _("This password is too close to the name of this site or of a coin."), code="site_words"
            )

    def get_help_text(self) -> str:
        return _("Your password can't be little more than the name of this site or of a coin.")
