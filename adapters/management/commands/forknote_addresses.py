from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adapters import registry
from adapters.base import NodeDown, NodeError
from adapters.forknote import Forknote
from adapters.forknote.snake import Snake
from adapters.models import Wallet


class Command(BaseCommand):
    help = (
        "Addresses of a snake_case walletd (Forknote up to 1.0.8.3). It writes new ones to its file only when it is "
        "stopped gracefully, so users get them only after --verify has seen them survive a restart."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wallet", help="name of the wallet")
        parser.add_argument("--make", type=int, default=0, metavar="N", help="make so many more addresses")
        parser.add_argument("--verify", action="store_true", help="wait for a restart and release what survived it")
        parser.add_argument("--seconds", type=int, default=900, help="how long to wait for the restart")
        parser.add_argument("--pause-ms", type=int, default=1000, help="between two looks")

    def handle(self, *args: Any, **options: Any) -> None:
        wallet = Wallet.objects.filter(name=options["wallet"]).first()
        if wallet is None:
            raise CommandError("There is no wallet of this name.")
        dialect = self._dialect(wallet)
        for _ in range(options["make"]):
            dialect.create_address()
        held = dialect.addresses()
        self.stdout.write(f"walletd holds {len(held)} addresses.")
        if options["verify"]:
            self._verify(wallet, held, options)

    def _dialect(self, wallet: Wallet) -> Snake:
        adapter = registry.open(wallet)
        try:
            dialect = adapter.dialect if isinstance(adapter, Forknote) else None
        except NodeError as error:
            raise CommandError(str(error)) from error
        if not isinstance(dialect, Snake):
            raise CommandError("This wallet does not need it: only a snake_case walletd forgets addresses.")
        return dialect

    def _verify(self, wallet: Wallet, before: list[str], options: dict[str, Any]) -> None:
        self.stdout.write("Now stop walletd with SIGTERM, wait until it has ended, copy its wallet file, start it.")
        self.stdout.flush()
        deadline = time.monotonic() + options["seconds"]
        self._wait(wallet, options["pause_ms"], deadline, running=False)
        self.stdout.write("walletd has stopped.")
        self.stdout.flush()
        after = self._wait(wallet, options["pause_ms"], deadline, running=True)
        kept = next((at for at, one in enumerate(before) if after[at : at + 1] != [one]), len(before))
        values = {**wallet.read_options(), "verified_addresses": kept}
        wallet.write_options(values)
        wallet.save(update_fields=["options", "version"])
        self.stdout.write(f"{kept} addresses survived the restart and may be given to users.")
        if kept < len(before):
            raise CommandError(f"walletd lost {len(before) - kept} addresses, first number {kept}.")

    def _wait(self, wallet: Wallet, pause_ms: int, deadline: float, *, running: bool) -> list[str]:
        while time.monotonic() < deadline:
            try:
                held = self._dialect(wallet).addresses()
            except (NodeDown, CommandError):
                held = []
            if bool(held) is running:
                return held
            time.sleep(pause_ms / 1000)
        raise CommandError("walletd was not restarted in time; nothing was changed.")
