"""Incoming transfers: seen, credited once at enough confirmations, and what happens when the chain takes one back.

Identity is (wallet, txid, output), whatever the node repeats. A deposit that vanishes after its credit is never
silently debited: that person's payments of the coin are frozen until it returns or a manager decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.db.models import Q

from adapters.base import Found, Page
from ledger import events, locks, posting
from ledger.models import (
    Account,
    Address,
    CoinWallet,
    Deposit,
    Dispatch,
    Freeze,
    Kind,
    Operation,
    Recovered,
    RecoveryWallet,
)
from ledger.services import bills, matching, purse_payments, recovery, rules, switches
from wallets_site.base.clock import now

MISSING_POLLS: Final = 2  # polls in a row that must not know a deposit before it counts as gone
TOGETHER: Final = 500  # rows of one statement
_SETTLED = (Deposit.State.CREDITED, Deposit.State.UNCLAIMED, Deposit.State.SMALL)


def record_page(wallet_id: int, page: Page) -> None:
    """Everything a page says, and its cursor, in one transaction."""
    with transaction.atomic(durable=True):
        use = locks.coin_wallet(wallet_id)
        record_transfers(use, page.transfers)
        wallet = use.wallet
        wallet.cursor, wallet.scanned_at = page.cursor, now()
        wallet.save(update_fields=["cursor", "scanned_at"])


def record_lookup(wallet_id: int, txid: str, found: Sequence[Found]) -> None:
    """What the node says of one txid, asked for by itself; nothing at all counts towards "gone"."""
    with transaction.atomic(durable=True):
        use = locks.coin_wallet(wallet_id)
        record_transfers(use, found)
        outputs = {item.output for item in found if item.incoming}
        for deposit in locks.deposits(wallet_id, [txid]):
            if deposit.output not in outputs:
                _missed(deposit)


def unsettled(wallet_id: int, *, watched: bool = True) -> list[str]:
    """Txids that a later chain may still change, and that a scan therefore asks for one by one. watched: those that
    are settled and not deep yet as well."""
    use = CoinWallet.objects.select_related("coin").get(wallet_id=wallet_id)
    wanted = Q(state=Deposit.State.SEEN) | Q(state__in=_SETTLED, missing__gt=0)
    if watched:
        settled = (*_SETTLED, Deposit.State.VANISHED)
        wanted |= Q(state__in=settled, confirmations__lt=use.coin.watch_confirmations)
    rows = Deposit.objects.filter(wallet_id=wallet_id).filter(wanted)
    return list(dict.fromkeys(rows.order_by("pk").values_list("txid", flat=True)))


@rules.asked_anew()
def record_transfers(use: CoinWallet, transfers: Sequence[Found]) -> None:
    ours = {item.txid for item in transfers if not item.incoming}  # from one of our addresses to another: nothing came
    incoming = [item for item in transfers if item.incoming and item.amount > 0 and item.txid not in ours]
    known = {(row.txid, row.output): row for row in locks.deposits(use.wallet_id, [item.txid for item in incoming])}
    texts = {item.address for item in incoming}
    addresses = {
        (row.address, row.extra): row
        for row in Address.objects.select_related("account", "invoice").filter(coin=use.coin, address__in=texts)
    }
    fresh: dict[tuple[str, str], tuple[Found, Address | None]] = {}
    for item in incoming:
        name = item.txid, item.output
        deposit = known.get(name)
        if deposit is not None:
            _update(use, deposit, item)
        elif not item.gone:
            fresh[name] = item, addresses.get((item.address, item.extra))
    _all_first_seen(use, list(fresh.values()))
    outgoing = [item for item in transfers if not item.incoming and not item.gone]
    part = recovery.reading(use.wallet_id) if outgoing else None
    _check_outgoing(use, [item for item in outgoing if not _older(use, item, again=part is not None)], part)


def _all_first_seen(use: CoinWallet, fresh: Sequence[tuple[Found, Address | None]]) -> None:
    """One that pays an invoice goes its own way; all others are written together, in the state they are in."""
    if not fresh:
        return
    plain = []
    hot = posting.account(use.coin, Kind.HOT)
    # Accounts are locked one after another from here on: in the order of their numbers, as everywhere.
    for item, address in sorted(fresh, key=lambda pair: (pair[1].account_id or 0) if pair[1] else 0):
        if getattr(address, "invoice", None) is None:
            plain.append(_as_first_seen(use, item, address, hot))
        else:
            _update(use, _first_seen(use, item, address), item)
    operations = [deposit.operation for deposit in plain if deposit.operation is not None]
    Operation.objects.bulk_create(operations, batch_size=TOGETHER)
    for deposit in plain:
        deposit.operation_id = deposit.operation.pk if deposit.operation else None
    Deposit.objects.bulk_create(plain, batch_size=TOGETHER)
    _tell([("deposit_seen", one) for one in operations])
    _tell([("deposit_credited", one) for one in operations if one.status == Operation.Status.DONE])


def _tell(what: Sequence[tuple[str, Operation]]) -> None:
    for start in range(0, len(what), TOGETHER):
        events.emit_all(what[start : start + TOGETHER])


def _as_first_seen(use: CoinWallet, item: Found, address: Address | None, hot: Account) -> Deposit:
    """Unsaved, with an unsaved operation where it is somebody's; credited at once when it is deep enough already."""
    # One held by the suspense account was set aside after a restored backup: nobody is known to hold it.
    account = address.account if address and address.account and address.account.owner_id else None
    deposit = Deposit(
        wallet=use.wallet, coin=use.coin, txid=item.txid, output=item.output, address_text=item.address,
        address=address if account else None, amount=item.amount, confirmations=item.confirmations, locked=item.locked,
    )  # fmt: skip
    if account is not None and item.amount >= use.coin.min_deposit:
        assert account.owner_id is not None
        deposit.operation = Operation(
            user_id=account.owner_id, account=account, coin=use.coin, kind=Operation.Kind.DEPOSIT, incoming=True,
            status=Operation.Status.PENDING, gross=item.amount, address=item.address, extra=item.extra, txid=item.txid,
            confirmations=item.confirmations,
        )  # fmt: skip
    deep = item.confirmations >= use.coin.confirmations and not item.locked
    if deep and not switches.deposits_stopped(use.coin):
        _book(use, deposit, hot)
    return deposit


def _first_seen(use: CoinWallet, item: Found, address: Address | None) -> Deposit:
    """What reaches an invoice that a member paid inside this site already is nobody's: it waits for a manager."""
    # One held by the suspense account was set aside after a restored backup: nobody is known to hold it.
    account = address.account if address and address.account and address.account.owner_id else None
    invoice = getattr(address, "invoice", None)
    if invoice is not None and not bills.claim(invoice.payment_hash, use.coin, inside=False):
        account, invoice = None, None
    deposit = Deposit(
        wallet=use.wallet, coin=use.coin, txid=item.txid, output=item.output, address_text=item.address,
        address=address if account else None, amount=item.amount,
    )  # fmt: skip
    if account is not None and (invoice is not None or item.amount >= use.coin.min_deposit):
        assert account.owner_id is not None
        deposit.operation = Operation.objects.create(
            user_id=account.owner_id, account=account, coin=use.coin, kind=Operation.Kind.DEPOSIT, incoming=True,
            status=Operation.Status.PENDING, gross=item.amount, address=item.address, extra=item.extra, txid=item.txid,
            payment_hash=invoice.payment_hash if invoice else "", comment=invoice.memo[:500] if invoice else "",
        )  # fmt: skip
        bills.note_payment(deposit.operation)
        if invoice is not None and item.preimage and not invoice.sealed_preimage:
            bills.keep_preimage(deposit.operation, item.preimage)
        events.emit("deposit_seen", user_id=account.owner_id, operation=deposit.operation)
    deposit.save()
    return deposit


def _is_old_news(use: CoinWallet, deposit: Deposit, item: Found) -> bool:
    """Settled and deeper than anybody watches, then as now: a wallet read anew is mostly this, and nothing changes."""
    deep = use.coin.watch_confirmations
    settled = deposit.state in _SETTLED and not deposit.missing and deposit.confirmations >= deep
    return settled and item.confirmations >= deep and not item.gone


def _update(use: CoinWallet, deposit: Deposit, item: Found) -> None:
    if _is_old_news(use, deposit, item):
        return
    deposit.missing = 0
    if item.gone:
        _gone(deposit)
        return
    if deposit.state == Deposit.State.GONE:
        deposit.state = Deposit.State.SEEN
        _show(deposit, Operation.Status.PENDING, "")
    if deposit.state == Deposit.State.SEEN:
        deposit.amount = item.amount
    deposit.confirmations, deposit.locked = item.confirmations, item.locked
    due = deposit.state == Deposit.State.SEEN and item.confirmations >= use.coin.confirmations and not item.locked
    if due and not switches.deposits_stopped(use.coin):
        _credit(use, deposit)
    elif deposit.state == Deposit.State.VANISHED and item.confirmations >= use.coin.confirmations:
        _returned(deposit)
    deposit.save()
    if deposit.operation_id:
        Operation.objects.filter(pk=deposit.operation_id).exclude(confirmations=item.confirmations).update(
            confirmations=item.confirmations, updated_at=now()
        )


def _credit(use: CoinWallet, deposit: Deposit) -> None:
    _book(use, deposit, posting.account(use.coin, Kind.HOT))
    operation = deposit.operation
    if operation is not None:
        operation.save(update_fields=["status", "done_at", "gross", "transaction", "confirmations", "updated_at"])
        events.emit("deposit_credited", user_id=operation.user_id, operation=operation)
        purse_payments.tell(operation)


def _book(use: CoinWallet, deposit: Deposit, hot: Account) -> None:
    """hot -> the member's account, or suspense when nobody holds the address or it is too small to credit. Its rows
    are only changed here, not saved."""
    operation = deposit.operation
    target = operation.account if operation else posting.account(use.coin, Kind.SUSPENSE)
    leg = posting.Leg(hot, target, deposit.amount)
    posted = posting.post(
        kind="deposit", scope=f"deposit:{deposit.wallet_id}", key=f"{deposit.txid}:{deposit.output}",
        request={"coin": use.coin.symbol}, legs=[leg],
    )  # fmt: skip
    deposit.credited_at = now()
    if operation is None:
        deposit.state = Deposit.State.SMALL if deposit.address_id else Deposit.State.UNCLAIMED
        if deposit.state == Deposit.State.UNCLAIMED:
            events.emit("deposit_unclaimed", coin=use.coin.symbol, txid=deposit.txid, amount=str(deposit.amount))
        return
    deposit.state = Deposit.State.CREDITED
    operation.status, operation.done_at, operation.gross = Operation.Status.DONE, now(), deposit.amount
    operation.transaction_id, operation.confirmations = posted.id, deposit.confirmations


def _missed(deposit: Deposit) -> None:
    deposit.missing += 1
    if deposit.missing >= MISSING_POLLS:
        _gone(deposit)
    else:
        deposit.save(update_fields=["missing"])


def _gone(deposit: Deposit) -> None:
    """The node knows it can no longer confirm, or has forgotten it."""
    deposit.confirmations = 0
    if deposit.state == Deposit.State.SEEN:
        deposit.state = Deposit.State.GONE
        _show(deposit, Operation.Status.CANCELLED, "The sender's payment never reached the blockchain.")
        if deposit.operation:
            events.emit("deposit_gone", user_id=deposit.operation.user_id, operation=deposit.operation)
    elif deposit.state in _SETTLED:
        deposit.state = Deposit.State.VANISHED
        _freeze(deposit)
    deposit.save()


def _show(deposit: Deposit, status: Operation.Status, reason: str) -> None:
    operation = deposit.operation
    if operation is None:
        return
    operation.status, operation.reason = status, reason
    operation.done_at = now() if operation.is_final else None
    operation.save(update_fields=["status", "reason", "done_at", "updated_at"])


def _freeze(deposit: Deposit) -> None:
    owner = deposit.operation.user if deposit.operation else None
    reason = f"A credited deposit left the blockchain again ({deposit.txid[:16]}…)."
    scope = {"user": owner, "coin": deposit.coin} if owner else {"wallet": deposit.wallet}
    Freeze.objects.update_or_create(
        cause=Freeze.Cause.VANISHED, subject=f"deposit:{deposit.pk}",
        defaults={"reason": reason, "ended_at": None, "ended_reason": "", **scope},
    )  # fmt: skip
    events.emit("deposit_vanished", user_id=owner.pk if owner else None, operation=deposit.operation)
    events.emit("payouts_frozen", reason=reason)


def _returned(deposit: Deposit) -> None:
    """Back on the chain with enough confirmations: it was credited once and stays so; the freeze ends by itself."""
    deposit.state = Deposit.State.CREDITED if deposit.operation_id else Deposit.State.UNCLAIMED
    Freeze.objects.filter(cause=Freeze.Cause.VANISHED, subject=f"deposit:{deposit.pk}", ended_at=None).update(
        ended_at=now(), ended_reason="The deposit is on the blockchain again."
    )


def _older(use: CoinWallet, item: Found, *, again: bool) -> bool:
    """What left the wallet before this site was connected to it is its owner's business; nodes tell whole seconds.
    again: the books are an older copy, which may be from before the first scan."""
    connected = use.wallet.created_at.replace(microsecond=0)
    return (use.wallet.scanned_at is None and not again) or (item.at is not None and item.at < connected)


def _under_way(use: CoinWallet, outgoing: Sequence[Found]) -> set[str]:
    """Txids of payments whose answer we still wait for, on networks that name a payment only when it is sent: told by
    the extra it was sent with."""
    rows = Dispatch.objects.filter(wallet=use.wallet, state=Dispatch.State.LIVE, attempts__gt=0, txid="")
    pairs = rows.values_list("ident", "withdrawals__extra")
    extras = {text.lower() for pair in pairs for text in pair if text}
    return {item.txid for item in outgoing if item.extra and item.extra in extras}


def _check_outgoing(use: CoinWallet, outgoing: Sequence[Found], part: RecoveryWallet | None) -> None:
    """A transfer out of our wallet that no dispatch explains: somebody else has the key, or used the node; in a
    recovery, more likely the site itself, after the backup was made."""
    txids = {item.txid for item in outgoing}
    if not txids:
        return
    ours = Dispatch.objects.filter(wallet=use.wallet).filter(Q(txid__in=txids) | Q(ident__in=txids))
    known = {text for pair in ours.values_list("txid", "ident") for text in pair} | _under_way(use, outgoing)
    if part is not None:
        matching.note_seen(part, use, [item for item in outgoing if item.txid not in known])
        return
    if txids - known:
        known |= set(Recovered.objects.filter(wallet=use.wallet, txid__in=txids).values_list("txid", flat=True))
    for txid in sorted(txids - known):
        _raise_key_alarm(use, txid, "a transaction this site did not make")
    confirmed = {item.txid for item in outgoing if item.confirmations > 0}
    # Given back as never paid, and yet it is in a block: the house has paid twice.
    for txid in sorted(confirmed & set(ours.filter(state=Dispatch.State.DEAD).values_list("ident", flat=True))):
        _raise_key_alarm(use, txid, "a payment that was given up and given back")


def _raise_key_alarm(use: CoinWallet, txid: str, what: str) -> None:
    reason = f"{use.coin.symbol} left the wallet “{use.wallet.name}” in {what}: {txid}"
    _, new = Freeze.objects.get_or_create(
        cause=Freeze.Cause.KEY_ALARM, subject=f"{use.wallet_id}:{txid}",
        defaults={"wallet": use.wallet, "reason": reason[:300]},
    )  # fmt: skip
    if new:
        events.emit("payouts_frozen", wallet=use.wallet.name, txid=txid, reason=reason)
