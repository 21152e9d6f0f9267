"""Test coins, where the coin's node gives them: the payment then comes in like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from ledger import nodes, queries
from ledger.models import Coin
from ledger.services import invoices
from ledger.services.addresses import assign_address
from wallets_site.base.errors import InvalidRequest

if TYPE_CHECKING:
    from accounts.models import User


def pay_invoice_with_test_coins(*, user: User, payment_hash: str) -> str:
    """Ask the node to pay this person's invoice; the payment hash. Raises NotFound, InvalidRequest."""
    invoice = invoices.own(user=user, payment_hash=payment_hash)
    if not nodes.can_give_test_coins(invoice.coin):
        raise InvalidRequest(_("%(coin)s has no test coins.") % {"coin": invoice.coin.name})
    return nodes.give_test_coins(invoice.address, invoice.amount)


def send_test_coins(*, user: User, coin: Coin, key: str) -> str:
    """Ask the node to pay this person's newest address; the txid. Raises InvalidRequest where no node gives any."""
    if not nodes.can_give_test_coins(coin):
        raise InvalidRequest(_("%(name)s has no test coins.") % {"name": coin.name})
    held = queries.addresses(user, coin)
    address = held[0] if held else assign_address(user=user, coin=coin, key=key)
    return nodes.give_test_coins(address, 10**coin.decimals)
