"""Which user names are allowed. A handle is public, unique and chosen once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from wallets_site.base.errors import InvalidRequest

# Names that would pass for the house, its staff, or one of its books. Compared without . - and _.
RESERVED: Final = frozenset((Path(__file__).parent / "reserved_names.txt").read_text().split())
_SEPARATORS: Final = re.compile(r"[._-]")


def normal_form(text: str) -> str:
    """The handle as stored: small ASCII letters. Raises InvalidRequest with what to change."""
    typed = text.strip()
    # Before folding: some letters outside ASCII fold into it and would pass for another person's name.
    if not typed.isascii():
        raise InvalidRequest(_("Use only the letters a-z, digits, dot, dash and underscore."))
    handle = typed.lower()
    field = User._meta.get_field("username")
    try:
        field.run_validators(handle)
    except ValidationError as error:
        raise InvalidRequest(" ".join(error.messages)) from error
    if not handle or _is_reserved(handle):
        raise InvalidRequest(_("This name is not available. Please choose another one."))
    return handle


def _is_reserved(handle: str) -> bool:
    bare = _SEPARATORS.sub("", handle)
    return bare in RESERVED or bare == re.sub(r"[^a-z0-9]", "", settings.SITE_NAME.lower())
