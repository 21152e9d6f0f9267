"""A forked worker never speaks on its parent's PostgreSQL connection."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.databases import Database
from tests.support.live import child_environment
from tests.support.processes import PYTHON, ROOT

PROGRAM = """
import os, sys
import django
django.setup()
from django.db import connection
from wallets_site import databases

def session():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]

os.register_at_fork(after_in_child=databases.forget_inherited)
mine = session()
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, str(session()).encode())
    os._exit(0)
os.wait()
print(mine, os.read(read, 50).decode(), session())
"""


@pytest.mark.postgresql
def test_parent_and_child_have_sessions_of_their_own(engine, site: Database):
    done = subprocess.run(
        [PYTHON, "-c", PROGRAM], env=child_environment(site), cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    mine, childs, after = done.stdout.split()
    assert mine == after != childs
