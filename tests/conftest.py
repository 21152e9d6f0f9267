"""Fixtures of all tests. `site` gives a test its own migrated databases; people come on request.

A test marked both_databases runs on SQLite and on PostgreSQL; one marked postgresql on that alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from pytest_django.plugin import blocking_manager_key

from accounts.models import User
from tests.support.databases import Database, Templates
from tests.support.factories import make_manager, make_user
from tests.support.live import LiveSite

pytest_plugins = ["tests.support.marker"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_databases: the test runs on SQLite and on PostgreSQL.")
    config.addinivalue_line("markers", "postgresql: the test runs on PostgreSQL only.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    engines = []
    if metafunc.definition.get_closest_marker("both_databases"):
        engines = ["sqlite", "postgresql"]
    elif metafunc.definition.get_closest_marker("postgresql"):
        engines = ["postgresql"]
    if engines:
        assert "engine" in metafunc.fixturenames, f"{metafunc.definition.name} asks for databases but not for site"
        metafunc.parametrize("engine", engines, indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session")
def templates() -> Iterator[Templates]:
    made = Templates()
    yield made
    made.remove()


@pytest.fixture
def site(request: pytest.FixtureRequest, engine: str, templates: Templates) -> Iterator[Database]:
    """This test's own databases, already in use by the ORM in every thread."""
    with request.config.stash[blocking_manager_key].unblock(), templates.copy(engine) as database:
        yield database


@pytest.fixture
def live_site(site: Database) -> Iterator[LiveSite]:
    """The same site served by gunicorn at live_site.url."""
    running = LiveSite(site)
    yield running
    running.stop()


@pytest.fixture
def alice(site: Database) -> User:
    return make_user("alice")


@pytest.fixture
def bob(site: Database) -> User:
    return make_user("bob")


@pytest.fixture
def charlie(site: Database) -> User:
    return make_user("charlie")


@pytest.fixture
def manager(site: Database) -> User:
    """Staff, in all groups."""
    return make_manager()


class _Counted:
    """The statements that ran inside the block."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute, sql, params, many, context):
        self.statements.append(sql)
        return execute(sql, params, many, context)

    @contextmanager
    def watch(self) -> Iterator[_Counted]:
        with connection.execute_wrapper(self):
            yield self


@pytest.fixture
def django_assert_num_queries_of():
    return lambda: _Counted().watch()
