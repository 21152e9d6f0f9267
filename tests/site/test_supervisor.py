"""The parent process: whatever dies, the site goes on; when the parent goes, nothing is left."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import requests
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache
from django_q.models import OrmQ

from tests.support.databases import Database
from tests.support.live import child_environment
from tests.support.processes import PYTHON, Child, children_of, descendants_of, is_alive, wait_for
from tests.support.redis import RedisServer, free_port
from wallets_site.supervisor import HEARTBEAT, Pulse, Timing

BEAT = "0.5"


@contextmanager
def running(site: Database, *options: str, **environment: str) -> Iterator[Child]:
    command = [PYTHON, "manage.py", "run", "--beat", BEAT, *options]
    child = Child(command, log=site.folder / "run.log", env=child_environment(site, **environment))
    try:
        yield child
    finally:
        child.stop(seconds=30)
        print(child.output())  # pytest shows it when the test fails


def heartbeat() -> Any:
    return cache.get(HEARTBEAT)


def wait_for_a_beat(read: Callable[[], Any] = heartbeat, *, seconds: float = 30) -> None:
    """Two new beats: the first may have been under way already."""
    for _ in range(2):
        known = (None, read())
        wait_for("the cluster's heartbeat", partial(_is_new, read, known), seconds=seconds)


def _is_new(read: Callable[[], Any], known: tuple[Any, ...]) -> bool:
    return read() not in known


def leader_of_cluster(parent: Child) -> int:
    """Without the web, the parent has one child."""
    return wait_for("the cluster", lambda: children_of(parent.pid))[0]


def members_of(parent: Child) -> dict[str, int]:
    """The guard starts its two workers first, then the one that stores results, then the one that fetches."""
    leader = leader_of_cluster(parent)
    guard = wait_for("the guard", lambda: children_of(leader))[0]
    wait_for("its four children", lambda: len(children_of(guard)) >= 4)
    first, second, monitor, pusher = children_of(guard)[:4]
    return {"leader": leader, "guard": guard, "first": first, "second": second, "monitor": monitor, "pusher": pusher}


@pytest.mark.parametrize(
    "who", ["leader", "guard", "first", "second", "monitor", "pusher", "first second"], ids=lambda who: who
)
def test_work_goes_on_whoever_of_the_cluster_is_killed(site: Database, who: str) -> None:
    with running(site, "--no-web") as parent:
        wait_for_a_beat()
        killed = [members_of(parent)[name] for name in who.split()]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        wait_for("their end", lambda: not any(map(is_alive, killed)))
        wait_for_a_beat()


def test_work_goes_on_over_redis_after_a_worker_is_killed(site: Database) -> None:
    server = RedisServer(site.folder)
    try:
        with running(site, "--no-web", REDIS_URL=server.url) as parent:
            shared = RedisCache(server.url, {})
            wait_for_a_beat(lambda: shared.get(HEARTBEAT))
            os.kill(members_of(parent)["first"], signal.SIGKILL)
            wait_for_a_beat(lambda: shared.get(HEARTBEAT))
    finally:
        server.stop()


def test_a_cluster_that_stands_still_is_killed_and_started_again(site: Database) -> None:
    with running(site, "--no-web", "--stale", "3") as parent:
        wait_for_a_beat()
        leader = leader_of_cluster(parent)
        frozen = [leader, *descendants_of(leader)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        wait_for("the end of the frozen ones", lambda: not any(map(is_alive, frozen)))
        wait_for_a_beat()


def test_pokes_do_not_pile_up_while_nobody_takes_them(site: Database) -> None:
    pulse = Pulse(Timing())
    for _ in range(10):
        pulse.ask()
    assert OrmQ.objects.count() == 2  # one sweep, one beat
    assert pulse.check() is True


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_silent_cluster_is_given_its_time_and_no_more(site: Database) -> None:
    clock = Clock()
    pulse = Pulse(Timing(stale=120), clock)
    pulse.ask()
    clock.seconds = 120
    assert pulse.check() is True
    clock.seconds = 121
    assert pulse.check() is False


def test_after_a_death_one_answer_is_not_enough(site: Database) -> None:
    clock = Clock()
    pulse = Pulse(Timing(suspicion=6), clock)
    pulse.look(frozenset({1, 2}))
    pulse.look(frozenset({1, 3}))
    cache.set(HEARTBEAT, "work that was under way")
    assert pulse.check() is True
    clock.seconds = 7
    assert pulse.check() is False
    cache.set(HEARTBEAT, "the answer of a cluster that works")
    assert pulse.check() is True
    clock.seconds = 14
    assert pulse.check() is True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_leaves_nothing_behind(site: Database, number: signal.Signals) -> None:
    with running(site, "--port", str(free_port())) as parent:
        wait_for("the site", lambda: "ready: " in parent.output())
        wait_for_a_beat()
        family = descendants_of(parent.pid)
        assert len(family) >= 7  # gunicorn and two workers; the cluster, its sentinel, two workers and more
        parent.send(number)
        assert parent.wait(20) == 0
        assert [pid for pid in family if is_alive(pid)] == []


def test_a_killed_parent_takes_everything_along(site: Database) -> None:
    with running(site, "--port", str(free_port())) as parent:
        wait_for("the site", lambda: "ready: " in parent.output())
        wait_for_a_beat()
        family = descendants_of(parent.pid)
        parent.process.kill()
        wait_for("the end of all", lambda: not any(map(is_alive, family)))


def test_visitors_wait_while_a_killed_web_server_comes_back(site: Database) -> None:
    port = free_port()
    with running(site, "--port", str(port)) as parent:
        wait_for("the site", lambda: "ready: " in parent.output())
        web = next(pid for pid in children_of(parent.pid) if b"gunicorn" in _command_line(pid))
        for pid in [*descendants_of(web), web]:
            os.kill(pid, signal.SIGKILL)
        page = requests.get(f"http://127.0.0.1:{port}/accounts/login/", timeout=30, allow_redirects=False)
        assert page.status_code < 500


def _command_line(pid: int) -> bytes:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()


def test_a_taken_port_is_said_in_words(site: Database) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        running(site, "--port", str(taken.getsockname()[1])) as parent,
    ):
        assert parent.wait() == 1
        assert "Cannot listen on port" in parent.output()
        assert "PORT=" in parent.output()


def test_a_database_that_was_not_set_up_is_said_in_words(site: Database) -> None:
    with running(site, "--no-web", WALLETS_DATA_DIR=str(site.folder / "empty")) as parent:
        assert parent.wait() == 1
        assert "manage.py setup" in parent.output()


def test_without_a_cluster_only_the_web_runs(site: Database) -> None:
    with running(site, "--port", str(free_port()), WALLETS_CLUSTER="False") as parent:
        wait_for("the site", lambda: "ready: " in parent.output())
        assert len(children_of(parent.pid)) == 1
        assert heartbeat() is None
