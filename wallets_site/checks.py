"""System checks: what makes a site lose money or let people in is refused or warned of at start."""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from wallets_site.databases import QUEUE_APP

LONGEST_ADAPTER_CALL = 75
DRAIN_SECONDS = 30
QUEUE_SETTINGS = {"max_attempts": 1, "ack_failures": True, "catch_up": False, "scheduler": False, "save_limit": -1}
NOT_SENT = ("console", "dummy", "filebased", "locmem")
ED25519_BYTES = 32
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


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
        if "sqlite" not in config["ENGINE"]:
            continue
        options = config.get("OPTIONS", {})
        commands = options.get("init_command", "").replace(" ", "")
        wanted = ["journal_mode=WAL", "foreign_keys=ON", "recursive_triggers=ON"]
        if alias == "default":
            wanted.append("synchronous=FULL")
        missing = [item for item in wanted if item not in commands]
        if options.get("transaction_mode") != "IMMEDIATE" and not settings.WALLETS_DB_READONLY:
            missing.append("transaction_mode IMMEDIATE")
        if config["ENGINE"] != "wallets_site.sqlite":
            missing.append("writers that take turns (ENGINE wallets_site.sqlite)")
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
    own = urlsplit(settings.SITE_URL).hostname or ""
    if own not in [host.strip("[]") for host in settings.ALLOWED_HOSTS]:
        return [
            Error("ALLOWED_HOSTS must hold the host of WALLETS_SITE_URL: that is where links lead.", id="wallets.E004")
        ]
    return []


@register(deploy=True)
def check_demo_is_off(**_: Any) -> list[CheckMessage]:
    if settings.DEMO:
        return [
            Warning("WALLETS_DEMO is on: simulated coins, known logins, no second factor for staff.", id="wallets.W001")
        ]
    return []


@register
def check_queue_settings(**_: Any) -> list[CheckMessage]:
    """A task runs once and from our own list: schedules would run whatever function a row names."""
    wrong = [name for name, value in QUEUE_SETTINGS.items() if settings.Q_CLUSTER.get(name) != value]
    if not wrong:
        return []
    kept = ", ".join(f"{name} {value}" for name, value in QUEUE_SETTINGS.items())
    return [Error(f"Q_CLUSTER: wrong {', '.join(wrong)}.", hint=f"Keep {kept}.", id="wallets.E005")]


@register
def check_secret_files(**_: Any) -> list[CheckMessage]:
    return [
        Error(f"Every user of this machine can read the secret in {path}.", hint=f"chmod 600 {path}", id="wallets.E006")
        for path in sorted(set(_secret_files()))
        if path.is_file() and path.stat().st_mode & 0o007
    ]


def _secret_files() -> Iterator[Path]:
    """Keys we made ourselves, and whatever the environment names as NAME_FILE."""
    yield from (Path(settings.DATA_DIR) / "keys").glob("*")
    for name, value in os.environ.items():
        if name.endswith("_FILE") and value and name.removesuffix("_FILE") in settings.SECRET_NAMES:
            yield Path(value)


@register
def check_signer_key(**_: Any) -> list[CheckMessage]:
    """Without the public half of its key every answer of the signer is worth nothing, and nothing is paid."""
    if not settings.WALLETS_SIGNER:
        return []
    try:
        if len(b64decode(settings.WALLETS_SIGNER_KEY, validate=True)) == ED25519_BYTES:
            return []
    except ValueError:
        pass
    return [
        Error(
            "WALLETS_SIGNER is set, and WALLETS_SIGNER_KEY is no public key.",
            hint="Put there what `manage.py signer --new-key` said.",
            id="wallets.E020",
        )
    ]


@register(Tags.admin)
def check_queue_is_not_in_the_admin(**_: Any) -> list[CheckMessage]:
    """Its rows are pickles and names of functions: who may edit them runs any code."""
    if any(model._meta.app_label == QUEUE_APP for model in admin.site._registry):
        return [Error("The admin must not show the models of django-q2.", id="wallets.E007")]
    return []


@register(Tags.security)
def check_api_authentication(**_: Any) -> list[CheckMessage]:
    """Left out, the framework would let in passwords in headers (BasicAuthentication), and everybody (AllowAny)."""
    found: list[CheckMessage] = []
    for name, refused in (
        ("DEFAULT_AUTHENTICATION_CLASSES", "BasicAuthentication"),
        ("DEFAULT_PERMISSION_CLASSES", "AllowAny"),
    ):
        classes = settings.REST_FRAMEWORK.get(name)
        if not classes or any(path.endswith(refused) for path in classes):
            message = f"REST_FRAMEWORK: {name} must be named, and without {refused}."
            found.append(Error(message, id="wallets.E008"))
    return found


@register(Tags.database)
def check_postgresql_is_durable(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """With these off PostgreSQL says "committed" of payments that a power cut takes back."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        if connections[alias].vendor != "postgresql":
            continue
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT name FROM pg_settings WHERE setting = 'off' AND name = ANY(%s)", [list(DURABLE)])
            wrong = sorted(name for (name,) in cursor.fetchall())
        if wrong:
            message = f"Database {alias!r}: {', '.join(wrong)} must not be off: payments could be lost and paid twice."
            found.append(Error(message, hint="Set it to on in postgresql.conf.", id="wallets.E009"))
    return found


@register(deploy=True)
def check_mail_is_sent(**_: Any) -> list[CheckMessage]:
    if settings.DEMO or settings.EMAIL_BACKEND.split(".")[-2] not in NOT_SENT:
        return []
    return [
        Warning(
            "Mail goes to the console: nobody can prove an address or reset a password.",
            hint="Set EMAIL_URL, for example smtp+tls://user:password@mail.example:587",
            id="wallets.W002",
        )
    ]
