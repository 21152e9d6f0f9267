"""What a manager does before connecting such a node, as the admin shows it."""

from __future__ import annotations

from django.utils.translation import gettext as _


def steps() -> tuple[str, ...]:
    return (
        _(
            "Run your own monerod, synced, without a bootstrap daemon; its RPC on 127.0.0.1. A restricted RPC "
            "port is enough."
        ),
        _(
            "Run monero-wallet-rpc for this site alone: monero-wallet-rpc --wallet-file hot --password-file FILE "
            "--rpc-login site:PASSWORD --trusted-daemon --rpc-bind-port 18082, without --restricted-rpc."
        ),
        _(
            "Fill in both addresses, the login, and the wallet’s primary address: another wallet, opened by "
            "mistake, is then refused."
        ),
        _("Set the coin’s confirmations to 10, the number after which a received coin may be spent."),
        _("Save, press Test connection, then paste the notify lines: they only hasten what polling finds anyway."),
    )
