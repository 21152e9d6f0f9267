"""What may happen to an account, one verb each. Refusals are WalletErrors; views and commands hold no rule."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import handles, sessions
from accounts.audit import What, record
from accounts.capabilities import Capability, Team, require, require_proven_email
from accounts.models import Invitation, User
from wallets_site.base import crypto
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, WrongState
from wallets_site.base.ids import new_token

INVITATION_DAYS: Final = 7
LONGEST_LABEL: Final = 60
LONGEST_INVITATION_DAYS: Final = 90


def choose_handle(*, user: User, handle: str, where: str = "") -> User:
    """Give the person the public name they chose; it stays. Raises InvalidRequest, NotAllowed, WrongState."""
    require_proven_email(user)
    wanted = handles.normal_form(handle)
    try:
        with transaction.atomic():
            if not User.objects.filter(pk=user.pk, username__isnull=True).update(username=wanted):
                raise WrongState(_("You have a user name already. It cannot be changed."))
            record(What.HANDLE_CHOSEN, who=user, ip=where, object=wanted)
    except IntegrityError as error:
        raise InvalidRequest(_("This name is taken. Please choose another one.")) from error
    user.refresh_from_db(fields=["username"])
    return user


def make_invitation(
    *, actor: User, email: str = "", days: int = INVITATION_DAYS, where: str = ""
) -> tuple[Invitation, str]:
    """(the invitation, its code). The code is not kept: show it now. Raises NotAllowed, InvalidRequest."""
    require(actor, Capability.MANAGE_WALLETS)
    if not 1 <= days <= LONGEST_INVITATION_DAYS:
        raise InvalidRequest(
            _("An invitation lasts 1 to %(longest_invitation_days)s days.")
            % {"longest_invitation_days": LONGEST_INVITATION_DAYS}
        )
    code = new_token()
    with transaction.atomic():
        invitation = Invitation.objects.create(
            digest=digest_of(code),
            email=email.strip().lower(),
            created_by=actor,
            expires_at=now() + timedelta(days=days),
        )
        record(What.INVITATION_MADE, who=actor, ip=where, object=invitation, email=invitation.email)
    return invitation, code


def digest_of(code: str) -> str:
    return crypto.digest({"invitation": code})


def find_invitation(digest: str) -> Invitation | None:
    """The invitation with this digest if it can still be used."""
    return Invitation.objects.filter(digest=digest, used_at__isnull=True, expires_at__gt=now()).first()


def use_invitation(*, digest: str, user: User | None, where: str = "") -> None:
    """Spend the invitation, once whoever tries at the same moment. Raises NotAllowed.

    user: who signed up by it; None when the e-mail typed belonged to somebody, which must look the same.
    """
    usable = Invitation.objects.filter(digest=digest, used_at__isnull=True, expires_at__gt=now())
    with transaction.atomic():
        if not usable.update(used_at=now(), used_by=user):
            raise NotAllowed(_("This invitation was used or has expired. Ask for a new one."))
        record(What.INVITATION_USED, who=user, ip=where, object=Invitation.objects.get(digest=digest))


def join(user: User, *teams: Team) -> None:
    user.groups.add(*Group.objects.filter(name__in=[team.value for team in teams]))


def create_person(
    *,
    email: str,
    password: str | None,
    username: str | None = None,
    teams: Iterable[Team] = (Team.HOLDERS,),
    proven: bool = False,
    manager: bool = False,
    by: User | None = None,
    where: str = "",
) -> User:
    """An account made by the house: a seed, the first manager, or one added by staff. Raises InvalidRequest.

    proven: the house answers for the address. manager: may do everything, and enters the admin.
    """
    fields = {"is_staff": manager, "is_superuser": manager}
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, username=username, **fields)
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=proven)
            join(user, *teams)
            record(What.PERSON_ADDED, who=by, ip=where, object=f"user {user.pk}", manager=manager)
    except IntegrityError as error:
        raise InvalidRequest(_("There is an account with this e-mail or user name.")) from error
    return user


def create_managed(*, owner: User, label: str, where: str = "") -> User:
    """An account without a mailbox that `owner` answers for; its login name is made up, its label may repeat.

    Raises NotAllowed without manage_api_users, or for an account that is itself managed; InvalidRequest.
    """
    require(owner, Capability.MANAGE_API_USERS)
    if owner.managed_by_id is not None:
        raise NotAllowed(_("A managed account cannot have managed accounts of its own."))
    shown = label_of(label)
    name = f"api-{secrets.token_hex(8)}"
    with transaction.atomic():
        user = User.objects.create_user(f"{name}@managed.invalid", None, username=name, managed_by=owner, label=shown)
        join(user, Team.HOLDERS)
        record(What.PERSON_ADDED, who=owner, ip=where, object=f"user {user.pk}", managed=True)
    return user


def label_of(text: str) -> str:
    """One line of 1 to 60 characters. Raises InvalidRequest."""
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if not 1 <= len(shown) <= LONGEST_LABEL:
        raise InvalidRequest(_("A name has 1 to %(longest_label)s characters.") % {"longest_label": LONGEST_LABEL})
    return shown


def managed_of(owner: User) -> QuerySet[User]:
    """The accounts this person made through the API, oldest first."""
    return User.objects.filter(managed_by=owner, is_active=True).order_by("pk")


def retire_managed(*, owner: User, user: User, where: str = "") -> None:
    """Shut a managed account for good; whoever calls has seen to it that it holds nothing. Raises NotAllowed."""
    if user.managed_by_id != owner.pk:
        raise NotAllowed(_("This account is not yours."))
    with transaction.atomic():
        if User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
            record(What.PERSON_DEACTIVATED, who=owner, ip=where, object=f"user {user.pk}", managed=True)


def create_first_manager(*, email: str, password: str, where: str = "") -> User:
    """Raises WrongState when the site has a manager, InvalidRequest for a weak password."""
    if User.objects.filter(is_superuser=True, is_active=True).exists():
        raise WrongState(_("This site has a manager already. Managers add others in the admin."))
    try:
        validate_password(password, User(email=email))
    except ValidationError as error:
        raise InvalidRequest(" ".join(error.messages)) from error
    return create_person(email=email, password=password, teams=tuple(Team), proven=True, manager=True, where=where)


def set_active(*, user: User, active: bool, actor: User, where: str = "") -> None:
    """Let somebody in again, or shut them out at once: sessions and keys end with it. Raises NotAllowed."""
    if user.pk == actor.pk:
        raise NotAllowed(_("You cannot switch your own account."))
    if user.is_superuser and not actor.is_superuser:
        raise NotAllowed(_("Only a manager of the whole site may switch this account."))
    with transaction.atomic():
        if User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active):
            what = What.PERSON_ACTIVATED if active else What.PERSON_DEACTIVATED
            record(what, who=actor, ip=where, object=f"user {user.pk}")


def sign_out(*, user: User, actor: User, where: str = "") -> None:
    """End every session of this person at once; they may sign in again."""
    with transaction.atomic():
        sessions.end_all(user)
        record(What.SIGNED_OUT, who=actor, ip=where, object=f"user {user.pk}")
