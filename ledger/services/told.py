"""Reasons are written down in English, once, for whoever reads them later: here they are told in the reader's language.

A sentence with something inside is known by its pattern, so the stored text stays the plain one that programs see.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

SENTENCES: Final = (
    gettext_noop("Cancelled by you."),
    gettext_noop("Nobody confirmed this in time."),
    gettext_noop("Paid inside this site."),
    gettext_noop("connection refused"),
    gettext_noop("the connection failed"),
    gettext_noop("its certificate is not valid"),
    gettext_noop("the host name is not known"),
    gettext_noop("the host is not on the public internet"),
    gettext_noop("the URL cannot be read"),
    gettext_noop("the URL is too long"),
    gettext_noop("the URL must begin with http:// or https:// and name a host"),
    gettext_noop("user and password must not stand in the URL"),
)
PATTERNS: Final = (
    gettext_noop("It answered with %(status)s."),
    gettext_noop("Rejected by a manager: %(why)s"),
    gettext_noop("Cancelled by a manager: %(why)s"),
    gettext_noop("no answer in %(seconds)s s"),
    gettext_noop("the answer did not end in %(seconds)s s"),
    gettext_noop("port %(port)s is not allowed"),
    gettext_noop("Nothing was taken for %(days)s days: %(why)s"),
    gettext_noop("We cannot call this address: %(why)s."),
)


def told(text: str) -> str:
    """A stored sentence in the active language; as it is where it is none of ours."""
    if not text or text in SENTENCES:
        return _(text) if text else ""
    for pattern in PATTERNS:
        found = _compiled(pattern).fullmatch(text)
        if found:
            return _(pattern) % {name: told(value) for name, value in found.groupdict().items()}
    return _(text)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", pattern)
    return re.compile("".join(f"(?P<{part}>.+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)))
