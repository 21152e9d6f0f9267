"""Holds the product's own worker at a step of a payout: the hook that WALLETS_STEP_HOOK names in fault tests.

A file called after the step, in the folder WALLETS_HOLD_DIR, means "stand still here"; the worker then writes its
pid beside it and waits until the file is taken away, or until somebody kills it.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.support.processes import wait_for


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


def kill_at(step: str, folder: Path) -> None:
    """Waits for the worker to stand at this step and kills it from outside."""
    held = folder / f"{step}.held"
    wait_for(f"the worker at {step}", held.exists, seconds=120)
    pid = int(held.read_text())
    (folder / step).unlink()
    held.unlink()
    os.kill(pid, signal.SIGKILL)
