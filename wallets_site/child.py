"""Runs `gunicorn ARGS` or the worker `cluster` as a child of the supervisor that cannot outlive it.

The kernel kills it with its parent, and everything it forks with itself: PR_SET_PDEATHSIG is not
inherited by fork (Linux prctl(2)), so each new process sets it again.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """The kernel sends this process `number` when its parent dies."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)


def main(parent: int, program: str, args: list[str]) -> None:
    die_with_parent()
    if os.getppid() != parent:  # it died before the signal was armed
        sys.exit(1)
    os.register_at_fork(after_in_child=die_with_parent)
    sys.argv = [program, *args]
    if program == "gunicorn":
        runpy.run_module("gunicorn", run_name="__main__", alter_sys=True)
    else:
        run_cluster()


def run_cluster() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    from wallets_site import databases, sentinel

    # django-q forks every member: one PostgreSQL connection in two processes mixes up their answers.
    os.register_at_fork(after_in_child=databases.forget_inherited)

    sentinel.install()
    call_command("qcluster")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wallets_site.settings")
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
