"""What a coin can do right now, in words: asked by every surface, decided here."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from adapters.models import Wallet
from ledger.models import Coin, Switch
from ledger.services import rules
from ledger.services.rules import CoinRules
from wallets_site.base.errors import CoinUnavailable

What = Switch.What


@dataclass(frozen=True, slots=True)
class CoinState:
    deposits_ok: bool
    withdrawals_ok: bool
    moves_ok: bool
    reason: str  # a sentence for users, empty when all is well


def state_of(known: CoinRules) -> CoinState:
    """What can be done with it, after its node, its settings and the switches of managers."""
    state = _of_the_node(known)
    if not known.halted or not known.coin.is_active:
        return state
    left = {what: what not in known.halted for what in (What.DEPOSITS, What.PAYOUTS, What.MOVES)}
    reason = " ".join(part for part in (_halted_words(known), state.reason) if part)
    return CoinState(
        state.deposits_ok and left[What.DEPOSITS], state.withdrawals_ok and left[What.PAYOUTS],
        state.moves_ok and left[What.MOVES], reason,
    )  # fmt: skip


def _halted_words(known: CoinRules) -> str:
    names = {
        What.DEPOSITS: _("deposits"), What.MOVES: _("sends between members"), What.PAYOUTS: _("withdrawals"),
    }  # fmt: skip
    by_reason: dict[str, list[str]] = {}
    for what, reason in known.halted.items():
        by_reason.setdefault(reason, []).append(names[What(what)])
    return " ".join(
        _("%(coin)s: %(what)s are stopped for now. %(reason)s")
        % {"coin": known.coin.name, "what": ", ".join(what), "reason": reason}
        for reason, what in by_reason.items()
    )


def _of_the_node(known: CoinRules) -> CoinState:
    coin, use = known.coin, known.use
    if not coin.is_active:
        return CoinState(False, False, False, _("%(name)s is switched off on this site.") % {"name": coin.name})
    if use is None:
        return CoinState(False, False, True, _("No %(name)s node is connected to this site yet.") % {"name": coin.name})
    if known.recovering:
        # Nobody knows yet what of this was paid after the backup was made: a balance may be too high.
        return CoinState(
            coin.deposits_on, False, False,
            _("This site was put back from a backup and is reading the %(coin)s network again: sending and withdrawals"
              " wait, and balances may still change.") % {"coin": coin.name},
        )  # fmt: skip
    if use.wallet.state == Wallet.State.DOWN:
        return CoinState(
            coin.deposits_on, False, True,
            _(
                "The %(name)s node does not answer just now: deposits appear later and withdrawals wait."
                " Balances are safe, and sending to members works."
            ) % {"name": coin.name},
        )  # fmt: skip
    if use.wallet.state == Wallet.State.CLOSED:
        return CoinState(
            False,
            False,
            True,
            _("%(name)s deposits and withdrawals are closed until a manager acts.") % {"name": coin.name},
        )
    if not (coin.withdrawals_on and use.payouts_on) or known.stopped:
        return CoinState(
            coin.deposits_on, False, True, _("%(name)s withdrawals are paused by the site.") % {"name": coin.name}
        )
    reason = "" if coin.deposits_on else f"{coin.name} deposits are paused by the site."
    return CoinState(coin.deposits_on, True, True, reason)


def current_state(coin: Coin) -> CoinState:
    return state_of(rules.current().of(coin))


def demand_withdrawals(coin: Coin) -> None:
    """Raises CoinUnavailable with the reason while no withdrawal of this coin can be asked for."""
    state = current_state(coin)
    if not state.withdrawals_ok:
        raise CoinUnavailable(state.reason)


def demand_moves(coin: Coin) -> None:
    state = current_state(coin)
    if not state.moves_ok:
        raise CoinUnavailable(state.reason)
