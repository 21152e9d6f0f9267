"""Addresses made to be mistaken for one that a person knows: the same ends, another middle.

Who sends a few coins from such an address hopes that it is copied from a list the next time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import CharField, F, Value
from django.utils.translation import gettext as _

from ledger.models import Coin, Contact, Operation
from wallets_site.base.newest import newest_of

if TYPE_CHECKING:
    from accounts.models import User

ENDS: Final = 4  # people compare the first and the last characters
LOOKED_BACK: Final = 500  # newest payments
PIECE: Final = 4  # as pages show an address


@dataclass(frozen=True, slots=True)
class Lookalike:
    """label: the name of the contact; empty for an address that was only paid before."""

    label: str
    address: str

    @property
    def warning(self) -> str:
        if self.label:
            return _(
                "This address begins and ends like that of your contact “%(label)s” and is another one. "
                "Somebody may want you to mistake it."
            ) % {"label": self.label}
        return _(
            "This address begins and ends like one you paid before and is another one. "
            "Somebody may want you to mistake it."
        )


def like(user: User, coin: Coin, address: str) -> Lookalike | None:
    """The address of this person's contacts or payments of this coin that this one could be mistaken for."""
    ends = {"address__startswith": address[:ENDS], "address__endswith": address[-ENDS:]}
    newest = newest_of(Operation.objects.filter(coin=coin), user.pk).values("pk")[:LOOKED_BACK]
    name = Value("", output_field=CharField())
    paid = Operation.objects.filter(pk__in=newest, incoming=False, **ends).annotate(said=name)
    known = Contact.objects.filter(user=user, coin=coin, confirmed_at__isnull=False, **ends).annotate(said=F("label"))
    said = [rows.order_by().values_list("address", "said") for rows in (paid, known)]
    found = said[0].union(said[1], all=True)
    rows = {other: label for label, other in sorted((label, other) for other, label in found)}
    if address in rows or len(address) <= 2 * ENDS:
        return None
    return next((Lookalike(label, other) for other, label in rows.items()), None)


def compared(one: str, other: str) -> list[tuple[str, str, bool]]:
    """Both addresses in pieces of four, side by side, and whether the pieces differ."""
    longest = max(len(one), len(other))
    starts = range(0, longest, PIECE)
    pairs = [(one[at : at + PIECE], other[at : at + PIECE]) for at in starts]
    return [(left, right, left != right) for left, right in pairs]
