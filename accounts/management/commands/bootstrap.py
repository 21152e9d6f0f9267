from __future__ import annotations

import getpass
import os
import secrets
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.services import create_first_manager
from wallets_site.base.errors import WalletError

VARIABLE = "WALLETS_BOOTSTRAP_PASSWORD"


class Command(BaseCommand):
    help = (
        "Makes the first manager: may do everything, with a proven e-mail. "
        f"The password comes from {VARIABLE}, from the prompt, or is made up and printed once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--generate", action="store_true", help="make up a password instead of asking")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"]
        password, made_up = self._password(options["generate"])
        try:
            validate_email(email)
            manager = create_first_manager(email=email, password=password, where="")
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except WalletError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Manager {manager.email} can sign in now.")
        if made_up:
            self.stdout.write(f"Password, shown this once: {password}")

    def _password(self, generate: bool) -> tuple[str, bool]:
        """(the password, whether we made it up)."""
        given = os.environ.get(VARIABLE, "")
        if given:
            return given, False
        if generate or not sys.stdin.isatty():
            return secrets.token_urlsafe(16), True
        first = getpass.getpass("Password: ")
        if first != getpass.getpass("Password again: "):
            raise CommandError("The two passwords differ.")
        return first, False
