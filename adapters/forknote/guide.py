"""What a manager does before connecting such a node, as the admin shows it."""

from __future__ import annotations

from django.utils.translation import gettext as _


def steps() -> tuple[str, ...]:
    return (
        _(
            "Run the coin’s daemon and walletd on this machine. walletd has no password of its own: bind it to "
            "127.0.0.1 (--bind-address=127.0.0.1; its own default is 0.0.0.0)."
        ),
        _(
            "Give walletd a wallet for this site alone. Its first address is kept for change and never given to a"
            " member: copy it into hot_address."
        ),
        _(
            "Fill in url, address_prefix, decimals and fee. A snake_case walletd (up to Forknote 1.0.8.3) also "
            "needs daemon_url, for heights. Copy the hash of block 0 into genesis."
        ),
        _(
            "On snake_case choose receive = payment_id, or make addresses ahead and verify them over a restart: "
            "manage.py forknote_addresses WALLET --make 200 --verify."
        ),
        _(
            "Give the coin at least 2 confirmations; 10 is advisable. Stop walletd with SIGTERM and give it 60 "
            "seconds: a snake_case one writes its file only then."
        ),
        _("Save and press Test connection: it says the version and height, or why this wallet must not be used."),
    )
