"""The queue carries names of our own tasks and numbers. Everything else in it is dropped unread."""

from __future__ import annotations

import base64
import json
import os
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core import signing as django_signing
from django.db import connections
from django_q.conf import Conf
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from django_q.signing import BadSignature, SignedPackage
from django_q.tasks import async_task

from ledger.pokes import enqueue
from tests.site.test_supervisor import heartbeat, running, wait_for_a_beat
from tests.support.processes import wait_for
from wallets_site.base.clock import now
from wallets_site.queue_guard import PokeSerializer

GOOD: dict[str, Any] = {"id": "a1", "name": "x-y", "func": "ledger.tasks.pay", "args": [7], "started": ""}


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class Pickles:
    dumps = staticmethod(pickle.dumps)


def signed(thing: Any, serializer: Any = None, key: str = "") -> str:
    """As django-q2 itself would sign it, with the site's own key unless another is given."""
    kind = serializer or type("Raw", (), {"dumps": staticmethod(lambda data: data)})
    return django_signing.dumps(thing, key=key or Conf.SECRET_KEY, salt=Conf.PREFIX, serializer=kind)


@pytest.mark.parametrize(
    "change",
    [
        {"func": "os.system"},
        {"func": "ledger.tasks.pay.__class__"},
        {"func": "ledger.services.payouts.release"},
        {"func": ["ledger.tasks.pay"]},
        {"args": ["touch /tmp/x"]},
        {"args": [-1]},
        {"args": [True]},
        {"args": [2**63]},
        {"args": [1, 2, 3, 4, 5]},
        {"args": {"0": 7}},
        {"kwargs": {"wallet_id": 7}},
        {"hook": "os.system"},
        {"chain": [["os.system", ["id"]]]},
        {"name": "a b"},
        {"name": "x" * 2000},
        {"id": 7},
    ],
)
def test_a_signed_package_of_another_shape_is_no_package(change):
    with pytest.raises(BadSignature):
        SignedPackage.loads(signed(json.dumps({**GOOD, **change}).encode()))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"[" * 900, b"\x80\x04.", json.dumps(GOOD).encode()[:-1]])
def test_what_is_no_json_of_ours_is_no_package(data):
    with pytest.raises(BadSignature):
        PokeSerializer.loads(data)


def test_a_pickle_signed_with_the_sites_own_key_is_not_loaded(tmp_path):
    with pytest.raises(BadSignature):
        SignedPackage.loads(signed(Bomb(tmp_path / "bomb"), Pickles))
    assert not (tmp_path / "bomb").exists()


def test_a_package_with_another_key_is_no_package():
    with pytest.raises(BadSignature):
        SignedPackage.loads(signed(json.dumps(GOOD).encode(), key="x" * 50))
    task = SignedPackage.loads(signed(json.dumps(GOOD).encode()))
    assert (task["func"], task["args"], task["kwargs"]) == ("ledger.tasks.pay", (7,), {})


@pytest.mark.parametrize("call", [("os.system", "true"), ("ledger.tasks.pay", "7"), ("ledger.tasks.nothing", 7)])
def test_what_is_not_ours_is_not_even_queued(site, call):
    with pytest.raises(BadSignature):
        async_task(*call)
    with pytest.raises(ValueError, match="no such task"):
        enqueue("os.system", 1)
    assert OrmQ.objects.count() == 0


@pytest.mark.parametrize("model", [Schedule, Task, Success, Failure, OrmQ])
def test_nothing_of_the_queue_is_in_the_admin(model, site, live_site, manager):
    assert not admin.site.is_registered(model)
    place = f"/admin/django_q/{model._meta.model_name}/"
    assert [live_site.visitor(manager).get(place + end).status_code for end in ("", "add/")] == [404, 404]


def test_a_real_cluster_runs_nothing_but_our_own_tasks(site, tmp_path):
    """A schedule, packages that are signed rightly, wrongly, or as pickles, and a task that fails."""
    folders = {name: tmp_path / name for name in ("schedule", "json", "pickle", "bomb", "stored")}
    make = {name: f"mkdir {path}" for name, path in folders.items()}
    package = {"id": "a", "name": "b", "func": "os.system", "kwargs": {}, "started": now(), "ack_failure": True}
    Schedule.objects.create(
        func="os.system", args=f"'{make['schedule']}'", schedule_type=Schedule.ONCE, next_run=now() - timedelta(days=1)
    )
    Task.objects.create(id="x", name="x", func="os.system", started=now(), stopped=now())
    stored = base64.b64encode(pickle.dumps(Bomb(folders["stored"]))).decode()
    with connections[Task.objects.db].cursor() as cursor:
        cursor.execute("UPDATE django_q_task SET args = %s, result = %s", [stored, stored])
    payloads = [
        signed(json.dumps({**GOOD, "func": "os.system", "args": [make["json"]]}).encode()),
        signed({**package, "args": (make["pickle"],)}, Pickles),
        signed(Bomb(folders["bomb"]), Pickles),
        signed(json.dumps({**GOOD, "func": "ledger.tasks.beat", "args": []}).encode(), key="x" * 50),
        signed(json.dumps({**GOOD, "args": [123_456]}).encode()),  # our own, for a wallet that is not there: it fails
    ]
    for payload in payloads:
        OrmQ.objects.create(key=Conf.PREFIX, payload=payload, lock=now() - timedelta(hours=1))
    with running(site, "--no-web"):
        wait_for_a_beat()
        wait_for("the queue to be empty", lambda: not OrmQ.objects.filter(payload__in=payloads).exists(), seconds=30)
        wait_for_a_beat(heartbeat)
    assert [name for name, path in folders.items() if path.exists()] == []
    with connections[Task.objects.db].cursor() as cursor:
        cursor.execute("SELECT id FROM django_q_task")
        assert cursor.fetchall() == [("x",)]  # no outcome was kept, not even the failure's
