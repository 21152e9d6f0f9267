"""The user manager extension of LNbits up to 0.9: accounts that a program makes and answers for.

Either key of an owner who holds manage_api_users makes and lists them; their admin keys are shown to an admin key, and
once to whoever made the wallet. Every id is one of the owner's own, or it is unknown.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse

from accounts import keys
from accounts.capabilities import Capability, require
from accounts.models import User
from ledger.api.lnbits import shapes
from ledger.api.lnbits.answers import Refusal, answer
from ledger.api.lnbits.asked import Asked
from ledger.models import Purse
from ledger.services import purse_payments, purses
from ledger.services.purse_payments import ALL

LONGEST: Final = 200
MOST_LISTED: Final = 1000
DELETED: Final = ["", 204]  # the body of 0.9.7


def _owner(asked: Asked) -> User:
    require(asked.user, Capability.MANAGE_API_USERS)
    return asked.user


def _admin(asked: Asked) -> User:
    asked.admin()
    return _owner(asked)


def _demand_own(asked: Asked, owner: User) -> None:
    """admin_id is whoever the key says it is; another one is refused."""
    given = asked.text("admin_id", longest=LONGEST)
    if given and given != shapes.ident_of(owner.pk):
        raise Refusal(403, "admin_id is not the id of this key's owner.")


def _person(owner: User, ident: str) -> User | None:
    number = shapes.number_of(ident)
    return purses.person_of(owner, number) if number else None


def _shown(found: list[tuple[Purse, User]], owner: User, *, all_keys: bool = True) -> list[dict[str, Any]]:
    shown = keys.purse_keys({purse.ident: person for purse, person in found})
    rows = [shapes.of_manager(purse, person, owner, shown[purse.ident]) for purse, person in found]
    return rows if all_keys else [{**row, "adminkey": None} for row in rows]


def list_people(asked: Asked) -> HttpResponse:
    owner = _owner(asked)
    return answer([shapes.managed(person, owner) for person in purses.managed_people(owner)])


def make_person(asked: Asked) -> HttpResponse:
    owner = _owner(asked)
    _demand_own(asked, owner)
    label = asked.required("user_name", longest=LONGEST)
    name = asked.required("wallet_name", longest=LONGEST)
    person, purse = purses.make_person(owner=owner, label=label, purse=name, where=asked.where)
    return answer({**shapes.managed(person, owner), "wallets": _shown([(purse, person)], owner)}, 201)


def one_person(asked: Asked, ident: str) -> HttpResponse:
    owner = _owner(asked)
    person = _person(owner, ident)
    return answer(shapes.managed(person, owner) if person else None)


def delete_person(asked: Asked, ident: str) -> HttpResponse:
    owner = _admin(asked)
    person = _person(owner, ident)
    if person is None:
        raise Refusal(404, "User does not exist.")
    purses.retire(owner=owner, person=person, where=asked.where)
    return answer(DELETED)


def list_purses(asked: Asked) -> HttpResponse:
    owner = _owner(asked)
    return answer(_shown(purses.of_people(owner), owner, all_keys=asked.holder().may_pay))


def purses_of(asked: Asked, ident: str) -> HttpResponse:
    owner = _owner(asked)
    person = _person(owner, ident)
    found = [(purse, person) for purse in purses.of(person)] if person else []
    return answer(_shown(found, owner, all_keys=asked.holder().may_pay))


def make_purse(asked: Asked) -> HttpResponse:
    owner = _owner(asked)
    _demand_own(asked, owner)
    person = _person(owner, asked.required("user_id", longest=LONGEST))
    if person is None:
        raise Refusal(404, "User does not exist.")
    purse = purses.open_purse(user=person, name=asked.required("wallet_name", longest=LONGEST))
    return answer(_shown([(purse, person)], owner)[0], 201)


def delete_purse(asked: Asked, ident: str) -> HttpResponse:
    purse = purses.managed_purse(_admin(asked), ident)
    if purse is None:
        raise Refusal(404, "Wallet does not exist.")
    purses.close(purse=purse)
    return answer(DELETED)


def transactions(asked: Asked, ident: str) -> HttpResponse:
    """Of one managed wallet. The oldest servers had a path without a slash before the id."""
    purse = purses.managed_purse(_owner(asked), ident)
    found = purse_payments.page(purse, ALL, limit=MOST_LISTED) if purse else []
    return answer([purse_payments.shape(each, purse) for each in found if purse])


def switch_extension(asked: Asked) -> HttpResponse:
    """Nothing to switch here: what these clients need is always on."""
    asked.holder()
    return answer({"extension": "updated"})
