"""One "To" box for members and addresses: every surface sends through these two."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.proof import Proof
from accounts.queries import find_recipient
from ledger import nodes, posting
from ledger.models import Coin, Kind, Operation, Purpose
from ledger.services import addresses, fees
from ledger.services.moves import move_now, preview_move, request_move, scope_of
from ledger.services.quotes import Quote, request_of
from ledger.services.withdrawals import preview_withdrawal, request_withdrawal
from wallets_site.base.errors import CoinUnavailable, InsufficientFunds, InvalidAddress, InvalidExtra, InvalidRequest

if TYPE_CHECKING:
    from accounts.models import User


def preview_send(
    *, user: User, coin: Coin, to: str, amount: int, extra: str = "", max_amount: bool = False, level: str = ""
) -> Quote:
    """A quote for a member's name or e-mail, or for an address. max_amount: all that is available, after fees. level:
    how much the network is paid for haste, of those the coin offers; a payment between members has none.

    Raises WalletError: nobody and nothing by that text, a limit, too little available, or a coin that is closed.
    """
    text = to.strip()
    recipient = find_recipient(text) if text else None
    if recipient is None and not text:
        raise InvalidRequest(_("Enter a user name, an e-mail address or a coin address."))
    available = available_of(user, coin)
    if max_amount:
        purpose = Purpose.WITHDRAWAL if recipient is None else Purpose.MOVE
        amount = fees.most_sendable(coin, purpose, available)
        if amount == 0:
            raise InsufficientFunds(_("Nothing is left to send after the fee."), available=str(available))
    if recipient is not None:
        quote = preview_move(user=user, coin=coin, recipient=recipient, amount=amount)
    else:
        quote = _preview_address(user, coin, text, amount, extra, max_amount, available, level)
    if quote.total > available:
        raise InsufficientFunds(
            _("There is not enough available for this amount and its fee."), available=str(available)
        )
    return quote


def preview_invoice(*, user: User, coin: Coin, bolt11: str, number: int = 0, amount: int | None = None) -> Quote:
    """A quote for an invoice alone, paid from the account `number`. Raises WalletError as preview_send does."""
    quote = preview_withdrawal(user=user, coin=coin, address=bolt11, amount=amount or 0, number=number)
    if quote.bill is None:
        raise InvalidAddress(_("This is not an invoice."))
    available = available_of(user, coin, number)
    if quote.total > available:
        raise InsufficientFunds(
            _("There is not enough available for this amount and its fee."), available=str(available)
        )
    return quote


def _preview_address(
    user: User, coin: Coin, text: str, amount: int, extra: str, max_amount: bool, available: int, level: str
) -> Quote:
    if nodes.has_invoices(coin):
        amount, max_amount = (0, False) if max_amount else (amount, False)  # an invoice is paid as a whole
    try:
        quote = preview_withdrawal(user=user, coin=coin, address=text, amount=amount, extra=extra, level=level)
    except InvalidAddress as error:
        if "@" in text or len(text) <= 30:
            raise InvalidRequest(
                _("We cannot send %(symbol)s to “%(text)s”. Check the spelling.")
                % {"symbol": coin.symbol, "text": text[:60]}
            ) from error
        raise
    if not max_amount:
        return quote
    purpose = Purpose.MOVE if quote.recipient else Purpose.WITHDRAWAL
    beyond = quote.fee - fees.fee_for(coin, purpose, amount)  # what a dear level adds
    best = fees.most_sendable(coin, purpose, available, quote.network_reserve + beyond)
    if best == amount:
        return quote
    if best == 0:
        raise InsufficientFunds(_("Nothing is left to send after the fee."), available=str(available))
    return preview_withdrawal(user=user, coin=coin, address=text, amount=best, extra=extra, level=level)


def find_sent(
    *,
    user: User,
    coin: Coin,
    to: str,
    amount: int,
    extra: str,
    key: str,
    number: int = 0,
    level: str = "",
) -> Operation | None:
    """What this key paid before, for a program that repeats itself; nothing is asked or written.

    amount: 0 for what an invoice asks for itself.

    Raises IdempotencyConflict when the key was used for another payment.
    """
    recipient = find_recipient(to.strip())
    address = ""
    if recipient is not None:
        extra = ""
    else:
        address, extra, amount = _normal(coin, to, extra, amount)
        ours = addresses.ours(coin, address, extra)
        recipient = ours.account.owner if ours and ours.account else None
        extra = "" if recipient else extra
    kind = "move" if recipient else "withdrawal"
    request = request_of(
        kind, coin, recipient.pk if recipient else None, address, extra, amount, number=number,
        level="" if recipient else level,
    )  # fmt: skip
    done = posting.find(scope=scope_of(user.pk), key=key, request=request)
    return None if done is None else Operation.objects.get(transaction_id=done, user=user, incoming=False)


def _normal(coin: Coin, to: str, extra: str, amount: int) -> tuple[str, str, int]:
    """Address, extra and amount as a quote has them; of an invoice that has expired since as well."""
    try:
        if nodes.has_invoices(coin):
            invoice = nodes.read_invoice(coin, to)
            return invoice.text, extra, amount or invoice.amount or 0
        checked = nodes.check_address(coin, to)
    except InvalidAddress:
        return to.strip(), extra, amount
    with suppress(InvalidExtra):
        extra = nodes.check_extra(coin, extra, checked.extra)
    return checked.address, extra, amount


def send_to_member(
    *, user: User, coin: Coin, to: str, amount: int, proof: Proof, key: str, comment: str = ""
) -> Operation | None:
    """Preview and request in one, for programs; None when `to` names no member. The same key answers with the same
    operation. Raises WalletError as preview_send does."""
    recipient = find_recipient(to.strip()) if to.strip() else None
    if recipient is None:
        return None
    if not coin.is_active:
        raise CoinUnavailable(f"{coin.name} is switched off on this site.")
    return move_now(user=user, coin=coin, recipient=recipient, amount=amount, proof=proof, key=key, comment=comment)


def request_send(*, user: User, quote: Quote, proof: Proof, key: str, comment: str = "") -> Operation:
    """Take the quote: a move or a withdrawal; the sender's operation."""
    if not quote.coin.is_active:
        raise CoinUnavailable(_("%(name)s is switched off on this site.") % {"name": quote.coin.name})
    request = request_move if quote.kind == "move" else request_withdrawal
    return request(user=user, quote=quote, proof=proof, key=key, comment=comment)


def available_of(user: User, coin: Coin, number: int = 0) -> int:
    row = posting.known_account(coin, Kind.USER, owner_id=user.pk, number=number)
    return row.balance if row else 0
