"""The worker cluster's guard, as django-q2 1.11 has it, with one more rule.

django-q2 puts a new worker in the place of a killed one. The killed one may have held a lock of the queue
that all share; the new one then waits for ever, and the cluster ignores SIGTERM. So after a death by signal
the whole process group ends, and the supervisor starts a fresh cluster.
"""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

from django_q import cluster

log = logging.getLogger("wallets.cluster")


class Sentinel(cluster.Sentinel):  # type: ignore[misc]
    def reincarnate(self, process: Any) -> None:
        """process: a member that ended, or a worker that ran out of time and is still alive."""
        if process.exitcode is not None and process.exitcode < 0:
            log.error("a member of the cluster was killed by signal %s; the cluster starts anew", -process.exitcode)
            os.killpg(0, signal.SIGKILL)
        super().reincarnate(process)


def install() -> None:
    """From now on clusters of this process are guarded by ours."""
    cluster.Sentinel = Sentinel
