"""Invoices of members: asked for, found, and paid. What a payer reads of one: services/bills.py.

An invoice is made by the coin's node; without a connected one there are none, because only the node can be paid from
outside and reveals the proof of it. The node is asked outside any transaction; an invoice that was made but never
stored was shown to nobody.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from accounts.capabilities import Capability, require
from accounts.proof import Proof
from adapters.base import AddressRequest, NewAddress
from ledger import nodes, posting
from ledger.models import Account, Address, Coin, CoinWallet, Invoice, Kind, Operation
from ledger.money import plain
from ledger.services import addresses, sending, states
from ledger.services.quotes import Quote
from wallets_site.base import crypto
from wallets_site.base.clock import now
from wallets_site.base.errors import (
    CoinUnavailable,
    IdempotencyConflict,
    InvalidAmount,
    InvalidRequest,
    LimitReached,
    NotFound,
)
from wallets_site.base.prepared import insert

if TYPE_CHECKING:
    from accounts.models import User

LONGEST_MEMO: Final = 639  # bytes, as many as an invoice holds
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=30)
MOST_OPEN: Final = 1000  # of one account: each open one is asked for again and again
PAGE: Final = 25
REMEMBERED: Final = 10_000  # accounts
_passed: dict[tuple[str, int], int] = {}  # by database and account: how many more invoices need no counting
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _Order:
    account: Account
    amount: int
    memo: str
    expires_in: int | None
    description_hash: str
    key: str

    def request(self, number: int) -> AddressRequest:
        expires = None if self.expires_in is None else now() + timedelta(seconds=self.expires_in)
        return AddressRequest(
            number=number, amount=self.amount, memo=self.memo, expires=expires, description_hash=self.description_hash
        )

    def is_for(self, made: Invoice) -> bool:
        return (made.amount, made.memo, made.description_hash) == (self.amount, self.memo, self.description_hash)


def ask(
    *, user: User, coin: Coin, amount: int, key: str, number: int = 0, memo: str = "", expires_in: int | None = None,
    description_hash: str = "", unhashed_description: str = "", needs: Capability = Capability.GENERATE_ADDRESS,
    into: Account | None = None,
) -> Invoice:  # fmt: skip
    """A new invoice over `amount` atomic units, into the account `number` of this person, or `into` where it is known.

    expires_in: seconds; None: as long as the node's wallet says. unhashed_description: the text whose SHA-256 the
    invoice carries. The same key answers with the same invoice.
    Raises InvalidAmount, InvalidRequest, IdempotencyConflict, LimitReached, CoinUnavailable.
    """
    require(user, Capability.HAS_WALLETS)
    require(user, needs)
    description_hash = _description_hash(description_hash, unhashed_description)
    _check(coin, amount, memo, expires_in)
    use = _open_wallet(coin)
    account = into or posting.account(coin, Kind.USER, owner_id=user.pk, number=number)
    order = _Order(account, amount, memo, expires_in, description_hash, key)
    repeated = _repeated(order)
    if repeated is not None:
        return repeated
    _demand_room(account)
    allotted = addresses.invoice_number(use.wallet_id)
    return _store(use, order, allotted, nodes.new_invoice(use, order.request(allotted)))


def _open_wallet(coin: Coin) -> CoinWallet:
    state = states.current_state(coin)
    use = nodes.active_wallet(coin)
    if not nodes.takes_invoices(use):
        raise InvalidRequest(_("%(coin)s has addresses, not invoices.") % {"coin": coin.name})
    if not state.deposits_ok:
        raise CoinUnavailable(state.reason)
    return use


def _check(coin: Coin, amount: int, memo: str, expires_in: int | None) -> None:
    if amount <= 0:
        raise InvalidAmount(_("The amount must be more than zero."))
    if amount < coin.min_deposit:
        least = f"{plain(coin.min_deposit, coin.decimals)} {coin.symbol}"
        raise InvalidAmount(_("The smallest amount is %(amount)s.") % {"amount": least})
    if len(memo.encode()) > LONGEST_MEMO:
        raise InvalidRequest(_("The memo is too long: %(most)s bytes at most.") % {"most": LONGEST_MEMO})
    if not memo.isprintable():
        raise InvalidRequest(_("The memo holds characters that cannot be shown."))
    if expires_in is not None and not SHORTEST <= timedelta(seconds=expires_in) <= LONGEST:
        raise InvalidRequest(_("An invoice can be paid for 1 second to 30 days."))


def _description_hash(given: str, unhashed: str) -> str:
    """Raises InvalidRequest for what is no hash, or not that of the text beside it."""
    made = hashlib.sha256(unhashed.encode()).hexdigest() if unhashed else ""
    given = given.lower()
    if given and not _HASH.fullmatch(given):
        raise InvalidRequest(_("A description hash is 64 hexadecimal digits."))
    if given and made and given != made:
        raise InvalidRequest(_("The description hash is not that of the description."))
    return given or made


def _repeated(order: _Order) -> Invoice | None:
    if not order.key:
        return None
    found = Invoice.objects.select_related("address", "account", "coin").filter(
        address__account=order.account, address__request_key=order.key
    )
    made = found.first()
    if made is not None and not order.is_for(made):
        raise IdempotencyConflict(_("This key was used before, for a different request. Use a fresh one."))
    return made


def _demand_room(account: Account) -> None:
    """Counted when it may be reached: whoever had room for many more a moment ago has room for one.

    Eight processes that each let an eighth of the room pass uncounted stay below the bound together.
    """
    site = str(connection.settings_dict["NAME"]), account.pk
    _passed[site] = left = _passed.get(site, 0) - 1
    if left >= 0:
        return
    rows = Invoice.objects.filter(account=account, paid_at=None, address__expires_at__gt=now())
    count = rows[:MOST_OPEN].count()
    if count >= MOST_OPEN:
        raise LimitReached(
            _("You have %(most)s open invoices already. Wait until some are paid or expire.") % {"most": MOST_OPEN},
            limit=MOST_OPEN,
        )
    if len(_passed) > REMEMBERED:
        _passed.clear()
    _passed[site] = (MOST_OPEN - count) // 8 - 1


def _store(use: CoinWallet, order: _Order, number: int, made: NewAddress) -> Invoice:
    address = Address(
        coin=use.coin, wallet=use.wallet, account=order.account, number=number, address=made.address,
        extra=made.extra, ref=made.ref, amount=order.amount, expires_at=made.expires, request_key=order.key,
        assigned_at=now(),
    )  # fmt: skip
    invoice = Invoice(
        coin=use.coin, account=order.account, payment_hash=made.ref, memo=order.memo,
        description_hash=order.description_hash, sealed_preimage=crypto.encrypt(made.preimage) if made.preimage else "",
    )  # fmt: skip
    try:
        with transaction.atomic(durable=True):
            insert([address])
            invoice.address = address
            insert([invoice])
    except IntegrityError as error:
        addresses.forget_numbers()
        repeated = _repeated(order)
        if repeated is None:
            raise CoinUnavailable(_("The node gave an invoice that it gave before. Please tell a manager.")) from error
        return repeated
    return invoice


def find(*, coin: Coin, payment_hash: str) -> Invoice | None:
    """Anybody's invoice of this hash: the caller looks at its account."""
    rows = Invoice.objects.select_related("address", "account", "coin", "operation")
    return rows.filter(coin=coin, payment_hash=payment_hash.lower()).first()


def own(*, user: User, payment_hash: str) -> Invoice:
    """Raises NotFound for what is not this person's."""
    rows = Invoice.objects.select_related("address", "account", "coin", "operation")
    found = rows.filter(account__owner=user, payment_hash=payment_hash.lower()).first()
    if found is None:
        raise NotFound(_("There is no such invoice."))
    return found


@dataclass(frozen=True, slots=True)
class Listed:
    """older: what `before` must be for the next page; None on the last."""

    invoices: list[Invoice]
    older: int | None


def listed(*, user: User, coin: Coin, number: int = 0, before: int | None = None, limit: int = 0) -> Listed:
    """The invoices of one account of this person, newest first; `limit` of them, or PAGE."""
    limit = limit or PAGE
    rows = Invoice.objects.select_related("address", "coin", "operation").filter(
        account__owner=user, account__coin=coin, account__kind=Kind.USER, account__number=number
    )
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: limit + 1])
    return Listed(found[:limit], found[limit - 1].pk if len(found) > limit else None)


def preview(*, user: User, coin: Coin, bolt11: str, number: int = 0, amount: int | None = None) -> Quote:
    """What paying this invoice costs: a move to a member of this site, or a withdrawal. Asks the node once."""
    return sending.preview_invoice(user=user, coin=coin, bolt11=bolt11, number=number, amount=amount)


def pay(
    *, user: User, coin: Coin, bolt11: str, proof: Proof, key: str, number: int = 0, comment: str = ""
) -> Operation:
    """Pay it from the account `number`; the payer's operation. The same key again answers with the same one.

    Raises InvalidAddress, InvoicePaid, InsufficientFunds, LimitReached, CoinUnavailable, IdempotencyConflict.
    """
    done = sending.find_sent(user=user, coin=coin, to=bolt11, amount=0, extra="", key=key, number=number)
    if done is not None:
        return done
    quote = preview(user=user, coin=coin, bolt11=bolt11, number=number)
    return sending.request_send(user=user, quote=quote, proof=proof, key=key, comment=comment)
