from __future__ import annotations

import io
import re

import pytest
from django.core.management import CommandError, call_command

from accounts.capabilities import Capability, has_proven_email, may
from accounts.models import User

pytestmark = pytest.mark.usefixtures("site")
VARIABLE = "WALLETS_BOOTSTRAP_PASSWORD"


def bootstrap(email: str = "boss@example.com") -> str:
    out = io.StringIO()
    call_command("bootstrap", email=email, generate=True, stdout=out)
    return out.getvalue()


def test_a_fresh_site_has_no_accounts():
    assert User.objects.count() == 0


def test_it_makes_the_first_manager_and_prints_a_password_once():
    said = bootstrap("Boss@Example.com")
    boss = User.objects.get()
    printed = re.search(r"shown this once: (\S+)", said)
    assert printed
    assert len(printed[1]) == 22
    assert boss.check_password(printed[1])
    assert (boss.email, boss.is_staff, boss.is_superuser) == ("boss@example.com", True, True)
    assert has_proven_email(boss)
    assert all(may(boss, capability) for capability in Capability)
    assert boss.groups.count() == 4


def test_it_takes_the_password_from_the_environment_and_does_not_print_it(monkeypatch):
    monkeypatch.setenv(VARIABLE, "violet-harbour-42-lamp")
    assert "violet" not in bootstrap()
    assert User.objects.get().check_password("violet-harbour-42-lamp")


def test_it_refuses_a_weak_password(monkeypatch):
    monkeypatch.setenv(VARIABLE, "password")
    with pytest.raises(CommandError, match="too short"):
        bootstrap()
    assert User.objects.count() == 0


def test_it_refuses_what_is_no_mail_and_a_mail_that_is_taken(alice):
    with pytest.raises(CommandError, match="valid email"):
        bootstrap("boss")
    with pytest.raises(CommandError, match="There is an account with this e-mail"):
        bootstrap(alice.email)
    assert list(User.objects.all()) == [alice]


def test_a_second_run_makes_nobody():
    bootstrap()
    with pytest.raises(CommandError, match="has a manager already"):
        bootstrap("other@example.com")
    assert User.objects.count() == 1
