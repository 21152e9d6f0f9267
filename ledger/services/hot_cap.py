"""How much of a coin is kept in the hot wallet at most: an alarm above it, and what to move to cold, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from ledger import events
from ledger.models import Coin, WalletFunds, Withdrawal
from ledger.money import plain
from ledger.services.wallets import first_this_hour

KEPT: Final = (3, 4)  # of the cap is left, so that it is not full again at once


@dataclass(frozen=True, slots=True)
class Proposal:
    """Atomic units. move: what should leave for the cold wallet now; 0 where nothing of it can be spent yet."""

    coin: Coin
    held: int
    cap: int
    move: int

    @property
    def words(self) -> str:
        said = {
            "held": _text(self.held, self.coin), "cap": _text(self.cap, self.coin), "move": _text(self.move, self.coin),
        }  # fmt: skip
        if not self.move:
            words = _("The hot wallet holds %(held)s, more than the %(cap)s it should; none of it can be moved yet.")
            return words % said
        return (
            _(
                "The hot wallet holds %(held)s, more than the %(cap)s it should. Send %(move)s to your cold address"
                " from the node. Payouts then freeze, for this site does not know that transfer: end the freeze, and"
                " propose a correction from “hot” to “cold” with the transaction's id."
            )
            % said
        )


def proposal(coin: Coin) -> Proposal | None:
    """None without a cap, below it, and before the worker has asked. What is queued stays for its payouts."""
    if coin.hot_cap is None:
        return None
    funds = list(WalletFunds.objects.filter(wallet__use__coin=coin, wallet__use__is_active=True))
    held, spendable = sum(row.total for row in funds), sum(row.spendable for row in funds)
    if held <= coin.hot_cap:
        return None
    waiting = Withdrawal.objects.filter(coin=coin, state__in=(Withdrawal.State.QUEUED, Withdrawal.State.DISPATCHED))
    queued = sum(amount + reserve for amount, reserve in waiting.values_list("amount", "network_reserve"))
    kept = coin.hot_cap * KEPT[0] // KEPT[1]
    return Proposal(coin, held, coin.hot_cap, max(0, min(held - kept - queued, spendable - queued)))


def look(coin: Coin) -> Proposal | None:
    """Tell managers, once an hour, what should be moved."""
    found = proposal(coin)
    if found is not None and first_this_hour(f"hot_wallet_full:{coin.pk}"):
        events.emit("hot_wallet_full", coin=coin.symbol, reason=found.words)
    return found


def _text(amount: int, coin: Coin) -> str:
    return f"{plain(amount, coin.decimals)} {coin.symbol}"
