from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.core.management import call_command

from accounts.capabilities import Capability, Team, has_proven_email, may, require, require_proven_email
from accounts.models import User
from tests.support.factories import make_user
from wallets_site.base.errors import NotAllowed

pytestmark = pytest.mark.usefixtures("site")

HOLDER = {
    "has_wallets", "list_wallet_transactions", "generate_wallet_address", "send_funds_to_user",
    "withdraw_funds_from_wallet", "view_wallets_profile", "access_wallets_api",
}  # fmt: skip


@pytest.mark.parametrize(
    ("team", "allowed"),
    [
        ("Holders", HOLDER),
        ("Operators", {"manage_wallets", "view_books", "manage_api_users"}),
        ("Approvers", {"approve_payments", "view_books"}),
        ("Auditors", {"view_books"}),
    ],
)
def test_each_team_may_do_its_part_and_nothing_else(team, allowed):
    user = make_user("dora", groups=(team,))
    assert {capability.value for capability in Capability if may(user, capability)} == allowed


def test_a_person_in_no_team_may_nothing_and_hears_what_is_missing():
    user = make_user("dora", groups=())
    assert not any(may(user, capability) for capability in Capability)
    with pytest.raises(NotAllowed, match="may not withdraw to outside addresses") as refusal:
        require(user, Capability.WITHDRAW)
    assert refusal.value.data == {"capability": "withdraw_funds_from_wallet"}


def test_a_stranger_may_nothing():
    assert not any(may(AnonymousUser(), capability) for capability in Capability)
    with pytest.raises(NotAllowed):
        require(AnonymousUser(), Capability.HAS_WALLETS)


def test_an_inactive_person_may_nothing_not_even_a_manager():
    user = User.objects.create_superuser("boss@example.com", "x")
    assert may(user, Capability.MANAGE_WALLETS)
    user.is_active = False
    assert not may(user, Capability.MANAGE_WALLETS)
    with pytest.raises(NotAllowed, match="not active"):
        require(user, Capability.MANAGE_WALLETS)


def test_every_capability_has_its_permission_and_its_words(alice):
    codenames = set(Permission.objects.values_list("codename", flat=True))
    for capability in Capability:
        assert capability.value in codenames
        with pytest.raises(NotAllowed, match=r"This account may not [a-z]"):
            require(make_user(f"no{capability.value}"[:30], groups=()), capability)


def test_auditors_read_everything_and_change_nothing():
    codes = Group.objects.get(name="Auditors").permissions.values_list("codename", flat=True)
    assert {"view_user", "view_auditevent", "view_coin", "view_posting", "view_wallet", "view_books"} <= set(codes)
    assert {code.split("_")[0] for code in codes} == {"view"}


@pytest.mark.both_databases
def test_migrating_again_changes_nothing_and_keeps_what_a_manager_changed(site):
    holders = Group.objects.get(name="Holders")
    holders.permissions.remove(Permission.objects.get(codename="withdraw_funds_from_wallet"))
    call_command("migrate", verbosity=0)
    assert sorted(Group.objects.values_list("name", flat=True)) == sorted(team.value for team in Team)
    assert {p.codename for p in holders.permissions.all()} == HOLDER - {"withdraw_funds_from_wallet"}


def test_a_mail_counts_when_its_owner_proved_it(alice):
    assert has_proven_email(alice)
    require_proven_email(alice)


def test_an_unproven_mail_moves_no_money():
    user = make_user("dora", proven=False)
    assert not has_proven_email(user)
    with pytest.raises(NotAllowed, match="confirm your e-mail address first"):
        require_proven_email(user)


def test_another_proven_mail_than_the_one_in_use_does_not_count(alice):
    User.objects.update(email="stolen@example.com")
    alice.refresh_from_db()
    assert not has_proven_email(alice)
    assert not has_proven_email(AnonymousUser())
