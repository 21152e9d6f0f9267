"""What a coin can do right now, in words: asked by every surface, decided here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adapters.models import Wallet
from ledger.models import Coin, CoinWallet, Freeze
from wallets_site.base.errors import CoinUnavailable


@dataclass(frozen=True, slots=True)
class CoinState:
    deposits_ok: bool
    withdrawals_ok: bool
    moves_ok: bool
    reason: str  # a sentence for users, empty when all is well


def frozen_wallets(uses: Iterable[CoinWallet]) -> set[int]:
    """Which of these wallets have their payouts stopped, in one statement."""
    rows = Freeze.objects.filter(wallet__in=[use.wallet_id for use in uses], ended_at=None)
    return {pk for pk in rows.values_list("wallet_id", flat=True) if pk is not None}


def state_of(coin: Coin, use: CoinWallet | None, *, frozen: set[int] | None = None) -> CoinState:
    """`use`: the coin's active wallet, with its `wallet` loaded. frozen: frozen_wallets() where it is known already."""
    if not coin.is_active:
        return CoinState(False, False, False, f"{coin.name} is switched off on this site.")
    if use is None:
        return CoinState(False, False, True, f"No {coin.name} node is connected to this site yet.")
    if use.wallet.state == Wallet.State.DOWN:
        return CoinState(
            coin.deposits_on, False, True,
            f"The {coin.name} node does not answer just now: deposits appear later and withdrawals wait."
            " Balances are safe, and sending to members works.",
        )  # fmt: skip
    if use.wallet.state == Wallet.State.CLOSED:
        return CoinState(False, False, True, f"{coin.name} deposits and withdrawals are closed until a manager acts.")
    stopped = frozen_wallets([use]) if frozen is None else frozen
    if not (coin.withdrawals_on and use.payouts_on) or use.wallet_id in stopped:
        return CoinState(coin.deposits_on, False, True, f"{coin.name} withdrawals are paused by the site.")
    reason = "" if coin.deposits_on else f"{coin.name} deposits are paused by the site."
    return CoinState(coin.deposits_on, True, True, reason)


def current_state(coin: Coin) -> CoinState:
    return state_of(coin, CoinWallet.objects.select_related("wallet").filter(coin=coin, is_active=True).first())


def demand_withdrawals(coin: Coin) -> None:
    """Raises CoinUnavailable with the reason while no withdrawal of this coin can be asked for."""
    state = current_state(coin)
    if not state.withdrawals_ok:
        raise CoinUnavailable(state.reason)


def demand_moves(coin: Coin) -> None:
    state = current_state(coin)
    if not state.moves_ok:
        raise CoinUnavailable(state.reason)
