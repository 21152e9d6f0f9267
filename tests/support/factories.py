"""People and things for tests, made through the same doors the site uses wherever there is one."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group

from accounts.models import User
from tests.support.marker import MARKER

PASSWORD = f"correct horse {MARKER}"
STAFF_GROUPS = ("Operators", "Approvers", "Auditors")


def make_user(name: str, *, groups: tuple[str, ...] = ("Holders",), proven: bool = True, staff: bool = False) -> User:
    """NAME@example.com with the user name NAME and PASSWORD; the mail is proven unless said otherwise."""
    user = User.objects.create_user(f"{name}@example.com", PASSWORD, username=name, is_staff=staff)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=proven)
    found = list(Group.objects.filter(name__in=groups))
    assert len(found) == len(groups), f"the site has no group {set(groups) - {group.name for group in found}}"
    user.groups.set(found)
    return user


def make_manager(name: str = "manager") -> User:
    return make_user(name, groups=("Holders", *STAFF_GROUPS), staff=True)
