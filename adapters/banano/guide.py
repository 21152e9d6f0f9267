"""What a manager does before connecting such a node, as the admin shows it."""

from __future__ import annotations

from django.utils.translation import gettext as _


def steps() -> tuple[str, ...]:
    return (
        _(
            "Run your own node (V23 or newer) with its RPC on this machine alone: rpc.enable = true, address ::1,"
            " enable_control = false. Never use a public node: it can lie about confirmations."
        ),
        _(
            "Make a seed of 64 hex digits (openssl rand -hex 32), write it down on paper, and give it as seed or "
            "put it into a file that only the site can read (seed_file). It is stored encrypted and never shown "
            "again."
        ),
        _(
            "For Nano choose coin = nano and 30 decimals; Banano has 29. A confirmed payment is final, so there "
            "is nothing to count."
        ),
        _("Never use one seed for two installations: each would freeze at the other’s payments."),
        _(
            "Save, press Test connection, copy address number 0 from the lines for the daemon into hot_address, "
            "and send the first coins there."
        ),
    )
