"""What the site charges, in integers: fixed + amount * ppm / 1,000,000, rounded up, on top of the amount."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from ledger.models import Coin, Purpose
from ledger.services import rules
from wallets_site.base.errors import InvalidAmount

MILLION: Final = 1_000_000


def fee_for(coin: Coin, purpose: Purpose, amount: int) -> int:
    """The fee for a recipient's amount, atomic units."""
    return charge(*rules.current().of(coin).fee(purpose), amount)


def split(coin: Coin, purpose: Purpose, amount: int, *, includes_fee: bool) -> tuple[int, int]:
    """(what the recipient gets, the fee). includes_fee: `amount` is all that leaves the sender, and the fee is
    counted on it. Raises InvalidAmount when nothing is left."""
    fee = fee_for(coin, purpose, amount)
    net = amount - fee if includes_fee else amount
    if net <= 0:
        raise InvalidAmount(_("Amount after deducting fees must be positive"))
    return net, fee


def charge(fixed: int, ppm: int, amount: int) -> int:
    return fixed + -(-amount * ppm // MILLION)


def most_sendable(coin: Coin, purpose: Purpose, available: int, reserve: int = 0) -> int:
    """The largest amount whose fee and network reserve still fit into `available`; 0 when none does."""
    fixed, ppm = rules.current().of(coin).fee(purpose)
    room = available - fixed - reserve
    if room <= 0:
        return 0
    amount = room * MILLION // (MILLION + ppm)
    while amount + 1 + charge(fixed, ppm, amount + 1) + reserve <= available:
        amount += 1
    while amount and amount + charge(fixed, ppm, amount) + reserve > available:
        amount -= 1
    return amount
