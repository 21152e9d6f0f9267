"""The whole job as serious sites run it: `manage.py run`, web server and worker, on a PostgreSQL that syncs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import blocking_manager_key

from ledger.models import Dispatch, Operation
from tests.devnet.litecoin import Litecoin
from tests.journeys import test_litecoin
from tests.support import databases
from tests.support.databases import Database
from tests.support.postgresql import Cluster
from tests.support.running import Member, RunningSite


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path, settings) -> Iterator[Database]:
    """On a server of this test's own: the others' does not sync, and `manage.py run` refuses it."""
    cluster = Cluster(durable=True)
    settings.GENERATION_FILE = tmp_path / "generation"
    try:
        cluster.execute("CREATE DATABASE site")
        with request.config.stash[blocking_manager_key].unblock():
            databases.use(databases.postgresql_aliases(cluster.url("site")))
            databases.migrate()
            yield Database("postgresql", tmp_path, cluster.url("site"))
            databases.close_all()
    finally:
        cluster.remove()


def test_from_sign_up_to_the_outside_wallet(running: RunningSite, notifying: Litecoin, members: tuple[Member, Member]):
    test_litecoin.test_from_sign_up_to_the_outside_wallet(notifying, members)

    assert set(Operation.objects.values_list("kind", "status")) == {
        ("deposit", "done"), ("move", "done"), ("withdraw", "done")
    }  # fmt: skip
    assert Dispatch.objects.get().attempts == 1
    assert running.child.running
