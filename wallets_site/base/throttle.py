"""Counts requests in fixed windows of time, atomically, for all processes of a site together.

In Redis where the site has one; otherwise by one statement on a table of its own, which on an embedded site lies in
the cache's file and on PostgreSQL is unlogged: a count may be lost in a crash, never miscounted.
"""

from __future__ import annotations

import time
from base64 import b64encode
from datetime import timedelta
from pickle import dumps
from typing import Final, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import connections
from redis.exceptions import RedisError

from wallets_site.base.clock import now
from wallets_site.base.errors import Unavailable

TABLE: Final = "wallets_site_count"
_ONE: Final = b64encode(dumps(1)).decode()  # a 1, as the database cache keeps it


class Count(NamedTuple):
    """used: requests in this window, this one included. resets: seconds until the next window."""

    used: int
    resets: int


def count(name: str, seconds: int) -> Count:
    """Counts one more for `name`; windows begin at full multiples of `seconds`."""
    window, resets = _window(seconds)
    return Count(_in_redis(name, window, seconds) if settings.REDIS_URL else _in_table(name, window), resets)


def _window(seconds: int) -> tuple[int, int]:
    moment = int(time.time())
    return moment // seconds, seconds - moment % seconds


def _in_redis(name: str, window: int, seconds: int) -> int:
    key = f"count:{name}:{window}"
    try:
        cache.add(key, 0, 2 * seconds)
        return int(cache.incr(key))
    except RedisError as error:  # who cannot count lets nobody through
        raise Unavailable("This site cannot count requests just now. Please try again in a minute.") from error


def _in_table(name: str, window: int) -> int:
    alias = "cache" if "cache" in settings.DATABASES else "default"
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} (name, period, used) VALUES (%s, %s, 1) ON CONFLICT (name) DO UPDATE SET"  # noqa: S608
            f" used = CASE WHEN {TABLE}.period = excluded.period THEN {TABLE}.used + 1 ELSE 1 END,"
            " period = excluded.period RETURNING used",
            [name, window],
        )
        return int(cursor.fetchone()[0])


def first(name: str, seconds: int) -> bool:
    """Whether nobody said this name within the last `seconds`, in any process; a repeat writes nothing.

    As cache.add(), of whose five statements a database cache needs this one.
    """
    if settings.REDIS_URL:
        return bool(cache.add(name, 1, seconds))
    alias = "cache" if "cache" in settings.DATABASES else "default"
    line, moment = connections[alias], now()
    ends, current = (line.ops.adapt_datetimefield_value(at) for at in (moment + timedelta(seconds=seconds), moment))
    table = line.ops.quote_name(settings.CACHES["default"]["LOCATION"])
    with line.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (cache_key, value, expires) VALUES (%s, %s, %s) ON CONFLICT (cache_key) DO UPDATE"  # noqa: S608
            f" SET value = excluded.value, expires = excluded.expires WHERE {table}.expires <= %s RETURNING 1",
            [cache.make_key(name), _ONE, ends, current],
        )
        return cursor.fetchone() is not None
