"""What a person may do: the capabilities, the four groups that come with the site, and the questions asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic_ns
from typing import Any, Final, cast

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db import connections, router
from django.db.models import F, Value
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from wallets_site.base.errors import NotAllowed
from wallets_site.base.prepared import Prepared


class Capability(StrEnum):
    MANAGE_WALLETS = "manage_wallets"
    HAS_WALLETS = "has_wallets"
    LIST_TRANSACTIONS = "list_wallet_transactions"
    GENERATE_ADDRESS = "generate_wallet_address"
    SEND_TO_USER = "send_funds_to_user"
    WITHDRAW = "withdraw_funds_from_wallet"
    VIEW_PROFILE = "view_wallets_profile"
    USE_API = "access_wallets_api"
    APPROVE_PAYMENTS = "approve_payments"
    VIEW_BOOKS = "view_books"
    MANAGE_API_USERS = "manage_api_users"

    @property
    def permission(self) -> str:
        return f"{User._meta.app_label}.{self.value}"


class Team(StrEnum):
    """The groups that come with the site. A manager may add others and change what these may do."""

    HOLDERS = "Holders"
    OPERATORS = "Operators"
    APPROVERS = "Approvers"
    AUDITORS = "Auditors"


_PHRASES: Final[Mapping[Capability, str]] = {
    Capability.MANAGE_WALLETS: gettext_noop("manage coins, wallets and settings"),
    Capability.HAS_WALLETS: gettext_noop("hold balances"),
    Capability.LIST_TRANSACTIONS: gettext_noop("see its activity"),
    Capability.GENERATE_ADDRESS: gettext_noop("make deposit addresses"),
    Capability.SEND_TO_USER: gettext_noop("send to other members"),
    Capability.WITHDRAW: gettext_noop("withdraw to outside addresses"),
    Capability.VIEW_PROFILE: gettext_noop("see its wallet profile"),
    Capability.USE_API: gettext_noop("use API keys"),
    Capability.APPROVE_PAYMENTS: gettext_noop("approve payments"),
    Capability.VIEW_BOOKS: gettext_noop("read the books"),
    Capability.MANAGE_API_USERS: gettext_noop("manage accounts through the API"),
}

_OF_A_TEAM: Final[Mapping[Team, frozenset[Capability]]] = {
    Team.HOLDERS: frozenset(
        {
            Capability.HAS_WALLETS,
            Capability.LIST_TRANSACTIONS,
            Capability.GENERATE_ADDRESS,
            Capability.SEND_TO_USER,
            Capability.WITHDRAW,
            Capability.VIEW_PROFILE,
            Capability.USE_API,
        }
    ),
    Team.OPERATORS: frozenset({Capability.MANAGE_WALLETS, Capability.VIEW_BOOKS, Capability.MANAGE_API_USERS}),
    Team.APPROVERS: frozenset({Capability.APPROVE_PAYMENTS, Capability.VIEW_BOOKS}),
    Team.AUDITORS: frozenset({Capability.VIEW_BOOKS}),
}

_APPS: Final = ("accounts", "adapters", "ledger")

# What each team may do in the admin, by app: the first half of Django's own permission names.
_IN_THE_ADMIN: Final[Mapping[Team, Mapping[str, tuple[str, ...]]]] = {
    Team.HOLDERS: {},
    Team.OPERATORS: {
        "accounts": ("view", "add", "change"),
        "adapters": ("view", "add", "change"),
        "ledger": ("view", "add", "change"),
    },
    Team.APPROVERS: {"ledger": ("view",)},
    Team.AUDITORS: {"accounts": ("view",), "adapters": ("view",), "ledger": ("view",)},
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What one question to the database says of a person: capabilities of their own and of their groups."""

    capabilities: frozenset[str]
    email_proven: bool


_PROVEN: Final = "e-mail proven"
_KEPT: Final = "_standing"
_READ_AT: Final = "_standing_read_at"
_FRESH: Final = 2 * 10**9  # nanoseconds: a request that read a person and what they may do at once need not ask again


def _standings(first: int, second: int) -> Any:
    """(user, capability) of both people, and (user, _PROVEN) for a sign-in address confirmed from its mailbox."""
    ours = {"permission__content_type__app_label": User._meta.app_label, "permission__codename__in": list(Capability)}
    own = User.user_permissions.through.objects.filter(user_id__in=(first, second), **ours)
    by_group = Group.permissions.through.objects.filter(group__user__in=(first, second), **ours)
    proven = EmailAddress.objects.filter(
        user_id__in=(first, second), email=F("user__email"), primary=True, verified=True
    )
    return own.values_list("user_id", "permission__codename").union(
        by_group.values_list("group__user", "permission__codename"),
        proven.values_list("user_id", Value(_PROVEN)),
    )


_STANDINGS: Final = Prepared(_standings, first=int, second=int)


def learn(user: User, other: User | None = None) -> None:
    """Read anew what these people may do, in one statement. It is remembered with the objects, as permissions are:
    services that move money call this first. People whom this very request read with it are not asked of again."""
    if all(_just_read(each) for each in (user, other or user)):
        return
    people = [user] if other is None or other.pk == user.pk else [user, other]
    found = _STANDINGS.rows(first=people[0].pk, second=people[-1].pk)
    for person in {id(each): each for each in (user, other or user)}.values():
        said = {name for pk, name in found if pk == person.pk}
        vars(person)[_KEPT] = Standing(frozenset(said - {_PROVEN}), _PROVEN in said)


def remember(user: User, standing: Standing) -> None:
    """What came with the person's own row (accounts/people.py)."""
    vars(user)[_KEPT], vars(user)[_READ_AT] = standing, monotonic_ns()


def _just_read(user: User) -> bool:
    read_at: int | None = vars(user).get(_READ_AT)
    return read_at is not None and monotonic_ns() - read_at < _FRESH


def _standing(user: User) -> Standing:
    if _KEPT not in vars(user):
        learn(user)
    return cast("Standing", vars(user)[_KEPT])


def may(user: User | AnonymousUser, capability: Capability) -> bool:
    """Whether this active person, or one of their groups, was given the capability; superusers have all."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or capability.value in _standing(user).capabilities


def require(user: User | AnonymousUser, capability: Capability) -> None:
    """Raises NotAllowed with a sentence that names what is missing."""
    if not user.is_active:
        raise NotAllowed(_("This account is not active. Ask a manager of this site."))
    if not may(user, capability):
        raise NotAllowed(
            _("This account may not %(phrases)s. Ask a manager of this site for the right to do so.")
            % {"phrases": _(_PHRASES[capability])},
            capability=capability.value,
        )


def has_proven_email(user: User | AnonymousUser) -> bool:
    """Whether the person's address was confirmed from its mailbox; for a managed account its owner answers."""
    if not isinstance(user, User):
        return False
    if user.managed_by_id is not None:
        return True
    return _standing(user).email_proven


def require_proven_email(user: User | AnonymousUser) -> None:
    """Unverified mail moves no money. Raises NotAllowed."""
    if not has_proven_email(user):
        raise NotAllowed(_("Please confirm your e-mail address first: follow the link in the mail we sent you."))


def fill_teams(*, sender: Any, using: str, **_: Any) -> None:
    """After an app's migration: make the teams, and give each its rights over that app where it has none yet.

    A team that already has some right over the app is left as its managers made it.
    """
    if sender.label not in _APPS or not router.allow_migrate_model(using, Group):
        return
    if Group._meta.db_table not in connections[using].introspection.table_names():
        return
    for team in Team:
        group, _made = Group.objects.using(using).get_or_create(name=team.value)
        if group.permissions.filter(content_type__app_label=sender.label).exists():
            continue
        group.permissions.add(*_rights(team, sender.label, using))


def _rights(team: Team, label: str, using: str) -> list[Permission]:
    known = Permission.objects.using(using).filter(content_type__app_label=label)
    actions = _IN_THE_ADMIN[team].get(label, ())
    own = {c.value for c in _OF_A_TEAM[team]} if label == User._meta.app_label else set()
    return [
        permission
        for permission in known
        if permission.codename in own
        or (permission.codename not in list(Capability) and permission.codename.split("_")[0] in actions)
    ]
