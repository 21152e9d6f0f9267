"""`python -m bench.login_time [PAIRS]`: refused sign-ins with a known and an unknown e-mail, one after the other.

Through the whole site, with the hash the site uses; prints both medians in milliseconds and their ratio.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time

PAIRS = 2_000


def main(pairs: int) -> None:
    os.environ["WALLETS_DATA_DIR"] = tempfile.mkdtemp(prefix="wallets-login-")
    os.environ["DJANGO_SETTINGS_MODULE"] = "wallets_site.settings"
    os.environ["LOG_LEVEL"] = "ERROR"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    settings.ACCOUNT_RATE_LIMITS = False
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    call_command("setup", verbosity=0)
    from accounts.services import create_person

    known = create_person(email="known@example.com", password="violet-harbour-42-lamp", proven=True).email
    client = Client(SERVER_NAME="127.0.0.1")
    times: dict[str, list[float]] = {known: [], "unknown@example.com": []}
    for number in range(pairs + 5):
        for email, seen in times.items():
            begun = time.perf_counter()
            answer = client.post("/accounts/login/", {"login": email, "password": "not the password"})
            seen.append(time.perf_counter() - begun)
            assert answer.status_code == 200, answer.status_code
        if number == 4:  # what is done once in a process is done
            for seen in times.values():
                seen.clear()
        elif number % 500 == 4:  # so that a run that is cut short says something
            tell(*times.values())
    if pairs % 500:
        tell(*times.values())


def tell(known: list[float], unknown: list[float]) -> None:
    first, second = statistics.median(known) * 1000, statistics.median(unknown) * 1000
    words = f"known {first:.2f} ms, unknown {second:.2f} ms, known/unknown {first / second:.3f}"
    print(f"{len(known)} pairs: {words}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS)
