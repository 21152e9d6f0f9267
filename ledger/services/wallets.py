"""What is known of a coin's node, and the switch that stops payouts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db import transaction

from accounts.audit import What, record
from accounts.capabilities import Capability, require
from adapters.base import Funds, Health
from adapters.models import Wallet
from ledger import events, locks, nodes
from ledger.models import Coin, CoinWallet, Freeze, WalletFunds
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, WrongState

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)


def record_health(wallet: Wallet, health: Health) -> None:
    """Keep what the node said of itself; one event when it closes."""
    closed = not health.ok and bool(health.network)  # it answers, but as something we must not use
    state = Wallet.State.OK if health.ok else Wallet.State.CLOSED if closed else Wallet.State.DOWN
    if state == Wallet.State.CLOSED and wallet.state != state:
        events.emit("node_closed", wallet=wallet.name, reason=health.reason[:300])
    wallet.state, wallet.reason, wallet.locked = state, health.reason[:300], health.locked
    wallet.checked_at = now()
    fields = ["state", "reason", "locked", "checked_at"]
    if health.ok:
        wallet.answered_at, wallet.node_version, wallet.height = now(), health.version[:60], health.height
        fields += ["answered_at", "node_version", "height"]
    wallet.save(update_fields=fields)


def record_funds(wallet: Wallet, funds: Funds, ready: int | None) -> None:
    """Keep what the wallet holds, for the pages of managers. A node that says less than nothing is not kept."""
    if min(funds.total, funds.spendable, funds.locked or 0) >= 0:
        said = {"total": funds.total, "spendable": funds.spendable, "locked": funds.locked, "ready": ready}
        WalletFunds.objects.update_or_create(wallet=wallet, defaults={**said, "asked_at": now()})


def connect(*, coin: Coin, name: str, kind: str, options: dict[str, Any]) -> CoinWallet:
    """Connect a node wallet to a coin; the one active so far is retired: still scanned, never paid from.

    Raises InvalidRequest for a coin whose decimals this kind of node would misread.
    """
    nodes.check_coin(kind, coin)
    with transaction.atomic():
        wallet = Wallet(name=name, kind=kind)
        wallet.write_options(options)
        wallet.save()
        for old in CoinWallet.objects.filter(coin=coin, is_active=True):
            old.is_active = False
            old.save(update_fields=["is_active"])
            Wallet.objects.filter(pk=old.wallet_id).update(retired_at=now())
        made = CoinWallet.objects.create(coin=coin, wallet=wallet)
        if coin.confirmations > 1 and nodes.is_final_at_once(coin):
            coin.confirmations = 1  # there are no more to wait for
            coin.save(update_fields=["confirmations"])
        return made


def configure(*, wallet: Wallet, options: dict[str, Any]) -> None:
    """New options for a wallet; every process opens it anew."""
    wallet.write_options(options)
    wallet.save(update_fields=["options", "version"])


def end_freeze(*, user: User, freeze_id: int, reason: str) -> Freeze:
    """Let payouts go on, by a manager who says why."""
    require(user, Capability.MANAGE_WALLETS)
    if not reason.strip():
        raise InvalidRequest("Say why the payouts may go on.")
    with transaction.atomic(durable=True):
        freeze = locks.freeze(freeze_id)
        if freeze.ended_at is not None:
            raise WrongState("This freeze has ended already.")
        if freeze.cause == Freeze.Cause.RECOVERY:
            raise WrongState("The site is in recovery: two people end that, and this freeze with it.")
        freeze.ended_at, freeze.ended_by, freeze.ended_reason = now(), user, reason.strip()[:300]
        freeze.save(update_fields=["ended_at", "ended_by", "ended_reason"])
        record(
            What.FREEZE_ENDED, who=user, object=f"freeze {freeze.pk}", about=freeze.user, reason=reason.strip()[:300]
        )
        events.emit("payouts_released", freeze=freeze.pk, by=user.pk)
    return freeze


def tell_lost_addresses(wallet: Wallet, lost: Sequence[str]) -> None:
    """Coins sent to these addresses are lost: staff hears of it at once, and every hour again."""
    if first_this_hour(f"address_lost:{wallet.pk}"):
        log.error("wallet %s lost %s addresses of members, first %s", wallet.name, len(lost), lost[0])
        events.emit("address_lost", wallet=wallet.name, addresses=list(lost[:20]), count=len(lost))


def first_this_hour(alarm: str) -> bool:
    """Whether nobody was told of this in the last hour."""
    return first_in(3600, alarm)


def first_in(seconds: int, name: str) -> bool:
    """True once in so many seconds for each name, whoever asks."""
    return bool(cache.add(f"alarm:{name}", 1, seconds))
