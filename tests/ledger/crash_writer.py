"""A process that moves money as fast as it can and notes each key only after its commit was acknowledged."""

from __future__ import annotations

import os
import sys
import time

import django

django.setup()

from django.db import DatabaseError, connection, transaction  # noqa: E402

from ledger import posting  # noqa: E402
from ledger.models import Account, Coin, Kind  # noqa: E402


def main(name: str, acknowledged: str) -> None:
    coin = Coin.objects.get()
    people = list(Account.objects.filter(coin=coin, kind=Kind.USER).order_by("pk"))
    fees = posting.account(coin, Kind.FEE_INCOME)
    notes = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    number = 0
    while True:
        number += 1
        key = f"{name}-{number}"
        payer, payee = people[number % len(people)], people[(number + 1) % len(people)]
        try:
            with transaction.atomic():
                posting.post(
                    kind="move", scope="crash", key=key, request={},
                    legs=[posting.Leg(payer, payee, 2), posting.Leg(payer, fees, 1)],
                )  # fmt: skip
        except DatabaseError:  # the server is away: this key was not acknowledged, whatever became of it
            connection.close()
            time.sleep(0.05)
            continue
        os.write(notes, f"{key}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
