"""Holds the product's own worker at a step of a payout: the hook that WALLETS_STEP_HOOK names in fault tests.

A file called after the step, in the folder WALLETS_HOLD_DIR, means "stand still here"; the worker then writes its
pid beside it and waits until the file is taken away, or until somebody kills it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path


def stand(step: str) -> None:
    folder = Path(os.environ["WALLETS_HOLD_DIR"])
    wanted = folder / step
    if not wanted.exists():
        return
    partial = folder / f"{step}.writing"
    partial.write_text(str(os.getpid()))
    partial.rename(folder / f"{step}.held")
    while wanted.exists():
        time.sleep(0.02)
