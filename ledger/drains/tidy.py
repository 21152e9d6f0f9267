"""What has expired is dropped: by each do_cron, and by the cluster once an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.core.cache import cache
from django.db import connections, router, transaction
from django.db.models import Model

from accounts import freeze_links, sessions
from ledger.models import CronRun, Operation
from wallets_site.base.clock import now

KEPT_RUNS: Final = timedelta(days=7)
TIDIED: Final = "wallets:tidied"
EVERY: Final = 3600  # seconds


def tidy_when_due() -> None:
    """Once an hour, whichever process comes first."""
    if cache.add(TIDIED, 1, EVERY):
        tidy()


def tidy() -> None:
    """Sessions, links of mails, cache rows, runs of do_cron of long ago."""
    old = Operation.objects.exclude(confirm_digest="").filter(confirm_expires_at__lt=now())
    old.update(confirm_digest="")
    freeze_links.forget_expired()
    sessions.forget_ended()
    CronRun.objects.filter(started_at__lt=now() - KEPT_RUNS).delete()
    cull = getattr(cache, "_table", None)
    if cull:
        _drop_expired_cache_rows(cull)


def _drop_expired_cache_rows(table: str) -> None:
    """The database cache drops a row only when somebody asks for it again."""
    model: type[Model] = cache.cache_model_class  # type: ignore[attr-defined]
    connection = connections[router.db_for_write(model) or "default"]
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        limit = connection.ops.adapt_datetimefield_value(now().replace(microsecond=0))
        cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)} WHERE expires < %s", [limit])  # noqa: S608
