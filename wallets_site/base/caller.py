"""Where a request comes from: one answer for limits, keys bound to networks, the audit trail and sign-in."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The caller's IP address; empty when it cannot be known, as behind a socket file without a proxy.

    Of X-Forwarded-For only the entries of our own proxies count (WALLETS_PROXY_COUNT), read from its end: what a
    visitor wrote stands before them. A request with fewer entries did not come through them, so its own address counts.
    """
    count: int = settings.TRUSTED_PROXIES
    said = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    text = said[-count] if count and len(said) >= count else request.META.get("REMOTE_ADDR", "")
    return _plain(text)


def _plain(text: str) -> str:
    """Without the port some proxies add; IPv4 written as IPv6 counts as what it is."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)
