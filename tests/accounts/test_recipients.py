from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission

from accounts.models import User
from accounts.queries import find_by_id, find_recipient
from tests.support.factories import make_user

pytestmark = pytest.mark.usefixtures("site")


@pytest.mark.parametrize("text", ["bob", "BOB", " bob ", "bob@example.com", "Bob@Example.COM"])
def test_it_finds_a_person_by_name_or_mail(bob, text):
    assert find_recipient(text) == bob


@pytest.mark.parametrize("text", ["", "bo", "bobby", "b%", "bob@example", "*", "bob\0", "x" * 9_999, "ｂob", "bob b"])
def test_it_finds_nobody_by_anything_less_than_the_whole(bob, text):
    assert find_recipient(text) is None


def test_a_number_is_no_name_on_pages_and_only_programs_use_it(bob):
    assert find_recipient(str(bob.pk)) is None
    assert find_by_id(str(bob.pk)) == bob


@pytest.mark.parametrize("text", ["", "0", "-1", "1.0", "1e3", "٣", "²", "9" * 400, "bob"])
def test_what_is_no_number_is_nobody(bob, text):
    assert find_by_id(text) is None


def test_a_mail_that_is_not_proven_receives_nothing(site):
    make_user("dora", proven=False)
    assert find_recipient("dora@example.com") is None


def test_a_mail_somebody_only_claims_leads_to_nobody(alice):
    EmailAddress.objects.create(user=alice, email="bank@example.com", verified=False)
    assert find_recipient("bank@example.com") is None


def test_who_is_inactive_or_may_hold_nothing_is_nobody(alice, bob):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    bob.groups.clear()
    for user in (alice, bob):
        assert find_recipient(str(user.username)) is None
        assert find_recipient(user.email) is None
        assert find_by_id(str(user.pk)) is None


def test_a_right_given_to_one_person_counts_like_that_of_a_group(bob):
    bob.groups.clear()
    bob.user_permissions.add(Permission.objects.get(codename="has_wallets"))
    assert find_recipient("bob") == bob


def test_known_or_not_the_database_is_asked_the_same(bob, alice, django_assert_num_queries_of):
    alice.groups.clear()
    for find, text in (
        (find_recipient, "bob"),
        (find_recipient, "nobody"),
        (find_recipient, "alice"),
        (find_by_id, str(bob.pk)),
        (find_by_id, "x"),
    ):
        with django_assert_num_queries_of() as asked:
            find(text)
        assert len(asked.statements) == 1, text
