"""What would lose money or let people in is said at start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.checks import run_checks
from django.db import connections
from django_q.models import Schedule

from tests.support.databases import Database, close_all, postgresql_aliases, use
from tests.support.postgresql import Cluster


def said(*, deploy: bool = False, **options: Any) -> set[str]:
    found = run_checks(include_deployment_checks=deploy, **options)
    return {message.id or "" for message in found if (message.id or "").startswith("wallets.")}


def test_the_site_as_it_comes_is_in_order() -> None:
    assert said() == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_attempts", 0), ("ack_failures", False), ("catch_up", True), ("scheduler", True), ("save_limit", 250)],
)
def test_a_queue_that_repeats_or_runs_foreign_functions_is_refused(settings, name: str, value: object) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, name: value}
    assert said() == {"wallets.E005"}


@pytest.mark.parametrize("times", [{"timeout": 60}, {"retry": 100}])
def test_a_queue_that_gives_a_node_too_little_time_is_refused(settings, times: dict[str, int]) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, **times}
    assert said() == {"wallets.E001"}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("transaction_mode", "DEFERRED"),
        ("init_command", "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;"),
    ],
)
def test_a_ledger_file_that_forgets_or_waits_too_late_is_refused(
    site: Database, settings, monkeypatch: pytest.MonkeyPatch, option: str, value: str
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], option, value)
    assert said() == {"wallets.E002"}


def test_a_cache_of_one_process_is_refused(settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert said() == {"wallets.E003"}


@pytest.mark.parametrize("host", ["*", ".example.org"])
def test_hosts_that_are_not_named_exactly_are_refused_in_production(settings, host: str) -> None:
    settings.ALLOWED_HOSTS = [host]
    assert "wallets.E004" in said(deploy=True)


@pytest.mark.parametrize(("mode", "found"), [(0o604, {"wallets.E006"}), (0o600, set()), (0o640, set())])
def test_a_secret_that_everybody_can_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, found: set[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x" * 50)
    secret.chmod(mode)
    monkeypatch.setenv("SECRET_KEY_FILE", str(secret))
    assert said() == found


def test_a_key_of_our_own_that_everybody_can_read_is_refused(settings) -> None:
    key = Path(settings.DATA_DIR) / "keys" / "secret_key"
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text("made by the site itself")
    key.chmod(0o644)
    try:
        assert said() == {"wallets.E006"}
    finally:
        key.chmod(0o600)
    assert said() == set()


def test_the_queue_cannot_be_edited_in_the_admin() -> None:
    assert [model for model in admin.site._registry if model._meta.app_label == "django_q"] == []


@pytest.fixture
def schedules_in_the_admin() -> Iterator[None]:
    admin.site.register(Schedule)
    yield
    admin.site.unregister(Schedule)


def test_a_queue_in_the_admin_is_refused(schedules_in_the_admin: None) -> None:
    assert said() == {"wallets.E007"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEFAULT_AUTHENTICATION_CLASSES", ["rest_framework.authentication.BasicAuthentication"]),
        ("DEFAULT_AUTHENTICATION_CLASSES", []),
        ("DEFAULT_PERMISSION_CLASSES", ["rest_framework.permissions.AllowAny"]),
        ("DEFAULT_PERMISSION_CLASSES", None),
    ],
)
def test_an_api_open_to_everybody_is_refused(settings, name: str, value: object) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, name: value}
    assert said() == {"wallets.E008"}


def test_mail_to_the_console_is_warned_of_in_production(settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert "wallets.W002" in said(deploy=True)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert "wallets.W002" not in said(deploy=True)


def test_a_demonstration_in_production_is_warned_of(settings) -> None:
    settings.DEMO = True
    assert "wallets.W001" in said(deploy=True)


@pytest.fixture
def durable() -> Iterator[Cluster]:
    cluster = Cluster(durable=True)
    yield cluster
    cluster.remove()


@pytest.mark.postgresql
def test_a_postgresql_that_forgets_is_refused(site: Database) -> None:
    assert said(databases=["default"]) == {"wallets.E009"}  # the tests' own cluster trades safety for speed


def test_a_postgresql_that_remembers_is_accepted_until_it_is_told_to_forget(site: Database, durable: Cluster) -> None:
    use(postgresql_aliases(durable.url("postgres")))
    assert "wallets.E009" not in said(databases=["default"])
    close_all()
    durable.execute("ALTER ROLE wallets SET synchronous_commit = off")
    assert "wallets.E009" in said(databases=["default"])
    assert connections["default"].vendor == "postgresql"
