"""What a manager does before connecting such a node, as the admin shows it."""

from __future__ import annotations

from django.utils.translation import gettext as _


def steps() -> tuple[str, ...]:
    return (
        _(
            "Make a wallet of its own on your LNbits server (0.9 or newer) and copy its admin key, and its "
            "invoice key for deposits."
        ),
        _("Copy the wallet’s id into wallet_id: a key of another wallet is then refused."),
        _(
            "Save, press Test connection, then copy the notify address into webhook_url: it only hastens what "
            "polling finds anyway."
        ),
    )
