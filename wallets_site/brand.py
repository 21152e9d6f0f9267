"""The colours a site chose, as a style sheet of its own: the policy allows no style in a page."""

from __future__ import annotations

import hashlib
import re

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)


def css() -> str:
    """Empty while the site keeps our colours. Inks on the accent are chosen for contrast."""
    light, dark = settings.WALLETS_BRAND_LIGHT, settings.WALLETS_BRAND_DARK
    if not (COLOUR.fullmatch(light) and COLOUR.fullmatch(dark)):
        return ""
    ink = f"light-dark({_ink(light)}, {_ink(dark)})"
    wash = f"color-mix(in srgb, light-dark({light}, {dark}) 14%, var(--card))"
    strong = f"color-mix(in srgb, light-dark({light}, {dark}) 80%, var(--ink))"
    return (
        f":root:root:root{{--accent:light-dark({light},{dark});--on-accent:{ink};--accent-wash:{wash};"
        f"--accent-strong:{strong}}}"
    )


def _ink(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#ffffff" if red * 299 + green * 587 + blue * 114 < 128_000 else "#06202b"


def version() -> str:
    return hashlib.sha256(css().encode()).hexdigest()[:8] if css() else ""


@require_safe
@login_not_required
def brand_css(request: HttpRequest) -> HttpResponse:
    answer = HttpResponse(css(), content_type="text/css; charset=utf-8")
    answer["Cache-Control"] = "public, max-age=86400"
    return answer
