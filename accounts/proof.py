"""Proof: who confirmed an outgoing payment, by what, when, from where. Made here only.

Services that move money out take one and refuse without a fresh one; no view decides that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from wallets_site.base.clock import now
from wallets_site.base.errors import ProofRequired

if TYPE_CHECKING:
    from accounts.models import User

FRESH: Final = timedelta(minutes=5)
_MADE_HERE: Final = object()


class Factor(StrEnum):
    PASSWORD = "password"  # noqa: S105 - the name of a factor
    MFA = "mfa"
    KEY = "key"  # an API key with the scope the surface checked
    MAIL = "mail"  # a confirmation link
    SYSTEM = "system"  # the site itself: seeds and scheduled work, never a request


@dataclass(frozen=True, slots=True)
class Proof:
    user_id: int
    factor: Factor
    at: datetime
    where: str
    seal: object = None

    def __post_init__(self) -> None:
        if self.seal is not _MADE_HERE:
            raise TypeError("a Proof is made by accounts.proof only")


def make(user: User, factor: Factor, *, where: str, at: datetime | None = None) -> Proof:
    """For accounts' own callers: each names how the person was recognised."""
    return Proof(user.pk, factor, at or now(), where, _MADE_HERE)


def demand(proof: Proof | None, user: User) -> Proof:
    """The proof, if it is this user's and at most 5 minutes old; raises ProofRequired."""
    if proof is None or proof.user_id != user.pk or now() - proof.at > FRESH:
        raise ProofRequired("Please confirm that it is you: enter your password again.")
    return proof
