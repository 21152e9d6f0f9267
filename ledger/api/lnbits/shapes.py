"""Purses and people as LNbits shows them: names of old (0.9) and new (1.x) servers together."""

from __future__ import annotations

from typing import Any

from accounts import keys
from accounts.models import User
from ledger.models import Purse
from ledger.services import purses


def ident_of(person: int) -> str:
    """A person's number as LNbits writes ids. It opens nothing."""
    return f"{person:032x}"


def number_of(ident: str) -> int:
    """The number behind such an id; 0, which is nobody, for any other text."""
    whole = len(ident) == 32 and ident.isascii() and ident.isalnum() and ident == ident.lower()
    try:
        return int(ident, 16) if whole and ident.startswith("0" * 16) else 0
    except ValueError:
        return 0


def brief(holder: purses.Holder) -> dict[str, Any]:
    """What GET /wallet says; the id is told to an admin key only."""
    known = {"name": holder.purse.name, "balance": holder.purse.account.balance}
    return {"id": holder.purse.ident, **known} if holder.may_pay else known


def whole(purse: Purse, owner: User, shown: dict[str, str] | None = None) -> dict[str, Any]:
    """A wallet object of 1.x. shown: its keys, where the caller may see them."""
    found = shown or {}
    return {
        "id": purse.ident,
        "user": ident_of(owner.pk),
        "wallet_type": "lightning",
        "name": purse.name,
        "adminkey": found.get(keys.PURSE_ADMIN),
        "inkey": found.get(keys.PURSE_INVOICE),
        "balance_msat": purse.account.balance,
        "balance": purse.account.balance,
        "currency": None,
        "deleted": purse.closed_at is not None,
        "created_at": purse.created_at.isoformat(),
        "updated_at": purse.created_at.isoformat(),
        "extra": {},
    }


def managed(person: User, owner: User) -> dict[str, Any]:
    """A user as the user manager extension shows it. We take neither its mail address nor a password."""
    return {"id": ident_of(person.pk), "name": person.label, "admin": ident_of(owner.pk), "email": "", "password": ""}


def of_manager(purse: Purse, person: User, owner: User, shown: dict[str, str]) -> dict[str, Any]:
    """The six items of the user manager extension."""
    return {
        "id": purse.ident,
        "admin": ident_of(owner.pk),
        "name": purse.name,
        "user": ident_of(person.pk),
        "adminkey": shown[keys.PURSE_ADMIN],
        "inkey": shown[keys.PURSE_INVOICE],
    }
