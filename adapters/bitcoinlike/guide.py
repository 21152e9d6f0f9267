"""What a manager does before connecting such a node, as the admin shows it."""

from __future__ import annotations

from django.utils.translation import gettext as _


def steps() -> tuple[str, ...]:
    return (
        _(
            "Run the coin’s daemon beside the site with server=1 and its RPC on 127.0.0.1, and wait until it has "
            "every block. For Litecoin: apt-get install litecoind."
        ),
        _(
            "Make a wallet for this site alone: litecoin-cli createwallet site. Nothing else may pay from it: a "
            "payment this site did not make freezes it."
        ),
        _(
            "If the wallet is encrypted, put its passphrase into a file that only the site can read, and name "
            "that as passphrase_file: it is unlocked for a moment to sign."
        ),
        _("Back the wallet up before the first deposit, and after each new key pool."),
        _(
            "Fill in url, user, password and the name of the wallet, save, press Test connection, then paste the "
            "two notify lines into the daemon’s configuration: they only hasten what polling finds anyway."
        ),
    )
