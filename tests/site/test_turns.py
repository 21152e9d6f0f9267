"""SQLite's writers take turns: nobody is passed over by the one who has just written."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from tests.support.processes import wait_for


def waits_in_the_door() -> bool:
    path = Path(f"{connection.settings_dict['NAME']}-door")
    with path.open("ab") as door:
        try:
            fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_writer_who_waits_goes_before_the_one_who_just_wrote(site):
    order: list[str] = []

    def second() -> None:
        with transaction.atomic():
            order.append("second")
            Group.objects.create(name="second")
        connection.close()

    waiting = threading.Thread(target=second)
    with transaction.atomic():
        Group.objects.create(name="first")
        waiting.start()
        wait_for("the second writer to stand in the door", waits_in_the_door)
    with transaction.atomic():
        order.append("first again")
    waiting.join()

    assert order == ["second", "first again"]


def test_a_refused_transaction_gives_its_turn_back(site):
    with pytest.raises(ValueError, match="no"), transaction.atomic():
        raise ValueError("no")
    done = threading.Event()

    def other() -> None:
        with transaction.atomic():
            done.set()
        connection.close()

    threading.Thread(target=other).start()

    assert done.wait(20)
