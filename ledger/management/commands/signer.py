from __future__ import annotations

import logging
import os
import pwd
import signal
from argparse import ArgumentParser
from base64 import b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from adapters.models import Wallet
from ledger import money
from ledger.drains.signer.judge import Terms
from ledger.drains.signer.memory import Memory
from ledger.drains.signer.server import Server, Signer
from ledger.models import Coin


class Command(BaseCommand):
    help = (
        "Runs the signer: it reads each payout anew, from the books and from the prepared bytes, and signs what it"
        " agrees to. --new-key makes its key; --accept-nodes lets it know the wallets as they are configured now."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", required=True, help="where its key and its memory stand, for its user alone")
        parser.add_argument("--socket", default=settings.WALLETS_SIGNER, help="where the worker asks (WALLETS_SIGNER)")
        parser.add_argument("--new-key", action="store_true", help="make the key, and say its public half")
        parser.add_argument("--accept-nodes", action="store_true", help="say which wallets there are, and accept them")

    def handle(self, *, folder: str, socket: str, new_key: bool, accept_nodes: bool, **_: Any) -> None:
        place = Path(folder)
        if new_key:
            self._make_key(place)
            return
        refuse_unless_read_only()
        memory = Memory(place)
        if accept_nodes:
            self._accept(memory)
            return
        if not socket:
            raise CommandError("Say where the worker asks: --socket, or WALLETS_SIGNER.")
        self._serve(Path(socket), Signer(read_key(place), memory, terms()))

    def _make_key(self, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        path, key = place / "key", Ed25519PrivateKey.generate()
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(key.private_bytes_raw())
        except FileExistsError:
            raise CommandError(f"There is a key in {path} already.") from None
        self.stdout.write(f"WALLETS_SIGNER_KEY={b64encode(key.public_key().public_bytes_raw()).decode()}")

    def _accept(self, memory: Memory) -> None:
        for wallet in Wallet.objects.order_by("pk"):
            known = memory.knows(wallet)
            memory.accept(wallet)
            place = wallet.read_options().get("url", "")
            self.stdout.write(f"{wallet.name} ({wallet.kind}) {place}: {'known' if known else 'accepted'}")

    def _serve(self, path: Path, signer: Signer) -> None:
        people = peers()
        logging.getLogger(__name__).info("the signer answers at %s", path)
        with Server(path, signer, lambda uid: uid in people) as server:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
            self.stdout.write(f"ready: {path}")
            self.stdout.flush()
            server.serve_forever()


def refuse_unless_read_only() -> None:
    """The database itself must refuse to write, by a setting or, better, by the rights of its role."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SHOW default_transaction_read_only" if connection.vendor == "postgresql" else "PRAGMA query_only"
        )
        (found,) = cursor.fetchone()
    if str(found) not in ("on", "1"):
        raise CommandError("The signer only reads: set WALLETS_DB_READONLY=True, and give it a role that only reads.")


def read_key(place: Path) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes((place / "key").read_bytes())
    except (OSError, ValueError):
        raise CommandError(f"There is no key in {place}. Make one: manage.py signer --new-key") from None


def peers() -> set[int]:
    """User ids that may ask; its own where none is named."""
    try:
        return {pwd.getpwnam(name).pw_uid for name in settings.WALLETS_SIGNER_PEERS} or {os.getuid()}
    except KeyError as error:
        raise CommandError(f"WALLETS_SIGNER_PEERS: {error}") from None


def terms() -> Terms:
    """Of WALLETS_SIGNER_DAILY=LTC=12.5,XMR=40 and WALLETS_SIGNER_UNPROVEN."""
    daily = {}
    for part in settings.WALLETS_SIGNER_DAILY:
        symbol, _, amount = part.partition("=")
        coin = Coin.objects.filter(symbol=symbol.strip()).first()
        if coin is None:
            raise CommandError(f"WALLETS_SIGNER_DAILY: there is no coin {symbol!r}.")
        daily[coin.symbol] = money.parse_positive(amount, coin.decimals)
    return Terms(daily, frozenset(settings.WALLETS_SIGNER_UNPROVEN))
