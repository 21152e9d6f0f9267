"""One process of movers: threads that post() for some seconds and report what they managed."""

from __future__ import annotations

import random
import sys
import threading
import time
from functools import partial

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from ledger import commits, posting  # noqa: E402
from ledger.models import Account  # noqa: E402


def post(key: str, legs: list[posting.Leg]) -> None:
    posting.post(kind="move", scope="bench", key=key, request={"n": 5}, legs=legs)


def main() -> None:
    first, people, fees, threads, seconds, fee = map(int, sys.argv[1:7])
    mode, number = sys.argv[7], int(sys.argv[8])
    accounts = {row.pk: row for row in Account.objects.filter(pk__gte=first, pk__lt=first + people)}
    fee_account = Account.objects.get(pk=fees)
    counts, waits, errors = [0] * threads, [0.0] * threads, [0] * threads
    connection.close()  # the pool is for the movers
    begin = threading.Barrier(threads + 1)

    def move(place: int) -> None:
        dice = random.Random(f"{number}-{place}-{time.time_ns()}")
        connection.ensure_connection()
        begin.wait()
        ends = time.monotonic() + seconds
        while (started := time.monotonic()) < ends:
            payer = accounts[first if mode == "hot" else first + dice.randrange(people // 2)]
            payee = accounts[first + people // 2 + dice.randrange(people // 2)]
            legs = [posting.Leg(payer, payee, 5)] + ([posting.Leg(payer, fee_account, fee)] if fee else [])
            key = f"{number}-{place}-{started}"
            try:
                if mode == "grouped":
                    commits.together(partial(post, key, legs))
                else:
                    with transaction.atomic():
                        for step in range(1000 if mode == "batch" else 1):
                            post(f"{key}-{step}", legs)
                counts[place] += 1000 if mode == "batch" else 1
            except Exception:
                errors[place] += 1
            waits[place] = max(waits[place], time.monotonic() - started)
        connection.close()

    workers = [threading.Thread(target=move, args=(place,)) for place in range(threads)]
    for worker in workers:
        worker.start()
    begin.wait()
    cpu, wall = time.process_time(), time.monotonic()
    for worker in workers:
        worker.join()
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    total = sum(counts)
    print(f"rate={total / wall} cpu_ms={cpu / max(1, total) * 1000} longest={max(waits)} errors={sum(errors)}")


if __name__ == "__main__":
    main()
