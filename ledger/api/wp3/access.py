"""get_nonces and do_reset_apikey: what a client needs before it may do anything."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse

from accounts import keys, nonces
from accounts.capabilities import Capability, may
from accounts.plugin_login import is_from_here
from ledger.api.wp3.answers import MOVE, NOT_ALLOWED, Refusal, never_cached, success
from ledger.api.wp3.asked import Asked, allow

FORGED: Final = "Possible request forgery detected. Please reload and try again."


def get_nonces(asked: Asked) -> HttpResponse:
    """For a session only: a key asks for none, and cannot show itself."""
    asked.check_key()
    user = asked.session_user
    if user is None or not may(user, Capability.HAS_WALLETS):
        raise Refusal(NOT_ALLOWED, "Not allowed")
    wanted = {"do_withdraw": Capability.WITHDRAW, "do_move": Capability.SEND_TO_USER}
    names = [name for name, capability in wanted.items() if may(user, capability)]
    if asked.version >= 3:
        names.append("do_new_address")
    found = {name: nonces.make_nonce(asked.request, user, f"wallets-{name.replace('_', '-')}") for name in names}
    if asked.version >= 3 and may(user, Capability.USE_API):
        found["api_key"] = keys.show_key(user, keys.PLUGIN_API)
    return never_cached(success(asked.request, nonces=found))


def do_reset_apikey(asked: Asked) -> HttpResponse:
    """The plugin asks for no nonce here, so a browser must say that the request comes from this site."""
    user = asked.who()
    allow(user, Capability.HAS_WALLETS, Capability.USE_API)
    if asked.cookie and not is_from_here(asked.request):
        raise Refusal(MOVE, FORGED)
    return never_cached(success(asked.request, new_key=keys.renew_key(user, keys.PLUGIN_API, where=asked.where)))
