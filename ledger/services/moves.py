"""A move: coins from one member's account to another's, settled at once or when it is confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts import holds as payout_holds
from accounts import proof as proofs
from accounts.api_keys import Scope
from accounts.capabilities import Capability, learn, may, require, require_proven_email
from ledger import commits, events, locks, posting
from ledger.models import Account, Coin, Kind, Operation, Purpose
from ledger.services import (
    bills,
    confirmations,
    contacts,
    fees,
    key_caps,
    limits,
    policy,
    purse_payments,
    rules,
    screening,
    states,
)
from ledger.services.bills import Bill
from ledger.services.quotes import Quote
from wallets_site.base.clock import now
from wallets_site.base.errors import InsufficientFunds, InvalidRequest, WalletError
from wallets_site.base.prepared import insert

if TYPE_CHECKING:
    from accounts.models import User

_DONE: Final = ("move_sent", "move_received")


def scope_of(user_id: int) -> str:
    """One space of idempotency keys per person, whatever the surface or the kind of payment."""
    return f"user:{user_id}"


def preview_move(
    *, user: User, coin: Coin, recipient: User, amount: int, address: str = "", warnings: tuple[str, ...] = (),
    includes_fee: bool = False, number: int = 0, to_number: int = 0, bill: Bill | None = None,
) -> Quote:  # fmt: skip
    """What it costs; asks no node. Raises WalletError for whatever would be refused anyway.

    includes_fee: `amount` is what leaves the sender, and the recipient gets the rest.
    """
    _check_people(user, recipient, elsewhere=number != to_number)
    contacts.demand(user, recipient=recipient, coin=coin, address=address)
    states.demand_moves(coin)
    limits.check(user_id=user.pk, coin=coin, purpose=Purpose.MOVE, amount=amount)
    net, fee = fees.split(coin, Purpose.MOVE, amount, includes_fee=includes_fee)
    quote = Quote(
        "move", coin, user.pk, recipient, address, "", net, fee, warnings=warnings, includes_fee=includes_fee,
        number=number, to_number=to_number, bill=bill,
    )  # fmt: skip
    return policy.foretold(quote, user)


def move_now(
    *, user: User, coin: Coin, recipient: User, amount: int, proof: proofs.Proof, key: str, comment: str = "",
    tags: str = "", includes_fee: bool = False,
) -> Operation:  # fmt: skip
    """request_move for a program, which takes the costs as they are: what may refuse it is asked once, under its locks.

    Raises WalletError; InsufficientFunds tells the total and what is available.
    """
    net, fee = fees.split(coin, Purpose.MOVE, amount, includes_fee=includes_fee)
    quote = Quote("move", coin, user.pk, recipient, "", "", net, fee, includes_fee=includes_fee)
    try:
        return request_move(user=user, quote=quote, proof=proof, key=key, comment=comment, tags=tags)
    except InsufficientFunds as error:
        raise InsufficientFunds(error.message, total=str(quote.total), **error.data) from error


def request_move(
    *, user: User, quote: Quote, proof: proofs.Proof, key: str, comment: str = "", tags: str = ""
) -> Operation:
    """Move the coins; the sender's operation. The same key again answers with the same operation.

    Where a confirmation is needed the coins are reserved, and settle() or give_back() follows.
    """
    recipient = quote.recipient
    if quote.kind != "move" or recipient is None:
        raise InvalidRequest(_("This quote is not for a member of this site."))
    proofs.demand(proof, user, scope=Scope.SEND)
    _check_people(user, recipient, elsewhere=quote.number != quote.to_number)
    screen = screening.ask(quote)
    sent = _at_once(user, recipient, quote, proof, key, comment, tags, screen)
    if sent is not None:
        return sent
    with policy.keeping_refusals():
        return commits.together(partial(_make, user, recipient, quote, proof, key, comment, tags, screen))


@rules.asked_once()
def _at_once(
    user: User, recipient: User, quote: Quote, proof: proofs.Proof, key: str, comment: str, tags: str,
    screen: screening.Screened | None,
) -> Operation | None:  # fmt: skip
    """The move in one statement, where nothing about it must be counted under its locks. None: nothing was written,
    and the longer way decides and says why."""
    if connection.in_atomic_block or not posting.by_functions() or not _plain(user, recipient, quote, proof, screen):
        return None
    at = now()
    made = posting.move(
        coin_id=quote.coin.pk, payer=posting.Side(user.pk, quote.number), amount=quote.amount, fee=quote.fee,
        payee=posting.Side(recipient.pk, quote.to_number), scope=scope_of(user.pk), key=key, request=quote.request,
        at=at, rules_version=rules.current().version, address=quote.address, tags=tags,
        comment=_words(quote, comment),
        topics=[(name, events.TOPICS[name].mails) for name in _DONE], key_id=proof.key_id,
        payment_hash=quote.bill.payment_hash if quote.bill else "",
    )  # fmt: skip
    if made is None:
        return None
    events.written(zip(_DONE, (user.pk, recipient.pk), strict=True))
    pair = _Pair(quote, user, recipient, made.payer_account_id, made.payee_account_id, comment, tags)
    sent = pair.sent(
        made.transaction_id, status=Operation.Status.DONE, done_at=at, pk=made.sent_id, pair_id=made.received_id,
        created_at=at, updated_at=at,
    )  # fmt: skip
    sent._state.adding, sent._state.db, sent.known_number = False, connection.alias, quote.number
    return sent


def _words(quote: Quote, comment: str) -> str:
    """What stands on both rows: the payer's own words, or else those of the invoice."""
    return comment or (quote.bill.comment if quote.bill else "")


def _plain(user: User, recipient: User, quote: Quote, proof: proofs.Proof, screen: screening.Screened | None) -> bool:
    """Whether what is in memory says all there is to say of it, and that is yes."""
    if limits.counts(quote.coin, Purpose.MOVE):
        return False
    needs = confirmations.needed(coin=quote.coin, purpose=Purpose.MOVE, amount=quote.amount, proof=proof, screen=screen)
    if needs.any or needs.watched:
        return False
    try:
        _demand_known(user, recipient, quote)
    except WalletError:
        return False
    return True


@rules.asked_anew()
def _make(
    user: User, recipient: User, quote: Quote, proof: proofs.Proof, key: str, comment: str, tags: str,
    screen: screening.Screened | None,
) -> Operation:  # fmt: skip
    """What request_move does in its transaction."""
    sender = posting.account(quote.coin, Kind.USER, owner_id=user.pk, number=quote.number)
    receiver = posting.account(quote.coin, Kind.USER, owner_id=recipient.pk, number=quote.to_number)
    needs = confirmations.needed(
        coin=quote.coin, purpose=Purpose.MOVE, amount=quote.amount, proof=proof, screen=screen
    )  # fmt: skip
    source = held_of(quote.coin, sender) if needs.any or needs.watched else sender
    paying = None if needs.any else quote.bill
    claimed = paying is not None and bills.claim(paying.payment_hash, quote.coin, inside=True)
    others = {*policy.also_locked(user, needs), *limits.also_locked(user.pk, quote.coin, Purpose.MOVE)}
    locks.accounts([sender.pk, receiver.pk, source.pk, *others])
    done = posting.find(scope=scope_of(user.pk), key=key, request=quote.request)
    if done is not None:
        transaction.set_rollback(claimed)
        return Operation.objects.get(transaction_id=done, user=user, incoming=False)
    with rules.asked_anew():
        _demand(user, recipient, quote, proof, claimed=claimed)
    needs = policy.decide(needs, user=user, quote=quote, proof=proof)
    if claimed and needs.any and paying is not None:
        bills.unclaim(paying.payment_hash, quote.coin)
    reserve = [posting.Leg(sender, source, quote.total)]
    posted = posting.post(
        kind="move_reserved" if needs.any else "move", scope=scope_of(user.pk), key=key, request=quote.request,
        legs=reserve if needs.any else _legs(quote.coin, sender, receiver, quote.amount, quote.fee),
        actor_id=user.pk,
    )  # fmt: skip
    pair = _Pair(quote, user, recipient, sender.pk, receiver.pk, comment, tags)
    sent = _write_waiting(posted.id, pair, needs) if needs.any else _write_done(posted.id, pair)
    policy.note(needs, sent)
    return key_caps.note(proof=proof, operation=sent)


def _demand(user: User, recipient: User, quote: Quote, proof: proofs.Proof, *, claimed: bool) -> None:
    """Everything that may refuse a move, under the locks of its accounts."""
    _demand_known(user, recipient, quote)
    if quote.bill is not None:
        bills.demand_payable(quote.bill, quote.coin, claimed=claimed)
    key_caps.check(proof=proof, coin=quote.coin, total=quote.total)


def _demand_known(user: User, recipient: User, quote: Quote) -> None:
    """The part of it that, without a daily bound, takes no count of what happened before."""
    quote.demand_fresh()
    if quote.bill is not None:
        quote.bill.demand_unexpired()
    contacts.demand(user, recipient=recipient, coin=quote.coin, address=quote.address)
    states.demand_moves(quote.coin)
    limits.check(user_id=user.pk, coin=quote.coin, purpose=Purpose.MOVE, amount=quote.asked)


def held_of(coin: Coin, account: Account) -> Account:
    """Where what was reserved from this account of a person lies."""
    return posting.account(coin, Kind.HELD, owner_id=account.owner_id, number=account.number)


def _legs(coin: Coin, source: Account, receiver: Account, amount: int, fee: int) -> list[posting.Leg]:
    legs = [posting.Leg(source, receiver, amount)]
    if fee:
        legs.append(posting.Leg(source, posting.account(coin, Kind.FEE_INCOME), fee))
    return legs


def settle(sent: Operation) -> None:
    """held -> recipient and fee income: a reserved move whose every confirmation was given. Its rows are locked.

    One to an invoice that expired meanwhile, or that somebody else paid, goes back to its sender.
    """
    received = sent.pair
    assert received is not None
    if sent.payment_hash and (reason := bills.claim_late(sent)):
        give_back(sent, Operation.Status.CANCELLED, reason)
        return
    held = held_of(sent.coin, sent.account)
    posting.post(
        kind="move", scope=f"operation:{sent.pk}", key=f"settle:{sent.version}", request={"total": str(sent.gross)},
        legs=_legs(sent.coin, held, received.account, sent.net, sent.fee),
    )  # fmt: skip
    for row in (sent, received):
        row.status, row.reason, row.done_at = Operation.Status.DONE, "", now()
        row.save(update_fields=["status", "reason", "done_at", "updated_at"])
    bills.note_payment(received)
    _tell_done(sent, received)


def give_back(sent: Operation, status: Operation.Status, reason: str, *, actor_id: int | None = None) -> None:
    """held -> sender: a reserved move that will not be. Its rows are locked."""
    held = held_of(sent.coin, sent.account)
    posting.post(
        kind="move_cancelled", scope=f"operation:{sent.pk}", key=f"give_back:{sent.version}",
        request={"total": str(sent.gross)}, legs=[posting.Leg(held, sent.account, sent.gross)], actor_id=actor_id,
    )  # fmt: skip
    for row in (sent, sent.pair):
        assert row is not None
        row.status, row.reason, row.done_at = status, reason, now()
        row.confirm_digest = ""
        row.save(update_fields=["status", "reason", "done_at", "confirm_digest", "updated_at"])
    events.emit("move_cancelled", user_id=sent.user_id, operation=sent)


def reserve_again(sent: Operation, *, actor_id: int) -> None:
    """sender -> held: a cancelled or failed move is tried anew, as its next version. Its rows are locked."""
    held = held_of(sent.coin, sent.account)
    posting.post(
        kind="move_reserved", scope=f"operation:{sent.pk}", key=f"reserve:{sent.version}",
        request={"total": str(sent.gross)}, legs=[posting.Leg(sent.account, held, sent.gross)], actor_id=actor_id,
    )  # fmt: skip


def _check_people(user: User, recipient: User, *, elsewhere: bool = False) -> None:
    """elsewhere: it reaches another account than the one it leaves."""
    learn(user, recipient)
    require(user, Capability.SEND_TO_USER)
    require_proven_email(user)
    payout_holds.demand_not_frozen(user)
    if recipient.pk == user.pk and not elsewhere:
        raise InvalidRequest(_("This is your own account; there is nothing to send."))
    if not may(recipient, Capability.HAS_WALLETS):
        raise InvalidRequest(_("This person cannot receive coins here."))


@dataclass(frozen=True, slots=True)
class _Pair:
    """What both rows of a move are written from."""

    quote: Quote
    user: User
    recipient: User
    sender_id: int
    receiver_id: int
    comment: str
    tags: str

    def write(self, transaction_id: int, **shared: Any) -> tuple[Operation, Operation]:
        sent, received = self.sent(transaction_id, **shared), self.received(transaction_id, **shared)
        insert([sent, received])
        both = sent.pk + received.pk
        Operation.objects.filter(pk__in=[sent.pk, received.pk]).update(pair_id=both - F("pk"))
        sent.pair, received.pair = received, sent
        return sent, received

    def sent(self, transaction_id: int, **more: Any) -> Operation:
        quote = self.quote
        return Operation(
            user=self.user, account_id=self.sender_id, incoming=False, gross=quote.amount + quote.fee, fee=quote.fee,
            counterpart=self.recipient, address=quote.address, **self._shared(transaction_id), **more,
        )  # fmt: skip

    def received(self, transaction_id: int, **more: Any) -> Operation:
        return Operation(
            user=self.recipient, account_id=self.receiver_id, incoming=True, gross=self.quote.amount,
            counterpart=self.user, **self._shared(transaction_id), **more,
        )  # fmt: skip

    def _shared(self, transaction_id: int) -> dict[str, Any]:
        quote, bill = self.quote, self.quote.bill
        return {
            "coin": quote.coin, "kind": Operation.Kind.MOVE, "comment": _words(quote, self.comment),
            "tags": self.tags, "transaction_id": transaction_id, "payment_hash": bill.payment_hash if bill else "",
        }  # fmt: skip


def _write_done(transaction_id: int, pair: _Pair) -> Operation:
    sent, received = pair.write(transaction_id, status=Operation.Status.DONE, done_at=now())
    bills.note_payment(received)
    _tell_done(sent, received)
    return sent


def _tell_done(sent: Operation, received: Operation) -> None:
    events.emit_all(zip(_DONE, (sent, received), strict=True))
    purse_payments.tell(received)


def _write_waiting(transaction_id: int, pair: _Pair, needs: confirmations.Needs) -> Operation:
    sent, received = pair.write(
        transaction_id, status=Operation.Status.UNCONFIRMED, needs_user_confirm=needs.user,
        needs_admin_confirm=needs.admin,
    )  # fmt: skip
    confirmations.ask(sent)
    events.emit("move_incoming", user_id=received.user_id, operation=received)
    return sent
