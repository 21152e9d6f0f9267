from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """The current moment, aware, UTC. The one clock, so that tests can travel."""
    return timezone.now()
