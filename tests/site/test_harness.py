from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from django_q.models import OrmQ

from accounts.models import User
from tests.support.databases import Database
from tests.support.factories import make_user
from tests.support.live import LiveSite
from tests.support.threads import at_once


@pytest.mark.both_databases
@pytest.mark.parametrize("visit", ["first", "second"])
def test_each_test_has_a_fresh_site_of_its_own(site: Database, engine: str, visit: str) -> None:
    assert connection.vendor == engine
    assert User.objects.count() == 0
    assert cache.get("seen") is None
    assert OrmQ.objects.count() == 0
    make_user("alice")
    cache.set("seen", "yes")
    OrmQ.objects.create(key="wallets", payload="x")


@pytest.mark.both_databases
def test_threads_speak_to_the_same_site(site: Database) -> None:
    made = at_once(12, lambda number: make_user(f"user{number}x").pk)
    assert sorted(made) == sorted(User.objects.values_list("pk", flat=True))  # type: ignore[type-var]
    assert len(made) == 12


def test_the_site_of_a_test_is_far_from_the_data_of_this_checkout(site: Database) -> None:
    root = Path(os.environ["WALLETS_TEST_ROOT"])
    assert Path(settings.DATA_DIR).is_relative_to(root)
    for alias in connections:
        assert Path(connections[alias].settings_dict["NAME"]).is_relative_to(root)


@pytest.mark.both_databases
def test_the_live_site_serves_the_databases_of_the_test(live_site: LiveSite, manager: User) -> None:
    assert live_site.visitor().get("/admin/", allow_redirects=False).status_code == 302
    page = live_site.visitor(manager).get("/admin/", allow_redirects=False)
    assert page.status_code == 200
    assert "Wallets administration" in page.text
