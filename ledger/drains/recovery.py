"""After a restored backup: what became of each payment the books still wait for, then of each transfer they lack."""

from __future__ import annotations

import logging

from adapters.base import CoinAdapter, Confirmed, Dead, Pending, Unknown
from ledger.models import CoinWallet, Dispatch
from ledger.services import matching, payouts, recovery

log = logging.getLogger(__name__)


def settle(use: CoinWallet, adapter: CoinAdapter, *, whole: bool) -> None:
    """One round; does nothing outside a recovery. whole: the wallet was read to its end, from its beginning on."""
    if recovery.reading(use.wallet_id) is None:
        return
    if not whole:
        recovery.note(use.wallet_id, "the chain is being read", read=False)
        return
    unknown = [words for row in payouts.live(use.wallet) if (words := _look_up(use, adapter, row))]
    if unknown:
        # An unknown payment may be the very transfer that the books lack: nothing is matched before it is known.
        recovery.note(use.wallet_id, f"{len(unknown)} payouts are unclear: {unknown[0]}", read=False)
        return
    _follow_up(use, adapter)
    addresses = {address for address in recovery.undecided(use.wallet_id).values_list("address", flat=True) if address}
    matching.judge(use.wallet_id, {address: adapter.is_ours(address) for address in addresses} | {"": False})
    left = recovery.undecided(use.wallet_id)
    blocked = left.filter(state="blocked").count()
    words = f"{blocked} transfers may be withdrawals that still wait: cancel or keep those first" if blocked else ""
    seen = left.filter(state="seen").count()
    recovery.note(use.wallet_id, words or (f"{seen} transfers wait for confirmations" if seen else ""), read=not seen)


def _look_up(use: CoinWallet, adapter: CoinAdapter, row: Dispatch) -> str:
    """Writes down what is known of it; in words what is not."""
    found = adapter.lookup(payouts.as_tried(row))
    if isinstance(found, Unknown):
        payouts.note_wait(row.pk, found.reason)
        return found.reason
    if isinstance(found, Dead):
        payouts.release(row.pk, found.reason)
    elif isinstance(found, Pending | Confirmed):
        depth = found.confirmations if isinstance(found, Confirmed) else 0
        payouts.confirm(row.pk, txid=found.txid, confirmations=depth, fee=found.fee, needed=use.coin.confirmations)
    return ""


def _follow_up(use: CoinWallet, adapter: CoinAdapter) -> None:
    """A transfer that falls out of the chain is often never reported again."""
    for txid in dict.fromkeys(recovery.undecided(use.wallet_id).values_list("txid", flat=True)):
        if not any(not one.incoming and not one.gone for one in adapter.transfer(txid)):
            matching.forget(use.wallet_id, txid)
