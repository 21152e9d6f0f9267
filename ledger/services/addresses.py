"""Deposit addresses: taken from a pool that the worker keeps filled, so that no page waits for a node."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from accounts.capabilities import Capability, require
from adapters.base import AddressRequest, NewAddress
from adapters.models import Wallet
from ledger import locks, nodes, posting
from ledger.models import Account, Address, Coin, CoinWallet, Kind, Switch
from ledger.services import generation, rules, states
from wallets_site.base.clock import now
from wallets_site.base.errors import CoinUnavailable, InvalidRequest, LimitReached, NotFound

if TYPE_CHECKING:
    from accounts.models import User

LABEL = 60
BLOCK: Final = 50
_blocks: dict[tuple[str, int, int], tuple[int, int]] = {}  # by database, process and wallet: the next, and the end
_blocks_guard = threading.Lock()


def assign_address(
    *, user: User, coin: Coin, key: str, label: str = "", customer_ref: str = "",
    needs: Capability = Capability.GENERATE_ADDRESS,
) -> Address:  # fmt: skip
    """A fresh deposit address of this person; the same key answers with the same one. For invoices: invoices.ask().

    needs: the capability beside has_wallets.
    Raises LimitReached above the coin's number of addresses, CoinUnavailable when deposits are closed or the pool
    is empty and the node does not answer.
    """
    require(user, Capability.HAS_WALLETS)
    require(user, needs)
    state = states.current_state(coin)
    halted = Switch.What.DEPOSITS in rules.current().of(coin).halted
    if halted or not (state.deposits_ok or (state.moves_ok and coin.deposits_on)):
        raise CoinUnavailable(state.reason)
    use = nodes.active_wallet(coin)
    if nodes.takes_invoices(use):
        raise InvalidRequest(
            _("%(coin)s is received by invoice: say which amount, and make an invoice.") % {"coin": coin.name}
        )
    found = _from_pool(user, use, key, label, customer_ref)
    if found is not None:
        return found
    if not nodes.has_address_for(use):
        raise CoinUnavailable(_("No fresh address is ready just now. Please try again later."))
    number = allot_number(use.wallet_id)
    store(use, number, nodes.new_address(use, number))
    found = _from_pool(user, use, key, label, customer_ref)
    if found is None:
        raise CoinUnavailable(_("All fresh addresses were taken at this moment. Please try again."))
    return found


def first_from_pool(*, user: User, coins: Iterable[int]) -> dict[int, Address]:
    """For each of these coins' numbers an address, by coin, without asking a node; none where the pool is empty."""
    found: dict[int, Address] = {}
    open_ones = [coin for coin in coins if _gives_addresses(coin)]
    if not open_ones:
        return found
    for use in CoinWallet.objects.select_related("coin", "wallet").filter(coin__in=open_ones, is_active=True):
        if use.wallet.state != Wallet.State.CLOSED:
            address = _from_pool(user, use, "first", "")
            found |= {use.coin_id: address} if address else {}
    return found


def _gives_addresses(coin_id: int) -> bool:
    """Whether this coin is received at addresses, and is received at all, by what is in memory."""
    known = rules.current().coins.get(coin_id)
    if known is None or known.use is None or nodes.takes_invoices(known.use):
        return False
    return known.coin.deposits_on and Switch.What.DEPOSITS not in known.halted


def _from_pool(user: User, use: CoinWallet, key: str, label: str, customer_ref: str = "") -> Address | None:
    with transaction.atomic(durable=True):
        account = posting.account(use.coin, Kind.USER, owner_id=user.pk)
        locks.accounts([account.pk])
        repeated = Address.objects.filter(account=account, request_key=key).first()
        if repeated is not None:
            return repeated
        if Address.objects.filter(account=account).count() >= use.coin.addresses_max:
            raise LimitReached(
                _("You have %(addresses_max)s %(symbol)s addresses already; each of them keeps working.")
                % {"addresses_max": use.coin.addresses_max, "symbol": use.coin.symbol},
                limit=use.coin.addresses_max,
            )
        address = locks.pooled_address(use.wallet_id)
        if address is None:
            return None
        address.account, address.request_key = account, key
        address.label, address.assigned_at = label.strip()[:LABEL], now()
        address.customer_ref = customer_ref
        address.save(update_fields=["account", "request_key", "label", "customer_ref", "assigned_at"])
        generation.bump()
        return address


def ours(coin: Coin, address: str, extra: str) -> Address | None:
    """The address of ours that a payment to these would reach: many may share one and differ in their extra."""
    extra = extra.strip()
    rows = Address.objects.select_related("account__owner").filter(coin=coin, address=address)
    return rows.filter(extra__in={"", extra, extra.lower()}).order_by("-extra").first()


def request_for(number: int) -> AddressRequest:
    return AddressRequest(number=number)


def next_number(wallet_id: int) -> int:
    """The number that allot_number() would give now."""
    return CoinWallet.objects.values_list("next_number", flat=True).get(wallet_id=wallet_id)


def allot_number(wallet_id: int) -> int:
    """The next address number of this wallet; a number is never given twice, even if its address is never stored."""
    return _allot(wallet_id, 1)


def _allot(wallet_id: int, count: int) -> int:
    """The first of so many numbers that nobody else gets."""
    with transaction.atomic(durable=True):
        use = locks.coin_wallet(wallet_id)
        number = use.next_number
        use.next_number = number + count
        use.save(update_fields=["next_number"])
        generation.bump()
    return number


def invoice_number(wallet_id: int) -> int:
    """As allot_number(), for what is numbered for nothing but to be told apart: each process takes many at a time, so
    that asking for an invoice waits neither for a lock nor for the disk. What a process did not use is never used."""
    key = str(connection.settings_dict["NAME"]), os.getpid(), wallet_id
    with _blocks_guard:
        number, ends = _blocks.get(key, (0, 0))
        if number >= ends:
            number = _allot(wallet_id, BLOCK)
            ends = number + BLOCK
        _blocks[key] = number + 1, ends
    return number


def forget_numbers() -> None:
    """What this process took and did not use: for who finds one of them in use."""
    with _blocks_guard:
        _blocks.clear()


def store(use: CoinWallet, number: int, made: NewAddress) -> Address | None:
    """Put a node's new address into the pool; None when the node gave one that stands here already."""
    try:
        with transaction.atomic():
            return Address.objects.create(
                coin=use.coin, wallet=use.wallet, number=number, address=made.address, extra=made.extra,
                ref=made.ref, expires_at=made.expires,
            )  # fmt: skip
    except IntegrityError:
        return None


def missing_from_pool(use: CoinWallet) -> int:
    """How many addresses the pool lacks, once it has fallen to half its size; none of a coin of invoices."""
    if nodes.takes_invoices(use):
        return 0
    ready = Address.objects.filter(wallet=use.wallet, account=None, amount=None).count()
    return use.coin.pool_size - ready if ready * 2 <= use.coin.pool_size else 0


def rename_address(*, user: User, address_id: int, label: str) -> Address:
    mine = Account.objects.filter(owner=user)
    address = Address.objects.filter(pk=address_id, account__in=mine).first()
    if address is None:
        raise NotFound(_("There is no such address."))
    address.label = label.strip()[:LABEL]
    address.save(update_fields=["label"])
    return address
