"""What only version 1 of the API has."""

from __future__ import annotations

from django.http import HttpResponse

from accounts.capabilities import Capability
from ledger.api.wp3.answers import never_cached, success
from ledger.api.wp3.asked import Asked, allow
from ledger.services import plugin_api


def get_users_info(asked: Asked) -> HttpResponse:
    """The people the caller has exchanged coins with; the plugin listed everybody."""
    user = asked.who()
    allow(user, Capability.HAS_WALLETS, Capability.SEND_TO_USER)
    people = [{"id": pk, "name": name} for pk, name in plugin_api.former_counterparties(user)]
    return never_cached(success(asked.request, users=people))
