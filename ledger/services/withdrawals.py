"""What a person does with a withdrawal: preview, request. Confirming and cancelling: services/lifecycle.py;
what the worker does: services/payouts.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import holds as payout_holds
from accounts import proof as proofs
from accounts.api_keys import Scope
from accounts.capabilities import Capability, learn, require, require_proven_email
from adapters.base import CheckedAddress, Payment
from adapters.base import Quote as NodeQuote
from ledger import events, locks, money, nodes, posting
from ledger.models import Address, Coin, Kind, Operation, Purpose, Withdrawal
from ledger.pokes import enqueue
from ledger.services import (
    addresses,
    bills,
    confirmations,
    contacts,
    fees,
    key_caps,
    limits,
    lookalikes,
    policy,
    screening,
    states,
)
from ledger.services.moves import held_of, preview_move, scope_of
from ledger.services.quotes import Quote
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidAddress, InvalidRequest, WrongState
from wallets_site.base.prepared import ahead

if TYPE_CHECKING:
    from accounts.models import User


def preview_withdrawal(
    *, user: User, coin: Coin, address: str, amount: int, extra: str = "", includes_fee: bool = False, number: int = 0,
    level: str = "",
) -> Quote:  # fmt: skip
    """What it costs, with the address in normal form; asks the node once.

    An invoice names its amount itself: `amount` is that or 0. number: which of the person's accounts pays.

    includes_fee: `amount` is what leaves the sender, and the address gets the rest.

    An address of a member of this site becomes a move, told by a warning; one of ours that is nobody's is refused.
    """
    checked = nodes.check_address(coin, address)
    extra = nodes.check_extra(coin, extra, checked.extra)
    bill = bills.bill_of(checked)
    if bill is not None:
        return _preview_bill(user, coin, checked, bill, amount, includes_fee, number)
    ours = addresses.ours(coin, checked.address, extra)
    if ours is not None:
        return _preview_inside(user, coin, ours, amount, includes_fee)
    return _preview_outside(user, coin, replace(checked, extra=extra), amount, includes_fee, number, level=level)


def _preview_bill(
    user: User, coin: Coin, checked: CheckedAddress, bill: bills.Bill, amount: int, includes_fee: bool, number: int
) -> Quote:
    """The invoice of a member is paid inside this site; its recipient always gets what it asks for."""
    if includes_fee and amount:
        amount, _fee = fees.split(coin, Purpose.WITHDRAWAL, amount, includes_fee=True)
    amount = bills.amount_of(coin, checked, amount)
    with ahead(bills.question(coin, checked.ref), posting.account_question(coin, user.pk, number)):
        invoice = bills.ours(coin, checked)
    if invoice is None:
        return _preview_outside(user, coin, checked, amount, False, number, bill)
    owner = invoice.account.owner
    assert owner is not None
    note = _("This invoice is of a member of this site: it is paid at once.")
    return preview_move(
        user=user, coin=coin, recipient=owner, amount=amount, address=invoice.bolt11, bill=bill, number=number,
        to_number=invoice.account.number, warnings=(note,),
    )  # fmt: skip


def _preview_outside(
    user: User, coin: Coin, checked: CheckedAddress, amount: int, includes_fee: bool, number: int,
    bill: bills.Bill | None = None, level: str = "",
) -> Quote:  # fmt: skip
    learn(user)
    require(user, Capability.WITHDRAW)
    require_proven_email(user)
    payout_holds.demand_payouts(user)
    contacts.demand(user, coin=coin, address=checked.address, extra=checked.extra)
    states.demand_withdrawals(coin)
    limits.check(user_id=user.pk, coin=coin, purpose=Purpose.WITHDRAWAL, amount=amount)
    net, fee = fees.split(coin, Purpose.WITHDRAWAL, amount, includes_fee=includes_fee)
    payment = Payment(id="quote", address=checked.address, amount=net, extra=checked.extra)
    said, more = _asked(coin, payment, level)
    twin = None if bill else lookalikes.like(user, coin, checked.address)
    warnings = (*([twin.warning] if twin else []), *_warnings(coin, checked, checked.extra, amount), *said.warnings)
    quote = Quote(
        "withdrawal", coin, user.pk, None, checked.address, checked.extra, net, fee + more, said.network_reserve,
        warnings, includes_fee=includes_fee, number=number, bill=bill, level=level, wait=said.wait,
    )  # fmt: skip
    return policy.foretold(quote, user)


def _asked(coin: Coin, payment: Payment, level: str) -> tuple[NodeQuote, int]:
    """What the node says, and what the sender pays for a dearer level than the usual one, which the house pays."""
    if level and level not in nodes.fee_levels(coin):
        raise InvalidRequest(_("This coin has no such fee level."))
    usual = nodes.quote(coin, payment)
    if not level:
        return usual, 0
    chosen = nodes.quote(coin, replace(payment, level=level))
    return chosen, max(0, chosen.fee - usual.fee)


def level_costs(coin: Coin, quote: Quote) -> list[tuple[str, int]]:
    """Each fee level of the coin and what it adds to the fee of such a payment; asks the node once a level. Nothing
    where the node asks the same for all of them now: there is no choice to offer."""
    payment = Payment(id="quote", address=quote.address, amount=quote.amount, extra=quote.extra)
    known = nodes.fee_levels(coin)
    fees_of = {level: nodes.quote(coin, replace(payment, level=level)).fee for level in ("", *known)} if known else {}
    if len(set(fees_of.values())) <= 1:
        return []
    return [(level, max(0, fees_of[level] - fees_of[""])) for level in known]


def _warnings(coin: Coin, checked: CheckedAddress, extra: str, amount: int) -> tuple[str, ...]:
    """What the sender should look at again: a missing second part, another amount than a payment link asks for."""
    words, said = nodes.extra_words(coin), []
    if words and words.missing and not extra:
        said.append(words.missing)
    if checked.amount not in (None, amount):
        asked = f"{money.plain(checked.amount or 0, coin.decimals)} {coin.symbol}"
        said.append(_("The payment link asks for %(amount)s, and you send another amount.") % {"amount": asked})
    return tuple(said)


def _preview_inside(user: User, coin: Coin, ours: Address, amount: int, includes_fee: bool) -> Quote:
    owner = ours.account.owner if ours.account else None
    if owner is None:
        raise InvalidAddress(
            _("This address belongs to this site but to none of its members; coins sent there are lost.")
        )
    note = "This address belongs to a member of this site: the payment is instant and stays off the blockchain."
    return preview_move(
        user=user, coin=coin, recipient=owner, amount=amount, address=ours.address, warnings=(note,),
        includes_fee=includes_fee,
    )  # fmt: skip


def request_withdrawal(
    *, user: User, quote: Quote, proof: proofs.Proof, key: str, comment: str = "", note: str = ""
) -> Operation:
    """Reserve amount, fee and network reserve, and queue the payout once every confirmation it needs was given.

    The same key answers with the same operation.
    """
    if quote.kind != "withdrawal":
        raise InvalidRequest(_("This quote is not for an outside address."))
    proofs.demand(proof, user, scope=Scope.WITHDRAW)
    learn(user)
    require(user, Capability.WITHDRAW)
    require_proven_email(user)
    screen = screening.ask(quote)
    with policy.keeping_refusals(), transaction.atomic(durable=True):
        free = posting.account(quote.coin, Kind.USER, owner_id=user.pk, number=quote.number)
        held = held_of(quote.coin, free)
        needs = confirmations.needed(
            coin=quote.coin, purpose=Purpose.WITHDRAWAL, amount=quote.amount, proof=proof, screen=screen
        )  # fmt: skip
        others = {*policy.also_locked(user, needs), *limits.also_locked(user.pk, quote.coin, Purpose.WITHDRAWAL)}
        locks.accounts([free.pk, held.pk, *others])
        done = posting.find(scope=scope_of(user.pk), key=key, request=quote.request)
        if done is not None:
            return Operation.objects.get(transaction_id=done, user=user)
        _demand(user, quote, proof)
        needs = policy.decide(needs, user=user, quote=quote, proof=proof)
        posted = posting.post(
            kind="withdrawal_reserved", scope=scope_of(user.pk), key=key, request=quote.request,
            legs=[posting.Leg(free, held, quote.total)], actor_id=user.pk,
        )  # fmt: skip
        operation = Operation(user=user, account=free, comment=comment, note=note, transaction_id=posted.id)
        if quote.bill is not None:
            operation.payment_hash, operation.comment = quote.bill.payment_hash, comment or quote.bill.comment
        written = _write(operation, quote, needs)
        policy.note(needs, written)
        return key_caps.note(proof=proof, operation=written)


def _demand(user: User, quote: Quote, proof: proofs.Proof) -> None:
    """Everything that may refuse a withdrawal, under the locks of its accounts."""
    quote.demand_fresh()
    payout_holds.demand_payouts(user)
    contacts.demand(user, coin=quote.coin, address=quote.address, extra=quote.extra)
    if quote.bill is not None:
        quote.bill.demand_unexpired()
        bills.demand_untried(quote.coin, quote.bill.payment_hash)
    states.demand_withdrawals(quote.coin)
    limits.check(user_id=user.pk, coin=quote.coin, purpose=Purpose.WITHDRAWAL, amount=quote.asked)
    key_caps.check(proof=proof, coin=quote.coin, total=quote.total)


def _write(operation: Operation, quote: Quote, needs: confirmations.Needs) -> Operation:
    operation.coin, operation.kind, operation.incoming = quote.coin, Operation.Kind.WITHDRAWAL, False
    operation.gross, operation.fee = quote.amount + quote.fee, quote.fee
    operation.address, operation.extra = quote.address, quote.extra
    operation.status = Operation.Status.UNCONFIRMED if needs.any else Operation.Status.PENDING
    operation.needs_user_confirm, operation.needs_admin_confirm = needs.user, needs.admin
    operation.save()
    Withdrawal.objects.create(
        operation=operation, coin=quote.coin, address=quote.address, extra=quote.extra, amount=quote.amount,
        fee=quote.fee, network_reserve=quote.network_reserve, level=quote.level,
        state=Withdrawal.State.WAITING if needs.any else Withdrawal.State.QUEUED,
    )  # fmt: skip
    events.emit("withdrawal_requested", user_id=operation.user_id, operation=operation)
    if needs.any:
        confirmations.ask(operation)
    else:
        poke_payouts(quote.coin)
    return operation


def poke_payouts(coin: Coin) -> None:
    for use in coin.wallets.filter(is_active=True):
        enqueue("pay", use.wallet_id)


def release_waiting(row: Withdrawal) -> None:
    """Every confirmation was given: into the queue. The row and its operation are locked."""
    row.state = Withdrawal.State.QUEUED
    row.save(update_fields=["state"])
    row.operation.status = Operation.Status.PENDING
    row.operation.save(update_fields=["status", "updated_at"])
    poke_payouts(row.coin)


def reserve_again(row: Withdrawal, *, actor_id: int) -> None:
    """user -> held: a cancelled or failed withdrawal is tried anew, as its next version. The row is locked."""
    free, total = row.operation.account, row.amount + row.fee + row.network_reserve
    held = held_of(row.coin, free)
    posting.post(
        kind="withdrawal_reserved", scope=f"withdrawal:{row.pk}", key=f"reserve:{row.operation.version}",
        request={"total": str(total)}, legs=[posting.Leg(free, held, total)], actor_id=actor_id,
    )  # fmt: skip
    row.state, row.tries, row.dispatch = Withdrawal.State.WAITING, 0, None
    row.save(update_fields=["state", "tries", "dispatch"])


def cancel_locked(row: Withdrawal, reason: str, *, actor_id: int | None = None) -> None:
    """Give everything back, while no payment was prepared; raises WrongState after that. Its caller holds the lock."""
    if row.state not in (Withdrawal.State.QUEUED, Withdrawal.State.WAITING):
        raise WrongState(_("This withdrawal is already on its way to the network and cannot be cancelled."))
    give_back(row, kind="withdrawal_cancelled", actor_id=actor_id)
    close(row, Withdrawal.State.CANCELLED, Operation.Status.CANCELLED, reason)
    events.emit("withdrawal_cancelled", user_id=row.operation.user_id, operation=row.operation)


def give_back(row: Withdrawal, *, kind: str, actor_id: int | None = None) -> None:
    """held -> user: amount, fee and reserve of a withdrawal that no network has seen."""
    free = row.operation.account
    held = held_of(row.coin, free)
    total = row.amount + row.fee + row.network_reserve
    posting.post(
        kind=kind, scope=f"withdrawal:{row.pk}", key=f"give_back:{row.operation.version}",
        request={"total": str(total)}, legs=[posting.Leg(held, free, total)], actor_id=actor_id,
    )  # fmt: skip


def close(row: Withdrawal, state: Withdrawal.State, status: Operation.Status, reason: str = "") -> None:
    """Both rows of a withdrawal reach their end together."""
    row.state = state
    row.save(update_fields=["state"])
    operation = row.operation
    operation.status, operation.reason, operation.done_at = status, reason, now()
    operation.confirm_digest = ""
    operation.save(update_fields=["status", "reason", "done_at", "confirm_digest", "updated_at"])
