"""System checks: what makes a site lose money or let people in is refused or warned of at start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

LONGEST_ADAPTER_CALL = 75
DRAIN_SECONDS = 30


@register
def check_queue_times(**_: Any) -> list[CheckMessage]:
    q = settings.Q_CLUSTER
    if LONGEST_ADAPTER_CALL + DRAIN_SECONDS < q["timeout"] < q["retry"]:
        return []
    return [
        Error(
            "Q_CLUSTER: an adapter call plus 30 s must be less than timeout, and timeout less than retry.",
            hint="Keep timeout 150 and retry 1800.",
            id="wallets.E001",
        )
    ]


@register
def check_sqlite_options(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias, config in settings.DATABASES.items():
        if not config["ENGINE"].endswith("sqlite3"):
            continue
        options = config.get("OPTIONS", {})
        commands = options.get("init_command", "").replace(" ", "")
        wanted = ["journal_mode=WAL", "foreign_keys=ON", "recursive_triggers=ON"]
        if alias == "default":
            wanted.append("synchronous=FULL")
        missing = [item for item in wanted if item not in commands]
        if options.get("transaction_mode") != "IMMEDIATE":
            missing.append("transaction_mode IMMEDIATE")
        if missing:
            found.append(
                Error(
                    f"Database {alias!r} lacks: {', '.join(missing)}.",
                    hint="Build it with wallets_site.databases.sqlite().",
                    id="wallets.E002",
                )
            )
    return found


@register
def check_cache(**_: Any) -> list[CheckMessage]:
    backend = settings.CACHES["default"]["BACKEND"]
    if backend.endswith(("DummyCache", "LocMemCache")):
        return [
            Error(
                "The cache must be shared by all processes: limits and one-time codes stand in it.",
                hint="Set REDIS_URL, or leave it empty for the cache table.",
                id="wallets.E003",
            )
        ]
    return []


@register(deploy=True)
def check_hosts(**_: Any) -> list[CheckMessage]:
    if any(host.startswith(("*", ".")) for host in settings.ALLOWED_HOSTS):
        return [
            Error("ALLOWED_HOSTS must name each host exactly: links in mails are built from it.", id="wallets.E004")
        ]
    return []


@register(deploy=True)
def check_demo_is_off(**_: Any) -> list[CheckMessage]:
    if settings.DEMO:
        return [
            Warning("WALLETS_DEMO is on: simulated coins, known logins, no second factor for staff.", id="wallets.W001")
        ]
    return []
