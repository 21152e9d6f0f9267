"""The site with real daemons on a private network, all started here: `make devnet`.

Its data stands in ./devnet-data; delete that to start from nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "devnet-data"
HELP = """
Coins from outside:  .venv/bin/python -m tests.devnet devnet-data/nodes fund ADDRESS 1.5
New blocks:          .venv/bin/python -m tests.devnet devnet-data/nodes mine 2
Ctrl-C stops the site and its daemons.
"""


def main() -> None:
    import manage

    os.environ.setdefault("WALLETS_DATA_DIR", str(FOLDER / "site"))
    manage.make_demo_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wallets_site.settings")
    import django

    django.setup()
    run()


def run() -> None:
    from django.conf import settings

    from tests.devnet.devnet import Devnet
    from tests.support.components import PACKAGES, find

    if find("litecoind") is None:
        sys.exit(f"litecoind is not installed: apt-get install {PACKAGES['litecoind']}")
    net = Devnet(FOLDER / "nodes", notify_url=f"{settings.SITE_URL}/wallets/notify/{{coin}}/{{kind}}/{{id}}")
    print("Starting litecoind …", flush=True)
    net.start(["ltc"])
    try:
        run_site_with(net.ltc.options())
    finally:
        net.stop(["ltc"])


def run_site_with(options: dict[str, object]) -> None:
    from django.conf import settings
    from django.core.management.base import OutputWrapper

    from ledger.models import Coin, CoinWallet
    from ledger.services import wallets
    from wallets_site.demo import Demo, make_people
    from wallets_site.management.commands.run import port_of_environment, run_site
    from wallets_site.supervisor import Timing

    def fill(logins: dict[str, str], folder: Path) -> None:
        make_people(logins)
        coin = Coin.objects.create(symbol="LTC", name="Litecoin", decimals=8, confirmations=2)
        wallets.connect(coin=coin, name="litecoind regtest", kind="bitcoinlike", options=options)

    logins = Demo(Path(settings.DATA_DIR), fill).open()
    wallet = CoinWallet.objects.select_related("wallet").get(coin__symbol="LTC", is_active=True).wallet
    if wallet.read_options() != options:  # the daemon may have another port this time
        wallets.configure(wallet=wallet, options=options)
    print(*(f"login: {email} {password}" for email, password in logins.items()), sep="\n")
    print(HELP, flush=True)
    run_site(OutputWrapper(sys.stdout), port=port_of_environment(), timing=Timing(beat=2, grace=5))


if __name__ == "__main__":
    main()
