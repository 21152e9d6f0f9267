"""A quote: what a payment will cost, asked once, signed, valid for 60 seconds, taken by the request that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from django.contrib.auth import get_user_model
from django.core import signing
from django.utils.translation import gettext as _

from ledger.models import Coin
from ledger.services.bills import Bill
from wallets_site.base import crypto
from wallets_site.base.clock import now
from wallets_site.base.errors import QuoteExpired

if TYPE_CHECKING:
    from accounts.models import User

VALID: Final = timedelta(seconds=60)
KEPT: Final = timedelta(days=2)  # a repeat of a request that was taken in time must still be readable
_SALT: Final = "ledger.quote"


@dataclass(frozen=True, slots=True)
class Quote:
    """amount: what the recipient gets; fee: the site's; network_reserve: held until the route's cost is known."""

    kind: Literal["move", "withdrawal"]
    coin: Coin
    user_id: int
    recipient: User | None
    address: str
    extra: str
    amount: int
    fee: int
    network_reserve: int = 0
    warnings: tuple[str, ...] = ()
    expires_at: datetime = field(default_factory=lambda: now() + VALID)
    includes_fee: bool = False
    number: int = 0  # which of the sender's accounts it leaves
    to_number: int = 0  # which of the recipient's it reaches
    bill: Bill | None = None  # the invoice it pays
    level: str = ""  # the network's fee level; what it costs above the usual one is part of the fee
    wait: str = ""  # how long the network takes, in words

    @property
    def asked(self) -> int:
        """The figure that was typed, which bounds are compared with."""
        return self.amount + self.fee if self.includes_fee else self.amount

    @property
    def total(self) -> int:
        """What leaves the sender's available balance."""
        return self.amount + self.fee + self.network_reserve

    @property
    def expired(self) -> bool:
        return now() > self.expires_at

    @property
    def request(self) -> dict[str, Any]:
        return request_of(
            self.kind, self.coin, self.recipient.pk if self.recipient else None, self.address, self.extra, self.amount,
            number=self.number, level=self.level,
        )  # fmt: skip

    @property
    def token(self) -> str:
        return crypto.sign(
            {
                "k": self.kind, "c": self.coin.pk, "u": self.user_id, "r": self.recipient and self.recipient.pk,
                "a": self.address, "x": self.extra, "n": str(self.amount), "f": str(self.fee),
                "v": str(self.network_reserve), "w": list(self.warnings), "e": self.expires_at.isoformat(),
                "i": self.includes_fee, "m": self.number, "t": self.to_number, "b": _bill_text(self.bill),
                "l": self.level, "d": self.wait,
            },
            salt=_SALT,
        )  # fmt: skip

    def demand_fresh(self) -> None:
        if self.expired:
            raise QuoteExpired(_("These figures are more than a minute old. Please look at the new ones and confirm."))


def request_of(
    kind: str, coin: Coin, recipient_id: int | None, address: str, extra: str, amount: int, *, number: int = 0,
    level: str = "",
) -> dict[str, Any]:  # fmt: skip
    """What was asked for, as the idempotency key remembers it: not what it cost that minute."""
    to = recipient_id or ""
    said = {"kind": kind, "coin": coin.symbol, "to": to, "address": address, "extra": extra, "amount": str(amount)}
    return said | ({"from": number} if number else {}) | ({"level": level} if level else {})


def _bill_text(bill: Bill | None) -> list[str] | None:
    return None if bill is None else [bill.payment_hash, bill.memo, bill.expires_at.isoformat()]


def _read_bill(said: list[str] | None) -> Bill | None:
    return None if said is None else Bill(said[0], said[1], datetime.fromisoformat(said[2]))


def read_quote(token: str, *, user: User) -> Quote:
    """The quote in this token, fresh or not; raises QuoteExpired when it is forged, too old or another user's."""
    try:
        said = crypto.unsign(token, salt=_SALT, max_age=int(KEPT.total_seconds()))
    except signing.BadSignature as error:
        raise QuoteExpired(_("These figures are no longer valid. Please start again.")) from error
    coin = Coin.objects.filter(pk=said["c"]).first()
    recipient = get_user_model().objects.filter(pk=said["r"]).first() if said["r"] else None
    if coin is None or said["u"] != user.pk or (said["r"] and recipient is None):
        raise QuoteExpired(_("These figures are no longer valid. Please start again."))
    return Quote(
        kind=said["k"], coin=coin, user_id=user.pk, recipient=recipient, address=said["a"], extra=said["x"],
        amount=int(said["n"]), fee=int(said["f"]), network_reserve=int(said["v"]), warnings=tuple(said["w"]),
        expires_at=datetime.fromisoformat(said["e"]), includes_fee=said["i"], number=said.get("m", 0),
        to_number=said.get("t", 0), bill=_read_bill(said.get("b")), level=said.get("l", ""),
        wait=said.get("d", ""),
    )  # fmt: skip
