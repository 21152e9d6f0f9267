"""Names of the moments between which a worker may die. A hook can stand at each; the site itself sets none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

PREPARED: Final = "prepared"  # signed, not yet recorded
RECORDED: Final = "recorded"  # committed, not yet looked up
LOOKED_UP: Final = "looked_up"  # the network does not have it
ATTEMPTED: Final = "attempted"  # committed that the next thing is a send
SENT: Final = "sent"  # the network has it, we have not written that down
MARKED: Final = "marked"  # the outcome is committed


def reached(step: str) -> None:
    if settings.WALLETS_STEP_HOOK:
        hook: Callable[[str], None] = import_string(settings.WALLETS_STEP_HOOK)
        hook(step)
