"""What somebody typed into the "To" box: a contact, a member, an address, or a payment link. Asks no node."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from django.utils.translation import gettext as _

from accounts.queries import find_recipient
from ledger import nodes, queries
from ledger.models import Coin, Operation, Purpose
from ledger.services import contacts, fees
from wallets_site.base import throttle
from wallets_site.base.errors import CoinUnavailable, InvalidAddress, TooManyRequests
from wallets_site.base.newest import newest_of

if TYPE_CHECKING:
    from accounts.models import User

MOST_A_MINUTE: Final = 40
LOOKED_BACK: Final = 500
SHORTEST: Final = 3


@dataclass(frozen=True, slots=True)
class Recognised:
    """kind: empty when nobody and nothing is known by this text. amount: asked for by a payment link, atomic units.
    other: the coin whose address this is, when it is not this coin's."""

    kind: Literal["", "contact", "member", "address", "other"]
    words: str
    amount: int | None = None
    other: Coin | None = None
    first_time: bool = False

    @property
    def purpose(self) -> Purpose:
        return Purpose.WITHDRAWAL if self.kind == "address" else Purpose.MOVE


@dataclass(frozen=True, slots=True)
class Figures:
    """Atomic units, before any node was asked: what the recipient gets, the site's fee, what leaves, what is left."""

    amount: int
    fee: int
    total: int
    left: int


def recognise(*, user: User, coin: Coin, to: str) -> Recognised:
    """Nobody, and somebody who may not receive, get one answer. Raises TooManyRequests above 40 a minute."""
    _slow_down(user)
    text, label = to.strip(), ""
    contact = contacts.named(user, coin, text)
    if contact is not None:
        label, text = contact.label, contacts.target(contact)
    member = find_recipient(text) if text else None
    address = _as_address(user, coin, text)
    if contact is not None and address is None:
        return Recognised("contact", _("%(label)s, a member – arrives at once") % {"label": label})
    if address is not None and contact is None:
        return address
    if address is not None:
        words = _("%(label)s, an address of yours to pay") % {"label": label}
        return Recognised("address", words, address.amount, None, address.first_time)
    if member is not None:
        name = member.username or text
        return Recognised("member", _("%(name)s, a member – arrives at once") % {"name": name})
    return _of_another_coin(coin, text)


def _as_address(user: User, coin: Coin, text: str) -> Recognised | None:
    if len(text) < SHORTEST or "@" in text:
        return None
    try:
        checked = nodes.check_address(coin, text)
    except (InvalidAddress, CoinUnavailable):
        return None
    first = first_time(user, coin, checked.address)
    return Recognised("address", _("An outside %(coin)s address") % {"coin": coin.name}, checked.amount, None, first)


def _of_another_coin(coin: Coin, text: str) -> Recognised:
    for other in queries.coins() if len(text) > SHORTEST and "@" not in text else []:
        with suppress(InvalidAddress, CoinUnavailable):
            if other.pk != coin.pk and nodes.check_address(other, text):
                words = _("This is a %(coin)s address.") % {"coin": other.name}
                return Recognised("other", words, None, other)
    return Recognised("", _("Nobody and no address is known by this yet. Check the spelling."))


def first_time(user: User, coin: Coin, address: str) -> bool:
    """Whether none of this person's newest payments went there."""
    rows = newest_of(Operation.objects.filter(coin=coin), user.pk).values_list("address", "incoming")
    return (address, False) not in list(rows[:LOOKED_BACK])


def figures(*, user: User, coin: Coin, found: Recognised, amount: int) -> Figures:
    fee = fees.fee_for(coin, found.purpose, amount)
    left = queries.balance(user, coin).available - amount - fee
    return Figures(amount, fee, amount + fee, left)


def _slow_down(user: User) -> None:
    if throttle.count(f"recognise {user.pk}", 60).used > MOST_A_MINUTE:
        raise TooManyRequests(_("That was a lot of looking up. Go on in a minute, or just continue to the review."))
